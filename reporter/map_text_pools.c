/* One arena of the map, pool by pool, for people. */
#include <string.h>

#include "map_held.h"
#include "map_text.h"
#include "paragraph.h"

enum {
	NARROW = 80,
	MEDIUM = 110,
	WIDE = 150,
	MOST_CELLS = 64,
	SHOWN_LINES = 5,
	FUNCTION_HOLDERS = 44,
};

struct columns {
	size_t cells, holders_width;
};

static size_t cells_for(size_t width)
{
	if (!width || width >= WIDE)
		return MOST_CELLS;
	return width < NARROW   ? MOST_CELLS / 8
	       : width < MEDIUM ? MOST_CELLS * 3 / 8
				: MOST_CELLS * 3 / 4;
}

/* POOL, SIZE and LIVE are as wide as they can get: three digits, 512 B, 1021 of 1021. */
static const size_t figures_width = 4 + 2 + 5 + 2 + 9 + 2;

static struct columns columns_of(const struct map_pools *pools, size_t width)
{
	struct columns columns = {.cells = pools->blocks_known ? cells_for(width) : 0};
	size_t used = figures_width + (columns.cells ? columns.cells + 2 : 0);
	columns.holders_width = !width ? SIZE_MAX : width > used + 12 ? width - used : 12;
	return columns;
}

static void print_arena(const struct map_view *view, const struct map_pools *pools)
{
	const struct held_arena *held = pools->arena->held;
	const struct units_text age = map_text_age(map_age(pools->map, held->window));
	paragraph_printf(view->term, "arena %#llx of %s%s%s: %s live in %s blocks, %s free",
			 (unsigned long long)held->address,
			 units_size(view->units, held->bytes).text, *age.text ? ", age " : "",
			 age.text, units_size(view->units, held->block_bytes).text,
			 units_count(held->live_blocks).text,
			 units_size(view->units, held->free_bytes).text);
}

/* Ages of blocks go back to the beginning of the window in which they were made. */
static void print_holder(const struct map_view *view, const struct map_holder *holder)
{
	const struct map *map = view->map;
	const struct term *term = view->term;
	const struct map_line *line = &map->named[holder->line];
	const struct units_text oldest = map_text_age(map_age(map, holder->oldest));
	const struct units_text newest = map_text_age(map_age(map, holder->newest));
	fprintf(term->out, "  %s", term_hue(term, line->hue));
	term_text(term, line->name);
	fprintf(term->out, "%s: %s blocks, %s", term_plain(term),
		units_count(holder->blocks).text,
		units_size(view->units, holder->block_bytes).text);
	if (*oldest.text && strcmp(oldest.text, newest.text) == 0)
		fprintf(term->out, ", age %s", oldest.text);
	else if (*oldest.text)
		fprintf(term->out, ", age %s to %s", newest.text, oldest.text);
	putc('\n', term->out);
}

static void print_holders(const struct map_view *view, const struct map_pools *pools)
{
	const struct map_arena *arena = pools->arena;
	const size_t count = arena->holder_count;
	const size_t shown = count > SHOWN_LINES + 1 ? SHOWN_LINES : count;
	if (!pools->map->of.arenas->holders_known)
		return;
	paragraph_printf(view->term, "held by %s line%s:", units_count(count).text,
			 count == 1 ? "" : "s");
	for (size_t i = 0; i < shown; i++)
		print_holder(view, &pools->map->holders[arena->holder_start + i]);
	if (shown < count)
		fprintf(view->term->out, "  %s more\n", units_count(count - shown).text);
}

static void print_titles(const struct term *term, const struct columns *columns)
{
	fprintf(term->out, "%s%4s  %5s  %9s  ", term_bold(term), "POOL", "SIZE", "LIVE");
	if (columns->cells)
		fprintf(term->out, "%-*s  ", (int)columns->cells, "BLOCKS");
	fprintf(term->out, "HELD BY%s\n", term_plain(term));
}

static void print_blocks(const struct term *term, const struct map_pool *pool,
			 size_t cell_count)
{
	struct map_cell cells[MOST_CELLS];
	const size_t drawn = cell_count < pool->capacity ? cell_count : pool->capacity;
	map_draw_cells(pool->blocks, pool->capacity, cells, drawn);
	map_draw(term, cells, drawn);
	fprintf(term->out, "%*s", (int)(cell_count - drawn) + 2, "");
}

static void print_pool(const struct map_view *view, const struct map_pools *pools,
		       const struct map_pool *pool, const struct columns *columns)
{
	const struct term *term = view->term;
	const struct map_held held = {
		.map = view->map,
		.holders = pools->holders ? &pools->holders[pool->holder_start] : NULL,
		.count = pool->holder_count,
		.other_blocks = pools->blocks_known ? 0 : pool->live,
		.before = "",
	};
	char live[32];
	snprintf(live, sizeof live, "%u/%u", pool->live, pool->capacity);
	fprintf(term->out, "%4zu  %3u B  %9s  ", pool->place, pool->block_bytes, live);
	if (columns->cells)
		print_blocks(term, pool, columns->cells);
	map_held_print(&held, term, columns->holders_width,
		       columns->holders_width >= FUNCTION_HOLDERS);
	putc('\n', term->out);
}

static void print_legend(const struct map_view *view, const struct map_pools *pools)
{
	const struct term *term = view->term;
	const size_t empty = pools->room - pools->count;
	const uint64_t empty_bytes = (uint64_t)empty * pools->map->of.arenas->pool_bytes;
	char legend[120];
	map_draw_legend(term, legend, sizeof legend);
	if (empty)
		paragraph_printf(term, "%zu of %zu pools have no live block: %s", empty,
				 pools->room, units_size(view->units, empty_bytes).text);
	fputs(term_dim(term), term->out);
	paragraph_printf(term,
			 "POOL counts from the arena's beginning; BLOCKS by address, live"
			 " ones: %s",
			 legend);
	fputs(term_plain(term), term->out);
}

void map_text_pools(const struct map_view *view, const struct map_pools *pools)
{
	const struct columns columns = columns_of(pools, view->term->width);
	map_text_head(view);
	print_arena(view, pools);
	print_holders(view, pools);
	putc('\n', view->term->out);
	print_titles(view->term, &columns);
	for (size_t i = 0; i < pools->count; i++)
		print_pool(view, pools, &pools->items[i], &columns);
	putc('\n', view->term->out);
	print_legend(view, pools);
}
