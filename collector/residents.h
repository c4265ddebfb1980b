/*
 * residents.h - where the resident set was, at moments of the run.
 *
 * The collector looks at the program from outside (resident.h): after marks, and in between so
 * often that it costs a hundredth of the time at most, but for a beginning that may cost 50 ms
 * and the end. When there are too many looks, of each two that belong to no mark the earlier
 * one goes; where only marks are left, of each two of those. What stacks mapped goes with its
 * look.
 */
#ifndef MEMTRACE_RESIDENTS_H
#define MEMTRACE_RESIDENTS_H

#include <stddef.h>

#include "mapped.h"

enum { RESIDENTS_MOST = 256 };

struct residents {
	struct stream_resident *items; /* in order of time */
	size_t count, capacity;
	unsigned thinned;             /* how often */
	struct stream_mapped *mapped; /* likewise in order of time */
	size_t mapped_count, mapped_capacity;
};

void residents_release(struct residents *residents);
/* One that is older than the last is left out. */
void residents_add(struct residents *residents, const struct stream_resident *resident);
/* One of no look, or out of order, is left out, and so is what is too much for one look. */
void residents_add_mapped(struct residents *residents, const struct stream_mapped *mapped);

#endif
