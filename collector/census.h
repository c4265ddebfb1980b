/*
 * census.h - the arenas of a map, summed up one by one: at marks and when there are most of
 * them.
 *
 * What an arena's figures were when it was last looked at is kept, and looked at again only
 * where a block of it has come, gone or changed hands since: a census costs a walk over the
 * arenas in use, and over the blocks of those that changed.
 *
 * `peak` is of a moment with more than 32/33 of the most arenas that there were at any one
 * time, and mostly of the moment itself: it is taken when an arena goes, at a mark, and at the
 * last record (census_peak), if there are enough more than when it was taken last. So it is
 * taken once for each 3 % by which the heap has grown and then shrunk, at most.
 *
 * Memory: 450 bytes for each arena entry of the map, and the summaries.
 */
#ifndef MEMTRACE_CENSUS_H
#define MEMTRACE_CENSUS_H

#include "pins.h"
#include "pulse.h"
#include "summary.h"

struct arena_figures {
	struct arena_summary summary;
	struct class_summary classes[POOL_CLASSES + 1];
};

struct census {
	struct arena_figures *figures; /* by index into arena_map.arenas */
	size_t count, capacity;
	struct class_summary classes[POOL_CLASSES + 1]; /* the sum of `figures` */
	uint64_t *gone; /* arenas that were told of at a mark, since the last one */
	size_t gone_count, gone_capacity;
	struct pins pins;
	struct summary peak;
	const struct pulse *pulse; /* the owner's; NULL: none */
};

void census_init(struct census *census);
void census_release(struct census *census);
/* Arenas that came, changed or went since the mark before. */
void census_mark(struct census *census, struct arena_map *map, struct summary *ret_summary);
/* The arena at an address, if there is one, is about to be removed. */
void census_arena_goes(struct census *census, struct arena_map *map, uint64_t address);
/*
 * An arena that is in the map again as it was in another's: what was known of it there. One
 * that wasn't stale is looked at as it is.
 */
void census_put_back(struct census *census, struct arena_map *map, uint64_t address, bool stale,
		     bool changed, bool told);
/* An arena that was told of at a mark, and is gone since the last one. */
void census_put_gone(struct census *census, uint64_t address);
/* The peak as of the last record; false: `peak` is it, and *ret_peak remains untouched. */
bool census_peak(const struct census *census, const struct arena_map *map,
		 struct summary *ret_peak);

#endif
