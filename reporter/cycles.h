/*
 * cycles.h - what only the cyclic collector freed, by row, and how the collector works.
 *
 * Blocks that a collection freed hung on objects that refer to each other in a circle: counting
 * references would never have freed them, so they stayed until the collector came by. Breaking
 * the circle at the line that makes most of them frees them at once. What is freed when the
 * interpreter ends is left out. collector/garbage.h tells what else is.
 *
 * Rows come largest bytes first; their order never depends on chance.
 *
 * Memory: rows belong to the growth, which must outlive this.
 */
#ifndef MEMTRACE_CYCLES_H
#define MEMTRACE_CYCLES_H

#include "growth.h"
#include "units.h"

enum { CYCLES_GENERATIONS = 3, CYCLES_MAX_NOTES = 6 };

/* How the collector was set when it was looked at last. */
struct cycles_settings {
	bool known;
	bool enabled;
	bool frozen; /* gc.freeze() keeps objects away from it */
	uint64_t thresholds[CYCLES_GENERATIONS];
	size_t threshold_count; /* 0: not known */
};

struct cycles {
	const struct growth_row **rows; /* with something that the collector freed */
	size_t row_count;
	uint64_t bytes, blocks; /* of all rows */
	uint64_t collections, objects;
	uint64_t timed, took_ns; /* the collections of which it is known how long they took */
	struct cycles_settings settings;
	char *notes[CYCLES_MAX_NOTES]; /* sentences; NULL from the last one on */
};

/* `profile`: NULL of several processes, then nothing is told of the collector. */
void cycles_compute(const struct growth *growth, const struct profile *profile,
		    enum units_kind units, struct cycles *ret_cycles);
void cycles_release(struct cycles *cycles);
/* Enough bytes for somebody to do something about them. */
bool cycles_are_large(const struct cycles *cycles);
/*
 * The row whose cycles are worth breaking: the largest that holds a good part of the bytes at a
 * line that somebody can change. NULL: none does, the garbage is the interpreter's own or a
 * little of many lines.
 */
const struct growth_row *cycles_to_break(const struct cycles *cycles);
/* Those, or something to say of the collector. */
bool cycles_matter(const struct cycles *cycles);

#endif
