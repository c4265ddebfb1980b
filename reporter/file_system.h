/*
 * file_system.h - what is known of the file systems that a run's files may be on.
 */
#ifndef MEMTRACE_FILE_SYSTEM_H
#define MEMTRACE_FILE_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

struct file_system {
	uint32_t magic; /* statfs.f_type */
	const char *name;
	const char *doubt; /* about files there; NULL: nothing is known against it */
	bool no_guarantee; /* a ring there may lose what it holds, or stop its program */
};

/* NULL: not known. */
const struct file_system *file_system_of(uint64_t magic);

#endif
