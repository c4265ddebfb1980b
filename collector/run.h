/*
 * run.h - what the collector is asked to do, from the names of a run's files to its profile.
 *
 * A run owns OUT (empty until its profile is there) and, until then, OUT.ring, OUT.journal.N
 * and OUT.checkpoint; forks.h says what else is there for children.
 */
#ifndef MEMTRACE_RUN_H
#define MEMTRACE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct run_options {
	const char *out;        /* absolute */
	const char *log;        /* or NULL */
	bool keep_events;       /* the journal is kept, whole */
	uint64_t journal_bytes; /* its bound where it isn't kept */
	const char *program;    /* for checkpoints; or NULL */
};

/* Follows a living program to its end. */
int run_collect(const struct run_options *options, struct err *err);
/*
 * Makes a kept journal into a profile at `to`, the same that the run wrote. `ret_note`: why it
 * stops before its end; empty when it doesn't.
 */
int run_replay(const char *out, const char *to, struct err *ret_note, struct err *err);
/*
 * Program and collector were killed: makes the profile, then removes the side files. Of a run
 * that has its profile, what was left for its children (forks_sweep).
 */
int run_recover(const char *out, struct err *ret_note, struct err *err);
/* The same into `to`, where nothing beside `out` can be written: the run stays as it is. */
int run_recover_to(const char *out, const char *to, struct err *ret_note, struct err *err);

#endif
