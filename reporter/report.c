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

/* A mark that gave way to later ones left its audit's time. */
static bool is_up_to(const struct profile_audit *audit, const struct moment *to)
{
	if (audit->mark == PROFILE_PEAK || to->kind == MOMENT_POINT)
		return (double)audit->time_ms / 1000 <= to->seconds;
	return to->kind == MOMENT_LAST || (to->kind == MOMENT_MARK && audit->mark <= to->mark);
}

const struct profile_audit *report_audit(const struct report *report)
{
	const struct profile *profile = report->profile;
	const struct profile_audit *last = NULL;
	for (size_t i = 0; i < profile->audit_count; i++) {
		const struct profile_audit *audit = &profile->audits[i];
		if (is_up_to(audit, &report->to) && (!last || audit->time_ms >= last->time_ms))
			last = audit;
	}
	return last;
}

static bool is_last(const struct moment *moment, const struct profile *profile)
{
	return moment->kind == MOMENT_LAST ||
	       (moment->kind == MOMENT_MARK && moment->mark + 1 == profile->mark_count);
}

/* It is made as the interpreter begins to finalise: other ends don't get that far. */
static const char *why_none_at_end(const struct report *report)
{
	if (report->running)
		return "it is made at the end, and the program still runs";
	switch (report->profile->run.end) {
	case PROFILE_RUNNING:
		return "recording stopped before the end";
	case PROFILE_UNDERSCORE_EXIT:
		return "a process that leaves by _exit makes none";
	case PROFILE_ABORT:
	case PROFILE_DIED:
		return "the process died before it was made";
	case PROFILE_EXEC:
		return "the process became another program first";
	default:
		return "the process ended before it was made";
	}
}

const char *report_why_no_audit(const struct report *report)
{
	static const char off[] = "off: ";
	const char *said = profile_info(report->profile, "audit");

	if (report_audit(report))
		return NULL;
	if (report->fragmentation.known && !report->fragmentation.arenas)
		return "there are no arenas";
	if (said && strncmp(said, off, strlen(off)) == 0)
		return said + strlen(off);
	if (!is_last(&report->to, report->profile))
		return "marks have one where MEMTRACE_AUDIT=marks is set";
	return why_none_at_end(report);
}
