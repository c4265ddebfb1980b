#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void report_end(const struct report *report, char *text, size_t size)
{
	const struct profile_run *run = &report->profile->run;
	if (report->running) {
		snprintf(text, size, "still running");
		return;
	}
	switch (run->end) {
	case PROFILE_EXIT:
		snprintf(text, size, "exited with status %" PRId64, run->end_status);
		break;
	case PROFILE_UNDERSCORE_EXIT:
		snprintf(text, size, "left by _exit(%" PRId64 ")", run->end_status);
		break;
	case PROFILE_ABORT:
		snprintf(text, size, "aborted (signal 6)");
		break;
	case PROFILE_EXEC:
		snprintf(text, size, "became another program (exec)");
		break;
	case PROFILE_DIED:
		/* Nobody but a parent is told the signal. */
		snprintf(text, size, "was killed or crashed");
		break;
	default:
		snprintf(text, size, "its end was not seen");
		break;
	}
}

size_t report_rows(const struct report *report)
{
	const size_t count = report->growth.row_count;
	return report->limit && report->limit < count ? report->limit : count;
}
