#include "map_text.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "map_held.h"
#include "map_layout.h"
#include "paragraph.h"
#include "shell_word.h"

struct row_text {
	char figures[MAP_FIGURES][48];
};

static const char *const titles[MAP_FIGURES] = {"#",   "ARENAS", "ADDRESS",
						"AGE", "LIVE",   "FREE"};

static struct row_text text_of(const struct map_view *view, size_t index)
{
	const struct map_row *row = &view->fold->rows[index];
	struct row_text text;
	char(*figures)[48] = text.figures;
	memset(&text, 0, sizeof text);
	if (row->kind != MAP_ROW_OTHER)
		snprintf(figures[MAP_NUMBER], sizeof figures[0], "%zu", index + 1);
	snprintf(figures[MAP_ARENAS], sizeof figures[0], "%s", units_count(row->count).text);
	if (row->kind != MAP_ROW_OTHER)
		snprintf(figures[MAP_ADDRESS], sizeof figures[0], "%#llx",
			 (unsigned long long)view->map->items[row->arena].held->address);
	snprintf(figures[MAP_AGE], sizeof figures[0], "%s", map_text_age(row->oldest).text);
	snprintf(figures[MAP_LIVE], sizeof figures[0], "%s",
		 units_size(view->units, row->live_bytes).text);
	snprintf(figures[MAP_FREE], sizeof figures[0], "%s",
		 units_size(view->units, row->free_bytes).text);
	return text;
}

/* Columns that would tell nothing have no width. */
static struct map_layout measure(const struct map_view *view, const struct row_text *rows)
{
	size_t widths[MAP_FIGURES] = {0};
	for (size_t i = 0; i < view->fold->row_count; i++)
		for (size_t j = 0; j < MAP_FIGURES; j++) {
			const size_t width = strlen(rows[i].figures[j]);
			widths[j] = width > widths[j] ? width : widths[j];
		}
	if (!view->fold->folded)
		widths[MAP_ARENAS] = 0;
	for (size_t j = 0; j < MAP_FIGURES; j++)
		if (widths[j] && widths[j] < strlen(titles[j]))
			widths[j] = strlen(titles[j]);
	const size_t pools = view->map->exact ? view->map->largest_pools : MAP_LAYOUT_CELLS;
	return map_layout_of(view->term->width, widths, pools);
}

static void print_figures(const struct term *term, const struct map_layout *layout,
			  const char (*figures)[48])
{
	for (size_t i = 0; i < MAP_FIGURES; i++)
		if (layout->shown[i])
			fprintf(term->out, "%*s%*s", (int)layout->widths[i], figures[i],
				MAP_GAP, "");
}

static void print_titles(const struct map_view *view, const struct map_layout *layout)
{
	const struct term *term = view->term;
	char figures[MAP_FIGURES][48];
	for (size_t i = 0; i < MAP_FIGURES; i++)
		snprintf(figures[i], sizeof figures[i], "%s", titles[i]);
	fputs(term_bold(term), term->out);
	print_figures(term, layout, figures);
	if (layout->cells)
		fprintf(term->out, "%-*s%*s", (int)layout->cells,
			view->map->exact ? "POOLS" : "SHARE", MAP_GAP, "");
	fprintf(term->out, "HELD BY%s\n", term_plain(term));
}

/* Pools are of equal weight, however many blocks their class makes of them. */
enum { WHOLE_POOL = 1 << 16 };

static struct map_share pool_share(uint32_t live, uint32_t capacity, uint8_t hue)
{
	/* Rounded up: one live block of many must not get lost. */
	const uint64_t part = live < capacity
				      ? ((uint64_t)live * WHOLE_POOL + capacity - 1) / capacity
				      : WHOLE_POOL;
	return (struct map_share){.live = (uint32_t)part, .capacity = WHOLE_POOL, .hue = hue};
}

static uint8_t hue_of(const struct map *map, const struct map_arena *arena)
{
	if (!arena->holder_count)
		return MAP_DRAW_NO_HUE;
	return map->named[map->holders[arena->holder_start].line].hue;
}

/* The colours of pools are of who has most blocks in each of them. */
static void color_pools(const struct map_view *view, const struct map_row *row,
			struct map_share *shares, size_t room)
{
	struct map_pools pools;
	map_pools_init(&pools, view->map, view->blocks_of, row->arena);
	for (size_t i = 0; i < pools.count; i++) {
		const struct map_pool *pool = &pools.items[i];
		if (pool->place < room && pool->holder_count)
			shares[pool->place].hue =
				view->map->named[pools.holders[pool->holder_start].line].hue;
	}
	map_pools_release(&pools);
}

