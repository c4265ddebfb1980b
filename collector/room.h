/*
 * room.h - how much more memory a process may take before the kernel says no.
 *
 * A process is charged to its cgroup and to all above it; of those that have a limit the one
 * that has least left counts. What the kernel would drop first, pages of files that nobody
 * looked at lately, is told besides what is used: a full page cache ends no process. Both
 * versions of cgroups are read where their file systems usually are; a folder that isn't there,
 * as in a container that sees its own part of the tree alone, is passed over for the one above.
 *
 * Whatever isn't told is 0.
 */
#ifndef MEMTRACE_ROOM_H
#define MEMTRACE_ROOM_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct room {
	uint64_t cgroup_bytes;       /* used in that cgroup; its own, where none has a limit */
	uint64_t cgroup_cache_bytes; /* of these, what goes first */
	uint64_t cgroup_limit_bytes; /* 0: none */
	uint64_t machine_bytes;
	uint64_t machine_available_bytes;
};

struct room room_of(pid_t pid);
/*
 * The same by /proc/PID/cgroup and /proc/meminfo, both open (NULL: there is none) and staying
 * so, and the folder that stands for /sys/fs/cgroup.
 */
struct room room_read(FILE *membership, FILE *meminfo, const char *folder);

#endif
