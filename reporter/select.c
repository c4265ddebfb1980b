#include "select.h"

#include <stdlib.h>

#include "../collector/mem.h"
#include "follow.h"
#include "recovery.h"
#include "run_files.h"

static int make_ready(struct run_files *run, struct selected *selected, struct err *err)
{
	if (run->state == RUN_DRAINING && run_files_wait(run, err))
		return -1;
	switch (run->state) {
	case RUN_LEFTOVER:
		selected->recovered_now = true;
		if (recovery_open(run->out, &selected->profile, err))
			return err_prefix(err, "%s was never finished, and can't be recovered",
					  run->out);
		return 0;
	case RUN_RUNNING:
	case RUN_DRAINING:
		selected->running = true;
		if (run->has_profile)
			return 0;
		if (run->state == RUN_RUNNING &&
		    follow_once(run->out, &selected->profile, err) == 0)
			return 0;
		return err_prefix(err,
				  "process %u still runs; its profile appears when it ends",
				  run->pid);
	case RUN_EMPTY:
		return err_set(err, "%s is empty, and nothing is beside it to recover from",
			       run->out);
	case RUN_FINISHED:
		break;
	}
	return 0;
}

int select_open(const char *name, struct selected *ret_selected, struct err *err)
{
	struct selected selected = {.profile = NULL};
	struct run_files run;
	if (run_files_find(name, &run, err))
		return -1;
	int result = make_ready(&run, &selected, err);
	if (result == 0 && !selected.profile)
		result = profile_open(run.out, &selected.profile, err);
	run_files_release(&run);
	if (result == 0)
		*ret_selected = selected;
	return result;
}

/* 0: it says nothing about its start. */
static uint64_t start_of(const char *out)
{
	struct run_files run;
	struct profile *profile;
	uint64_t start = 0;
	if (run_files_find(out, &run, NULL))
		return 0;
	start = run.start_real_ns;
	if (!start && run.has_profile && profile_open(out, &profile, NULL) == 0) {
		start = profile->run.start_real_ns;
		profile_free(profile);
	}
	run_files_release(&run);
	return start;
}

int select_newest(char **ret_name, struct err *err)
{
	char **outs;
	size_t count, newest = SIZE_MAX;
	uint64_t newest_start = 0;
	if (run_files_list(".", &outs, &count, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		const uint64_t start = start_of(outs[i]);
		if (start > newest_start) {
			newest_start = start;
			newest = i;
		}
	}
	int result = 0;
	if (newest != SIZE_MAX)
		*ret_name = mem_text(outs[newest]);
	else
		result = err_set(err, "no profile in this directory; 'memtrace run -- COMMAND'"
				      " makes one");
	run_files_list_free(outs, count);
	return result;
}
