/*
 * course.h - the figures of each stack in the course of the run.
 *
 * A point is a moment with what changed since the point before it (changes.h). Points come a
 * step apart; when there are too many, of each two the later one stays and the step doubles. So
 * however long a run lasts, between half of COURSE_MOST_POINTS and all of them lie evenly over
 * it, and two runs of one stream have the same points.
 *
 * Memory: at most COURSE_MOST_CHANGES changes, 16 MiB, unless COURSE_FEWEST_POINTS alone hold
 * more: in programs with more than 60,000 stacks that never rest.
 */
#ifndef MEMTRACE_COURSE_H
#define MEMTRACE_COURSE_H

#include "changes.h"

enum {
	COURSE_MOST_POINTS = 128,
	COURSE_FEWEST_POINTS = 8,
	COURSE_MOST_CHANGES = 1 << 19,
	COURSE_FIRST_STEP_MS = 100,
};

struct course_figures {
	uint64_t time_ms;   /* since start */
	uint64_t rss_bytes; /* 0: unknown */
	uint64_t live_bytes, live_blocks;
	uint64_t arena_bytes;
	uint64_t allocations;    /* so far: the allocation clock */
	uint64_t collections[3]; /* so far, by generation */
};

struct course_point {
	struct course_figures figures;
	struct changes changes;
};

struct course {
	struct course_point *points;
	size_t count, capacity;
	size_t change_count; /* of all points */
	uint64_t step_ms;
	uint64_t next_ms; /* when the next point is due */
};

void course_init(struct course *course);
void course_release(struct course *course);
static inline int course_is_due(const struct course *course, uint64_t now_ms)
{
	return now_ms >= course->next_ms;
}
/* The next point; times never go back. Takes the changed stacks from `sites`. */
void course_add(struct course *course, const struct course_figures *figures,
		struct sites *sites);
/* A point as it was in another course, behind all that are here; takes over its changes. */
void course_put_back(struct course *course, const struct course_point *point);

#endif
