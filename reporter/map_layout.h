/*
 * map_layout.h - which columns of the map there are on a terminal of some width.
 *
 * What a row is about stays at any width: its number, how many arenas, how much they hold back
 * and who holds them. A wider one has the drawing finer, the rest of the figures, longer lists
 * of lines, and their functions. Without a width, in a pipe, there is everything.
 */
#ifndef MEMTRACE_MAP_LAYOUT_H
#define MEMTRACE_MAP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

enum map_column {
	MAP_NUMBER = 0,
	MAP_ARENAS,
	MAP_ADDRESS,
	MAP_AGE,
	MAP_LIVE,
	MAP_FREE,
	MAP_FIGURES, /* how many columns of figures there are */
};

enum { MAP_GAP = 2, MAP_LAYOUT_CELLS = 64 };

struct map_layout {
	bool shown[MAP_FIGURES];
	size_t widths[MAP_FIGURES];
	size_t cells;
	size_t holders_width; /* SIZE_MAX: as long as they are */
	bool functions;
};

/*
 * `widths` of the figures' columns as they would be, 0: there is none; `pools`: what there is
 * to draw, at most. 0 columns: unlimited.
 */
struct map_layout map_layout_of(size_t columns, const size_t *widths, size_t pools);

#endif
