/*
 * child.h - a command run in the foreground, as a shell would run it.
 *
 * Signals meant for us go to the command: those sent to our pid are passed on, those of the
 * terminal reach it by themselves. We outlive it either way.
 */
#ifndef MEMTRACE_CHILD_H
#define MEMTRACE_CHILD_H

#include "../collector/err.h"

struct child_variable {
	const char *name;
	const char *value; /* NULL: left as it is */
};

/*
 * Runs `path` with these arguments and the environment with `variables` (up to a NULL name) put
 * in. *ret_status is its exit status, 128 + N after signal N, 126 or 127 where it can't be
 * executed.
 */
int child_run(const char *path, char *const *argv, const struct child_variable *variables,
	      int *ret_status, struct err *err);

#endif
