/*
 * history.h - live bytes of each group of stacks in the course of a run, between two moments.
 *
 * Slices follow each other. Where the program made six marks or more whose names begin with
 * "iter", each of those is a slice, with what was live then; otherwise a slice is some points
 * of time (profile.h, PNTS), with the least that was live at any of them: what comes and goes
 * faster than a slice isn't growth.
 *
 * Memory: history_release.
 */
#ifndef MEMTRACE_HISTORY_H
#define MEMTRACE_HISTORY_H

#include "grouping.h"
#include "moment.h"

enum {
	HISTORY_MOST_SLICES = 48,
	HISTORY_FEWEST_MARKS = 6,
};

struct history {
	bool by_marks;
	size_t count; /* 0: the profile has no points between the moments */
	double seconds[HISTORY_MOST_SLICES];
	double marks[HISTORY_MOST_SLICES];         /* by marks: how many were made up to it */
	uint64_t total_bytes[HISTORY_MOST_SLICES]; /* of all groups and of what is left out */
	uint64_t rss_bytes[HISTORY_MOST_SLICES];   /* 0: unknown */
	size_t group_count;
	uint64_t *bytes, *blocks; /* of group g in slice s: [g * count + s] */
};

void history_compute(const struct grouping *grouping, const struct moment *from,
		     const struct moment *to, struct history *ret_history);
void history_release(struct history *history);
const uint64_t *history_bytes(const struct history *history, size_t group);
const uint64_t *history_blocks(const struct history *history, size_t group);

#endif
