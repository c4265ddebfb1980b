/*
 * ring_peek.h - the header of a ring file, read from outside.
 *
 * The file belongs to a program that may be alive, hostile or half-written: it is opened
 * without following links, its first page is copied, then checked.
 */
#ifndef MEMTRACE_RING_PEEK_H
#define MEMTRACE_RING_PEEK_H

#include <stdbool.h>

#include "../collector/err.h"
#include "../preload/stream.h"

struct ring_peek {
	uint32_t pid;
	uint64_t process_start;
	uint64_t start_real_ns;
	uint64_t capacity, slots_offset, head, tail;
	uint32_t cancel_offset, cancel_slots, temp_offset, temp_slots; /* not checked */
	uint64_t heartbeat;
	uint32_t program_state, collector_state, collector_pid;
};

int ring_peek_file(const char *path, struct ring_peek *ret_peek, struct err *err);
/* The same from a copy of the first page; `file_bytes` is the length of the whole file. */
int ring_peek_header(const char *path, const void *page, uint64_t file_bytes,
		     struct ring_peek *ret_peek, struct err *err);
/*
 * The very process that wrote it, not another one of its pid. One that is being killed is
 * waited for.
 */
bool ring_peek_process_is_alive(const struct ring_peek *peek);
/*
 * The process is visible from here at all, dead or alive: the collector's pid is that of one.
 */
bool ring_peek_pid_is_here(const struct ring_peek *peek);

#endif
