#include "map_draw.h"

#include <assert.h>

static uint8_t level_of(uint64_t live, uint64_t capacity)
{
	if (live == 0)
		return 0;
	if (live >= capacity)
		return MAP_DRAW_FULL;
	return (uint8_t)(1 + (unsigned __int128)live * (MAP_DRAW_FULL - 1) / capacity);
}

static struct map_cell cell_of(const struct map_share *shares, size_t count)
{
	uint64_t live = 0, capacity = 0;
	uint32_t most = 0;
	uint8_t hue = MAP_DRAW_NO_HUE;
	for (size_t i = 0; i < count; i++) {
		live += shares[i].live;
		capacity += shares[i].capacity;
		if (shares[i].live > most) {
			most = shares[i].live;
			hue = shares[i].hue;
		}
	}
	return (struct map_cell){.level = level_of(live, capacity), .hue = hue};
}

void map_draw_cells(const struct map_share *shares, size_t share_count, struct map_cell *cells,
		    size_t cell_count)
{
	assert(cell_count <= share_count);
	for (size_t i = 0; i < cell_count; i++) {
		const size_t first = i * share_count / cell_count;
		const size_t end = (i + 1) * share_count / cell_count;
		cells[i] = cell_of(&shares[first], end - first);
	}
}

void map_draw_bar(uint64_t live, uint64_t capacity, uint8_t hue, struct map_cell *cells,
		  size_t cell_count)
{
	/* Whole cells for what is surely live, one step for a rest. */
	unsigned __int128 steps = 0;
	if (capacity)
		steps = (unsigned __int128)(live < capacity ? live : capacity) * cell_count *
			MAP_DRAW_FULL / capacity;
	if (live && !steps)
		steps = 1;
	for (size_t i = 0; i < cell_count; i++) {
		const unsigned step = steps < MAP_DRAW_FULL ? (unsigned)steps : MAP_DRAW_FULL;
		cells[i] = (struct map_cell){.level = (uint8_t)step, .hue = hue};
		steps -= step;
	}
}

static const char *glyph(const struct term *term, uint8_t level)
{
	static const char *const blocks[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {".", ":", "-", "=", "+", "*", "%", "@", "#"};
	return (term->blocks ? blocks : ascii)[level];
}

void map_draw(const struct term *term, const struct map_cell *cells, size_t cell_count)
{
	unsigned hue = MAP_DRAW_NO_HUE;
	for (size_t i = 0; i < cell_count; i++) {
		/* A cell without blocks has nobody's colour. */
		const unsigned wanted = cells[i].level ? cells[i].hue : MAP_DRAW_NO_HUE;
		if (wanted != hue)
			fprintf(term->out, "%s%s", term_plain(term), term_hue(term, wanted));
		hue = wanted;
		fputs(glyph(term, cells[i].level), term->out);
	}
	if (hue != MAP_DRAW_NO_HUE)
		fputs(term_plain(term), term->out);
}

void map_draw_legend(const struct term *term, char *text, size_t size)
{
	char some[MAP_DRAW_FULL * 4] = "";
	size_t len = 0;
	for (uint8_t level = 1; level < MAP_DRAW_FULL; level++)
		len += (size_t)snprintf(some + len, sizeof some - len, "%s",
					glyph(term, level));
	snprintf(text, size, "%s none, %s some, %s all", glyph(term, 0), some,
		 glyph(term, MAP_DRAW_FULL));
}
