/*
 * gate_run.h - the command of a gate, run under the tracer as often as it takes.
 *
 * Each run has a folder of its own for its profiles, and where nothing else is set
 * PYTHONHASHSEED=0, so that two runs of one program allocate alike, and MEMTRACE_REUSE=1, so that
 * what a leak takes out of a free list isn't told of the line that had it before, and
 * MEMTRACE_COLLECT=1, by which marks of the Python package are behind a collection. Of several processes that a run leaves
 * profiles of, the first one is judged: the one that no other of them started.
 */
#ifndef MEMTRACE_GATE_RUN_H
#define MEMTRACE_GATE_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "../collector/err.h"

struct gate_run {
	char *folder;  /* made for it, with all its profiles in it */
	char *profile; /* the one to judge; NULL: there is none */
	size_t others; /* profiles beside it */
	int status;    /* the command's own */
};

/* -1: it can't be run, or what it left can't be told apart. What was made is in *ret_run. */
int gate_run(char *const *command, struct gate_run *ret_run, struct err *err);
/* Removes the folder, unless it is to be kept. */
void gate_run_release(struct gate_run *run, bool keep);

#endif
