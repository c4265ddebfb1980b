/*
 * free_lists.h - what CPython's free lists can hold at most.
 *
 * The interpreter keeps the blocks of dead floats, tuples, lists, ... for the next object of
 * the same type, so many of each. Nothing is freed or allocated then: such a block stays with
 * the line that made the first object in it, live or not, unless the run followed it
 * (MEMTRACE_REUSE=1, from 3.13 on). How much a report can be wrong by for that reason is
 * bounded by the limits in the interpreter's source.
 *
 * Before 3.11 frames are kept too, one for each function and 200 more: their size has no
 * bound, and they are not counted here.
 */
#ifndef MEMTRACE_FREE_LISTS_H
#define MEMTRACE_FREE_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "../collector/profile_read.h"

struct free_lists {
	bool known; /* otherwise the interpreter isn't one of those described here */
	bool tracked;
	bool trackable; /* it was not, but could have been */
	/* Of blocks, rounded up to their size class, that may stand at another line than their
	 * user's. */
	uint64_t most_bytes;
	/* Of those that are live to the allocator and hold no object, followed or not. */
	uint64_t counted_live_bytes;
	bool frames; /* besides those, as many as there are functions: before 3.11 */
};

struct free_lists free_lists_of(const struct profile *profile);
/* 0: of CPython 3.minor nothing is known. `tracked`: only of what can't be. */
uint64_t free_lists_most_bytes(unsigned minor, bool tracked);

#endif
