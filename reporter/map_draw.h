/*
 * map_draw.h - how full things are, one character each: pools of an arena, blocks of a pool.
 *
 * A strip is a row of cells, each for as many neighbours as fit into it. An eighth of live
 * blocks more is a step higher; the lowest step is for none at all and the highest for all, so
 * that one live block among a thousand can be seen, and one free one too.
 */
#ifndef MEMTRACE_MAP_DRAW_H
#define MEMTRACE_MAP_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "term.h"

enum { MAP_DRAW_FULL = 8, MAP_DRAW_NO_HUE = TERM_HUES };

/* What is drawn: in a place, of so many blocks so many are live. */
struct map_share {
	uint32_t live, capacity;
	uint8_t hue; /* of who holds it; MAP_DRAW_NO_HUE: none of those with a colour */
};

struct map_cell {
	uint8_t level; /* 0: nothing is live, MAP_DRAW_FULL: everything */
	uint8_t hue;   /* of the share in it with most live blocks */
};

/* Fills `cell_count` cells, which are at most as many as the shares. */
void map_draw_cells(const struct map_share *shares, size_t share_count, struct map_cell *cells,
		    size_t cell_count);
/* A bar that is filled from the left, where only a sum is known. */
void map_draw_bar(uint64_t live, uint64_t capacity, uint8_t hue, struct map_cell *cells,
		  size_t cell_count);
void map_draw(const struct term *term, const struct map_cell *cells, size_t cell_count);
/* What the characters mean: "· none, ▁▂▃▄▅▆▇ some, █ all". */
void map_draw_legend(const struct term *term, char *text, size_t size);

#endif