/* Each pool in its place; those without live blocks as empty as any. */
static size_t draw_pools(const struct map_view *view, const struct map_row *row,
			 struct map_cell *cells, size_t cell_count)
{
	const struct map *map = view->map;
	const struct map_arena *arena = &map->items[row->arena];
	const size_t room = map_pool_room(map, arena);
	__attribute__((cleanup(mem_scope))) struct map_share *shares =
		mem_alloc(room * sizeof shares[0]);
	const uint32_t pool_bytes = map->of.arenas->pool_bytes;
	const uint8_t hue = hue_of(map, arena);
	for (size_t i = 0; i < room; i++)
		shares[i] = pool_share(0, 1, hue);
	for (size_t i = 0; i < arena->pool_count; i++) {
		const struct profile_pool *pool =
			&map->of.profile->pools[arena->pool_start + i];
		size_t place;
		if (map_pool_place(map, arena, pool->address, &place))
			shares[place] = pool_share(pool->live_blocks,
						   arenas_pool_blocks(pool_bytes, pool->class),
						   hue);
	}
	if (view->blocks_of)
		color_pools(view, row, shares, room);
	cell_count = cell_count < room ? cell_count : room;
	map_draw_cells(shares, room, cells, cell_count);
	return cell_count;
}

static void print_drawing(const struct map_view *view, const struct map_layout *layout,
			  const struct map_row *row)
{
	const struct map *map = view->map;
	struct map_cell cells[MAP_LAYOUT_CELLS];
	size_t drawn = 0;
	if (row->kind != MAP_ROW_OTHER) {
		const struct map_arena *arena = &map->items[row->arena];
		if (map->exact)
			drawn = draw_pools(view, row, cells, layout->cells);
		else
			map_draw_bar(arena->held->block_bytes, arena->held->bytes,
				     hue_of(map, arena), cells, drawn = layout->cells);
	}
	map_draw(view->term, cells, drawn);
	fprintf(view->term->out, "%*s", (int)(layout->cells - drawn + MAP_GAP), "");
}

static const char *before_holders(const struct map_row *row)
{
	switch (row->kind) {
	case MAP_ROW_FULL:
		return "(full)";
	case MAP_ROW_EMPTY:
		return "(no live block)";
	case MAP_ROW_OTHER:
		return "(other arenas)";
	default:
		return "";
	}
}

static struct map_layout print_rows(const struct map_view *view)
{
	const struct map_fold *fold = view->fold;
	__attribute__((cleanup(mem_scope))) struct row_text *rows =
		mem_alloc(fold->row_count * sizeof rows[0]);
	for (size_t i = 0; i < fold->row_count; i++)
		rows[i] = text_of(view, i);
	const struct map_layout layout = measure(view, rows);
	print_titles(view, &layout);
	for (size_t i = 0; i < fold->row_count; i++) {
		const struct map_row *row = &fold->rows[i];
		const struct map_held held = {
			.map = view->map,
			.holders = row->holders,
			.count = row->holder_count,
			.other_blocks = row->other_blocks,
			.before = before_holders(row),
		};
		print_figures(view->term, &layout, rows[i].figures);
		if (layout.cells)
			print_drawing(view, &layout, row);
		map_held_print(&held, view->term, layout.holders_width, layout.functions);
		putc('\n', view->term->out);
	}
	return layout;
}

static bool any_full(const struct map_fold *fold)
{
	for (size_t i = 0; i < fold->row_count; i++)
		if (fold->rows[i].kind == MAP_ROW_FULL)
			return true;
	return false;
}

static void print_legend(const struct map_view *view, const struct map_layout *layout)
{
	const struct term *term = view->term;
	const bool folded = view->fold->folded;
	char drawn[160] = "SHARE: of live bytes";
	if (view->map->exact) {
		snprintf(drawn, sizeof drawn, "POOLS by address, live blocks: ");
		map_draw_legend(term, drawn + strlen(drawn), sizeof drawn - strlen(drawn));
	}
	fputs(term_dim(term), term->out);
	paragraph_printf(term, "%s%s%s%s", drawn,
			 folded ? "; of several arenas the middle one is drawn" : "",
			 folded && layout->shown[MAP_AGE] ? ", AGE is the oldest's" : "",
			 any_full(view->fold) ? "; full: nine tenths are live" : "");
	if (view->map->exact) {
		__attribute__((cleanup(mem_scope))) char *path =
			shell_word_new(view->map->of.profile->path);
		paragraph_printf(term, "next: memtrace map --pools=1 %s    row 1, pool by pool",
				 path);
	}
	fputs(term_plain(term), term->out);
}

void map_text(const struct map_view *view)
{
	char missing[300];
	map_text_head(view);
	if (map_missing(view->map, missing, sizeof missing)) {
		paragraph_printf(view->term, "%s", missing);
		return;
	}
	map_text_totals(view);
	map_text_advice(view);
	putc('\n', view->term->out);
	const struct map_layout layout = print_rows(view);
	putc('\n', view->term->out);
	print_legend(view, &layout);
}
