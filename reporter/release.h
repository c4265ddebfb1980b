/*
 * release.h - in which order lines are best let go, so that arenas go back to the system.
 *
 * An arena goes back when all rows that hold it are released. Rows are taken one by one, always
 * the one that is the largest part of what it takes: of each arena that it holds, the free
 * bytes divided by the square of how many rows still hold it. The square keeps it from starting
 * on arenas that many others hold; free bytes, not all, from advising to give up arenas that
 * are well used. A row that gives back nothing by itself makes one step with those after it
 * that do.
 *
 * Finding the best k rows for every k is NP-hard (it is the densest subhypergraph); a greedy
 * order is what people would try by hand.
 */
#ifndef MEMTRACE_RELEASE_H
#define MEMTRACE_RELEASE_H

#include <stddef.h>
#include <stdint.h>

enum { RELEASE_MAX_ROWS = 64 };

/* Arena i is held by rows[starts[i]] to rows[starts[i + 1] - 1], each of them once. */
struct release_arenas {
	const uint64_t *bytes, *free_bytes;
	const size_t *starts; /* count + 1 of them */
	const uint32_t *rows; /* less than row_count */
	size_t count;
	size_t row_count;
};

/* All figures are of this step and those before it. */
struct release_step {
	size_t rows; /* of release.order */
	uint64_t arenas, bytes;
	uint64_t free_bytes; /* of those */
};

struct release {
	uint32_t order[RELEASE_MAX_ROWS];
	struct release_step steps[RELEASE_MAX_ROWS]; /* each gives something back */
	size_t step_count;
};

void release_compute(const struct release_arenas *arenas, struct release *ret_release);

#endif
