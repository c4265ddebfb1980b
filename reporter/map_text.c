#include "map_text.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "doubts.h"
#include "map_held.h"
#include "map_layout.h"
#include "paragraph.h"

struct units_text map_text_age(double seconds)
{
	struct units_text age = {""};
	const double minutes = seconds / 60, hours = minutes / 60;
	if (seconds < 0)
		return age;
	if (seconds < 9.95)
		snprintf(age.text, sizeof age.text, "%.1f s", seconds);
	else if (seconds < 99.5)
		snprintf(age.text, sizeof age.text, "%.0f s", seconds);
	else if (minutes < 99.5)
		snprintf(age.text, sizeof age.text, "%.0f min", minutes);
	else if (hours < 47.5)
		snprintf(age.text, sizeof age.text, "%.0f h", hours);
	else
		snprintf(age.text, sizeof age.text, "%.0f d", hours / 24);
	return age;
}

static void print_doubt(void *user, const char *sentence)
{
	const struct map_view *view = user;
	paragraph_warn(view->term, sentence);
}

static const char *or_unknown(const char *text)
{
	return text && *text ? text : "unknown";
}

static void print_moment(const struct map_view *view, char *text, size_t size)
{
	const struct moment *moment = &view->map->of.moment;
	if (moment->seconds < 0)
		snprintf(text, size, "when it had most arenas");
	else
		snprintf(text, size, "at %s (%s)%s", moment->name,
			 units_seconds(moment->seconds).text,
			 moment->asked_seconds >= 0 ? ", the last mark by then" : "");
}

void map_text_head(const struct map_view *view)
{
	const struct profile *profile = view->map->of.profile;
	const char *program = profile_info(profile, "program");
	char moment[240];
	print_moment(view, moment, sizeof moment);
	paragraph_printf(view->term, "%s: Python %s, pid %u, %s",
			 program && *program ? program : profile->path,
			 or_unknown(profile_info(profile, "python")), profile->run.pid, moment);
	if (view->running)
		paragraph_printf(view->term,
				 "the program still runs: this is its last checkpoint");
	struct map_view own = *view;
	doubts_of(profile, print_doubt, &own);
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned)((double)part * 100 / (double)whole + 0.5) : 0;
}

static void print_totals(const struct map_view *view)
{
	const struct arenas *arenas = view->map->of.arenas;
	paragraph_printf(view->term, "%s arena%s of %s: %s live in %s blocks, %s free (%u %%)",
			 units_count(arenas->count).text, arenas->count == 1 ? "" : "s",
			 units_size(view->units, arenas->bytes).text,
			 units_size(view->units, arenas->block_bytes).text,
			 units_count(arenas->live_blocks).text,
			 units_size(view->units, arenas->free_bytes).text,
			 percent(arenas->free_bytes, arenas->bytes));
}

static void say_release(const struct map_view *view, const char *names, uint64_t blocks,
			uint64_t arenas, uint64_t bytes)
{
	paragraph_printf(view->term, "%.1000s: freeing %s blocks gives back %s arena%s, %s",
			 names, units_count(blocks).text, units_count(arenas).text,
			 arenas == 1 ? "" : "s", units_size(view->units, bytes).text);
}

/* The least that gives something back, where no line does so alone. */
static void say_first_step(const struct map_view *view)
{
	const struct map *map = view->map;
	const struct release *release = &map->of.pinning->release;
	const struct release_step *step = &release->steps[0];
	struct buf names;
	uint64_t blocks = 0;
	buf_init(&names);
	for (size_t i = 0; i < step->rows; i++) {
		buf_printf(&names, "%s%s", i ? ", " : "", map->named[release->order[i]].name);
		blocks += map->of.pinning->rows[release->order[i]].figures.blocks;
	}
	buf_u8(&names, '\0');
	say_release(view, (const char *)names.data, blocks, step->arenas, step->bytes);
	buf_release(&names);
}

/* What to look at first: the line whose few blocks give most back. */
static void print_advice(const struct map_view *view)
{
	const struct map *map = view->map;
	const struct map_line *best = NULL;
	for (size_t i = 0; i < map->of.pinning->row_count; i++)
		if (map->named[i].alone_bytes > (best ? best->alone_bytes : 0))
			best = &map->named[i];
	if (!map->of.arenas->holders_known)
		paragraph_printf(view->term, "whose blocks hold them isn't in this profile");
	else if (best)
		say_release(view, best->name, best->alone_blocks, best->alone_arenas,
			    best->alone_bytes);
	else if (map->of.pinning->release.step_count)
		say_first_step(view);
	else
		paragraph_printf(view->term, "no few lines hold an arena by themselves");
}

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
	if (view->map->exact)
		paragraph_printf(term, "next: memtrace map --pools=1 %s    row 1, pool by pool",
				 view->map->of.profile->path);
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
	print_totals(view);
	print_advice(view);
	putc('\n', view->term->out);
	const struct map_layout layout = print_rows(view);
	putc('\n', view->term->out);
	print_legend(view, &layout);
}
