/* Makes the profile of a run whose processes were all killed. */
#include <inttypes.h>

#include "../collector/profile_read.h"
#include "command.h"
#include "options.h"
#include "recovery.h"
#include "run_files.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **path = state->input;
	switch (key) {
	case ARGP_KEY_ARG:
		*path = options_only(state, "PATH", arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no PATH given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int recover(const struct run_files *run)
{
	struct profile *profile;
	struct err err;
	if (recovery_run(run->out, &err) || profile_open(run->out, &profile, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	printf("%s: recovered, %s live in %s blocks after %s; see: memtrace report %s\n",
	       run->out, units_size(UNITS_IEC, profile->run.live_bytes).text,
	       units_count(profile->run.live_blocks).text,
	       units_seconds((double)profile->run.duration_ms / 1000).text, run->out);
	profile_free(profile);
	return STATUS_FINE;
}

static int recover_by_state(const struct run_files *run)
{
	switch (run->state) {
	case RUN_LEFTOVER:
		return recover(run);
	case RUN_RUNNING:
		command_say("%s: process %" PRIu32
			    " still runs; its profile appears when it ends",
			    run->out, run->pid);
		return STATUS_FAILED;
	case RUN_DRAINING:
		command_say("%s: its collector is still writing it; nothing to recover",
			    run->out);
		return STATUS_FAILED;
	case RUN_EMPTY:
		command_say("%s is empty, and nothing is beside it to recover from", run->out);
		return STATUS_FAILED;
	case RUN_FINISHED:
		break;
	}
	/* Where nothing can be cleared away, or no collector is there to do it, it stays. */
	recovery_run(run->out, NULL);
	printf("%s: nothing to recover, the profile is there\n", run->out);
	return STATUS_FINE;
}

int cmd_recover(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "PATH",
		.doc = "Makes the profile of a run whose processes were all killed, out of its"
		       " journal and its ring.\vPATH is any of the run's files. report does"
		       " this by itself.",
	};
	const char *path = NULL;
	struct run_files run;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &path))
		return STATUS_USAGE;
	if (run_files_find(path, &run, &err) || run_files_wait(&run, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	const int status = recover_by_state(&run);
	run_files_release(&run);
	return status;
}
