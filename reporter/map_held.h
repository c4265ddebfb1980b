/*
 * map_held.h - a list of the lines that hold something, in the room that there is: those with
 * most blocks, and how many more there are.
 *
 *	app.py:31 in fill ×20,000, json.py:7 ×12, 3 more
 */
#ifndef MEMTRACE_MAP_HELD_H
#define MEMTRACE_MAP_HELD_H

#include "map.h"

struct map_held {
	const struct map *map;
	const struct map_holder *holders; /* most blocks first */
	size_t count;
	uint64_t other_blocks; /* whose lines aren't known */
	const char *before;    /* said first, or "" */
};

/*
 * `width` columns at most, where the first line's name isn't longer by itself; SIZE_MAX: no
 * limit.
 */
void map_held_print(const struct map_held *held, const struct term *term, size_t width,
		    bool functions);

#endif
