/*
 * proc.h - what /proc says of a process.
 *
 * By system calls alone: open, read and close are places where a thread may be cancelled, and
 * this runs inside mallocs, where it may not.
 */
#ifndef MEMTRACE_PROC_H
#define MEMTRACE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A whole small file into `buffer`, with a NUL behind it; what doesn't fit is left out. Returns
 * its length, 0 where it can't be read (no /proc, no descriptor left).
 */
size_t proc_read(const char *path, char *buffer, size_t capacity);

enum { PROC_SELF = 0, PROC_NAME_BYTES = 16 };

struct proc_stat {
	pid_t pid; /* as /proc has it: another one where it was mounted for another namespace */
	char name[PROC_NAME_BYTES];
	char state; /* R, S, Z, ... */
	pid_t parent;
	pid_t session;
	uint64_t start; /* clock ticks since boot: tells a pid used again */
};

/*
 * PROC_SELF: this process. False, and all of it 0: there is no such process, or it can't be
 * seen.
 */
bool proc_stat_of(pid_t pid, struct proc_stat *ret_stat);

#endif
