/*
 * smaps.h - the areas of a process's address space, as /proc/PID/smaps tells of them.
 *
 * The kernel merges neighbours that are alike, whoever made them: an area says how many of its
 * pages are resident, not what for.
 */
#ifndef MEMTRACE_SMAPS_H
#define MEMTRACE_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum area_kind {
	AREA_ANONYMOUS,
	AREA_FILE,
	AREA_SHARED, /* memory that has a name at most, shared with other processes */
	AREA_BRK,
	AREA_STACK, /* the main thread's */
	AREA_KERNEL,
};

struct area {
	uint64_t address, end;
	uint64_t resident_bytes, swap_bytes;
	uint64_t pss_bytes; /* resident, pages shared by n counted as a part of n */
	enum area_kind kind;
	bool closed; /* nobody may read or write it: a guard */
	bool tracer; /* the library's file, or the ring */
};

struct smaps {
	struct area *items; /* ascending by address */
	size_t count, capacity;
};

/* `ring_path` is the tracer's. False: nothing is known. */
bool smaps_read(pid_t pid, const char *ring_path, struct smaps *ret_smaps);
/* The same from an open file, which stays open. */
void smaps_parse(FILE *file, const char *ring_path, struct smaps *ret_smaps);
void smaps_release(struct smaps *smaps);

#endif
