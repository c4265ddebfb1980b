/*
 * map_text.h - the map for people.
 */
#ifndef MEMTRACE_MAP_TEXT_H
#define MEMTRACE_MAP_TEXT_H

#include "map_fold.h"
#include "map_pools.h"
#include "units.h"

struct map_view {
	const struct map *map;
	const struct map_fold *fold;
	const struct term *term;
	enum units_kind units;
	bool running; /* the profile is of a run that goes on */
	/* To colour pools by their own lines, which takes the profile's blocks; NULL: don't. */
	struct profile *blocks_of;
};

void map_text(const struct map_view *view);
/* One arena, pool by pool. */
void map_text_pools(const struct map_view *view, const struct map_pools *pools);

/* What both begin with. */
void map_text_head(const struct map_view *view);
void map_text_totals(const struct map_view *view);
/* What to look at first: which lines, and how much comes back. */
void map_text_advice(const struct map_view *view);
/* "3.4 s", "12 min", "5 h", "3 d"; "" where it isn't known. */
struct units_text map_text_age(double seconds);

#endif
