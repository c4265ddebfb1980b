/*
 * run_files.h - the files of one run, and what state it is in.
 *
 * A run owns OUT (its profile; empty at first) and beside it OUT.ring, OUT.journal.N,
 * OUT.checkpoint, OUT.live-profile, OUT.tmp and, for children that it forked, OUT.fork.N*.
 * Commands take any of these names, or the OUT that should exist. A ring that is still there
 * means that the run hasn't come to a clean end.
 *
 * Whether a run is alive: its process is there (pid and start time, from the ring's header), or
 * the collector's heartbeat moves, which shows runs in other pid namespaces too.
 */
#ifndef MEMTRACE_RUN_FILES_H
#define MEMTRACE_RUN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../collector/err.h"

enum run_state {
	RUN_FINISHED = 0, /* the profile is there, nothing is under way */
	RUN_RUNNING,
	RUN_DRAINING, /* the program has ended, its collector is still at it */
	RUN_LEFTOVER, /* all its processes are gone, its side files are not */
	RUN_EMPTY,    /* an empty OUT and nothing beside it */
};

struct run_files {
	char *out;
	enum run_state state;
	bool has_profile; /* OUT has content */
	bool has_ring;
	size_t journals;
	uint64_t disk_bytes; /* of all of them, as allocated */
	/* From the ring; 0 without one. */
	uint32_t pid;
	uint64_t start_real_ns;
	bool failed; /* the collector came to the end and couldn't write the profile */
};

extern const char *const run_state_names[];

/* The OUT that a name belongs to, for the caller to free. */
char *run_files_out(const char *name);
/*
 * -1: none of the run's files is there, or they can't be read. May take 0.3 s for a live one.
 */
int run_files_find(const char *name, struct run_files *ret_run, struct err *err);
void run_files_release(struct run_files *run);
/* Waits until the run is no longer draining, ten seconds at most; looks again. */
int run_files_wait(struct run_files *run, struct err *err);
/* The OUTs of all runs that have a file in the folder, sorted; for run_files_list_free. */
int run_files_list(const char *folder, char ***ret_outs, size_t *ret_count, struct err *err);
void run_files_list_free(char **outs, size_t count);

#endif
