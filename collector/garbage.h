/*
 * garbage.h - what the cyclic collector freed, collection by collection.
 *
 * A block that is freed inside a collection is garbage that only the collector could free,
 * with two exceptions. A full collection also empties the interpreter's lists of spare objects:
 * when it collected nothing, what it freed was that, and is taken back. And from the
 * interpreter's end on everything goes, cycles of modules and functions first: no program could
 * have freed those earlier.
 *
 * What a collection freed is kept by stack until its end tells what it collected.
 */
#ifndef MEMTRACE_GARBAGE_H
#define MEMTRACE_GARBAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sites.h"

enum { GARBAGE_GENERATIONS = 3 };

struct garbage_freed {
	uint64_t bytes, blocks;
};

/* Collections of one generation. */
struct garbage_sum {
	uint64_t collections, objects;
	struct garbage_freed freed;
	uint64_t timed, took_ns, longest_ns; /* of those whose time is known */
};

struct garbage {
	bool inside; /* a collection has begun */
	bool over;   /* the interpreter finalises: nothing is garbage any more */
	/* Of the collection that runs: by stack, and which of them have something. */
	struct garbage_freed *by_stack;
	size_t stack_count, stack_capacity;
	uint32_t *touched;
	size_t touched_count, touched_capacity;
	struct garbage_sum sums[GARBAGE_GENERATIONS];
};

void garbage_release(struct garbage *garbage);
void garbage_begin(struct garbage *garbage);
/* A block was freed inside a collection. */
void garbage_note(struct garbage *garbage, uint32_t stack, uint64_t bytes, uint64_t blocks);
/*
 * `generation` is below GARBAGE_GENERATIONS; took_ns 0: not known. What was no garbage is taken
 * from the sites.
 */
void garbage_end(struct garbage *garbage, uint32_t generation, uint64_t objects,
		 uint64_t took_ns, struct sites *sites);

#endif
