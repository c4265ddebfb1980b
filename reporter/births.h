/*
 * births.h - how many blocks each group allocated in each slice of a history, and how many of
 * those live on.
 *
 * Births are what the points of time say (profile.h, PNTS), each counted in the slice that had
 * not ended by then: by time that is exact, and where slices are marks it is as good as the
 * points lie close. A living block knows the window of its birth, a second at least: it is
 * counted in the slice in which that window began.
 *
 * Memory: births_release.
 */
#ifndef MEMTRACE_BIRTHS_H
#define MEMTRACE_BIRTHS_H

#include "history.h"

/* More living blocks than these aren't looked at one by one: a report is to be instant. */
enum { BIRTHS_MOST_LIVING = 2000000 };

struct births {
	size_t slices, group_count;
	bool living_known;
	uint64_t *born, *living; /* of group g in slice s: [g * slices + s] */
};

/* Since `from`, before which nothing counts. */
void births_compute(const struct grouping *grouping, const struct history *history,
		    const struct moment *from, struct births *ret_births);
void births_release(struct births *births);
/* Needs the blocks, so it loads them. Only of use where the history ends with the run. */
void births_find_living(struct births *births, const struct grouping *grouping,
			const struct history *history, const struct moment *from,
			struct profile *profile);
const uint64_t *births_born(const struct births *births, size_t group);
const uint64_t *births_living(const struct births *births, size_t group);

#endif
