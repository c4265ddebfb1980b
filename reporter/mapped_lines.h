/*
 * mapped_lines.h - which lines, functions, ... mapped what is resident: areas that the program
 * maps itself, and blocks that malloc maps one by one.
 *
 * Of one look at the resident set (resident_set.h), and always of the whole process, whatever
 * rows of a report are left out. What was mapped past the hooks, as by the loader and the C
 * library for its threads, is no line's: how much of each part that is, is told.
 *
 * Rows come most resident bytes first; their order never depends on chance.
 *
 * Memory: texts belong to the lines and their profile, which must outlive this.
 */
#ifndef MEMTRACE_MAPPED_LINES_H
#define MEMTRACE_MAPPED_LINES_H

#include "grouping.h"
#include "resident_set.h"

struct mapped_line {
	enum resident_set_share share;
	bool others;        /* stacks that the profile doesn't tell apart */
	struct group group; /* else, stood for by the stack with most */
	uint64_t bytes;     /* of address space */
	uint64_t resident_bytes;
};

struct mapped_lines {
	bool known; /* of a profile of an older release it isn't */
	struct mapped_line *items;
	size_t count;
	uint64_t past_hooks_bytes[SHARES]; /* resident, of shares that mapped_lines_tells */
};

/* Whether it consists of areas that somebody maps. */
bool mapped_lines_tells(enum resident_set_share share);

void mapped_lines_compute(const struct lines *lines, enum grouping_by by,
			  const struct resident_set *resident, struct mapped_lines *ret_mapped);
void mapped_lines_release(struct mapped_lines *mapped);

#endif
