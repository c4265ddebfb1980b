#include "outcome.h"

#include <string.h>
#include <unistd.h>

#include "../collector/profile_read.h"
#include "command.h"
#include "moment.h"
#include "run_files.h"

/* As it may be typed from here. */
static const char *short_name(const char *out)
{
	char folder[4096];
	if (!getcwd(folder, sizeof folder))
		return out;
	const size_t len = strlen(folder);
	return strncmp(out, folder, len) == 0 && out[len] == '/' ? out + len + 1 : out;
}

static void say_profile(const char *out, const struct profile *profile, enum units_kind units)
{
	struct moment end;
	const char *program = profile_info(profile, "program");
	if (moment_find(profile, "end", &end, NULL))
		return;
	command_say("%s: %s live at end, peak %s, %s allocations; see: memtrace report %s",
		    program && *program ? program : "?",
		    units_size(units, moment_live_bytes(profile, &end)).text,
		    units_size(units, profile->run.peak_bytes).text,
		    units_count(profile->run.allocations).text, short_name(out));
}

static void say_finished(const char *out, enum units_kind units)
{
	struct profile *profile;
	struct err err;
	if (profile_open(out, &profile, &err)) {
		command_say("%s", err.text);
		return;
	}
	say_profile(out, profile, units);
	profile_free(profile);
}

void outcome_say(const char *out, enum units_kind units)
{
	struct run_files run;
	struct err err;
	if (run_files_find(out, &run, &err) || run_files_wait(&run, &err)) {
		command_say("%s", err.text);
		return;
	}
	const char *name = short_name(run.out);
	switch (run.state) {
	case RUN_FINISHED:
		say_finished(run.out, units);
		break;
	case RUN_RUNNING:
		command_say("process %u of this run goes on; its profile will be %s", run.pid,
			    name);
		break;
	case RUN_DRAINING:
		command_say("the collector is still writing %s; see: memtrace report %s", name,
			    name);
		break;
	case RUN_LEFTOVER:
		command_say(
			"%s was not finished (%s); see: memtrace report %s (it recovers what"
			" was recorded)",
			name,
			run.failed ? "it couldn't be written: is the disk full?"
				   : "its collector was killed",
			name);
		break;
	case RUN_EMPTY:
		command_say("%s stayed empty: nothing was recorded", name);
		break;
	}
	run_files_release(&run);
}
