#include "map_layout.h"

#include <stdint.h>
#include <string.h>

enum {
	NARROW = 80,  /* below it there are only figures that nothing else tells */
	MEDIUM = 110, /* from here on twice the cells */
	WIDE = 150,
	LEAST_HOLDERS = 12,
	FUNCTION_HOLDERS = 44, /* columns that lines need to have their functions with them */
};

static const size_t least_columns[MAP_FIGURES] = {
	[MAP_ADDRESS] = 180, [MAP_AGE] = NARROW, [MAP_LIVE] = NARROW};

static size_t cells_of(size_t columns, size_t pools)
{
	size_t cells = MAP_LAYOUT_CELLS;
	if (columns && columns < NARROW)
		cells = MAP_LAYOUT_CELLS / 8;
	else if (columns && columns < MEDIUM)
		cells = MAP_LAYOUT_CELLS / 4;
	else if (columns && columns < WIDE)
		cells = MAP_LAYOUT_CELLS / 2;
	return cells < pools ? cells : pools;
}

static size_t used_width(const struct map_layout *layout)
{
	size_t used = layout->cells ? layout->cells + MAP_GAP : 0;
	for (size_t i = 0; i < MAP_FIGURES; i++)
		if (layout->shown[i])
			used += layout->widths[i] + MAP_GAP;
	return used;
}

struct map_layout map_layout_of(size_t columns, const size_t *widths, size_t pools)
{
	struct map_layout layout = {.cells = cells_of(columns, pools)};
	memcpy(layout.widths, widths, sizeof layout.widths);
	const bool all = columns == 0;
	for (size_t i = 0; i < MAP_FIGURES; i++)
		layout.shown[i] = widths[i] && (all || columns >= least_columns[i]);
	const size_t used = used_width(&layout);
	layout.holders_width = all                              ? SIZE_MAX
			       : columns > used + LEAST_HOLDERS ? columns - used
								: LEAST_HOLDERS;
	layout.functions = layout.holders_width >= FUNCTION_HOLDERS;
	return layout;
}
