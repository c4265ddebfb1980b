#include "map_fold.h"

#include <stdlib.h>

#include "../collector/mem.h"
#include "../collector/u64map.h"

enum {
	PARTS = 10,
	KEY_LINES = 3,
	/* Lines that a fold goes by have so many hundredths of the blocks, together. */
	KEY_HUNDREDTHS = 90,
};

static unsigned live_part(const struct held_arena *held)
{
	if (!held->bytes)
		return 0;
	return (unsigned)((unsigned __int128)held->block_bytes * PARTS / held->bytes);
}

static enum map_row_kind kind_of(const struct held_arena *held)
{
	if (!held->live_blocks)
		return MAP_ROW_EMPTY;
	return map_arena_full(held) ? MAP_ROW_FULL : MAP_ROW_HELD;
}

static uint64_t mixed(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

/* Of 64 bits: that two sorts of arenas have the same one by chance nobody will see. */
static uint64_t fold_key(const struct map *map, const struct map_arena *arena)
{
	const struct map_holder *holders = &map->holders[arena->holder_start];
	const enum map_row_kind kind = kind_of(arena->held);
	if (kind != MAP_ROW_HELD)
		return kind;
	uint64_t lines = 0, covered = 0;
	for (size_t i = 0; i < arena->holder_count && i < KEY_LINES; i++) {
		if (covered * 100 >= arena->held->live_blocks * KEY_HUNDREDTHS)
			break;
		covered += holders[i].blocks;
		/* A sum: whichever of them has most blocks. */
		lines += mixed(1, holders[i].line + 1);
	}
	return mixed(mixed(PARTS, lines), live_part(arena->held)) | 1ULL << 63;
}

/* An arena's place among the rows, which are made as they are needed. */
struct folding {
	const struct map *map;
	struct map_fold *fold;
	size_t capacity;
	struct u64map by_key; /* row + 1 */
	size_t *row_of;       /* by arena */
};

static size_t add_row(struct folding *folding, enum map_row_kind kind, size_t arena)
{
	struct map_fold *fold = folding->fold;
	fold->rows = mem_grow(fold->rows, &folding->capacity, fold->row_count + 1,
			      sizeof fold->rows[0]);
	fold->rows[fold->row_count] =
		(struct map_row){.kind = kind, .arena = arena, .oldest = -1, .newest = -1};
	return fold->row_count++;
}

static size_t row_for(struct folding *folding, size_t arena)
{
	const struct map_arena *item = &folding->map->items[arena];
	if (!folding->fold->folded)
		return add_row(folding, kind_of(item->held), arena);
	uint64_t *slot = u64map_put(&folding->by_key, fold_key(folding->map, item) + 1);
	if (!*slot)
		*slot = add_row(folding, kind_of(item->held), arena) + 1;
	return *slot - 1;
}

static void add_figures(struct map_row *row, const struct map_row *more)
{
	row->count += more->count;
	row->bytes += more->bytes;
	row->live_bytes += more->live_bytes;
	row->free_bytes += more->free_bytes;
	row->other_blocks += more->other_blocks;
	row->oldest = more->oldest > row->oldest ? more->oldest : row->oldest;
	if (row->newest < 0 || (more->newest >= 0 && more->newest < row->newest))
		row->newest = more->newest;
}

static struct map_row figures_of(const struct map *map, const struct held_arena *held)
{
	const double age = map_age(map, held->window);
	return (struct map_row){
		.count = 1,
		.bytes = held->bytes,
		.live_bytes = held->block_bytes,
		.free_bytes = held->free_bytes,
		.oldest = age,
		.newest = age,
		.other_blocks = held->other_blocks,
	};
}

struct ranked_row {
	struct map_row row;
	size_t before;
};

static int compare_rows(const void *left, const void *right)
{
	const struct ranked_row *a = left, *b = right;
	if (a->row.free_bytes != b->row.free_bytes)
		return a->row.free_bytes > b->row.free_bytes ? -1 : 1;
	return (a->before > b->before) - (a->before < b->before);
}

/* Most free bytes first; what is over the limit becomes one row, unless that is one anyhow. */
static void rank_rows(struct folding *folding, size_t limit)
{
	struct map_fold *fold = folding->fold;
	const size_t count = fold->row_count;
	if (!count)
		return;
	__attribute__((cleanup(mem_scope))) struct ranked_row *ranked =
		mem_alloc(count * sizeof ranked[0]);
	__attribute__((cleanup(mem_scope))) size_t *after = mem_alloc(count * sizeof after[0]);
	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked_row){fold->rows[i], i};
	qsort(ranked, count, sizeof ranked[0], compare_rows);
	const size_t kept = limit && count > limit + 1 ? limit : count;
	for (size_t i = 0; i < count; i++) {
		const size_t to = i < kept ? i : kept;
		after[ranked[i].before] = to;
		if (to == i)
			fold->rows[i] = ranked[i].row;
		else
			add_figures(&fold->rows[to], &ranked[i].row);
	}
	if (kept < count) {
		fold->rows[kept].kind = MAP_ROW_OTHER;
		fold->row_count = kept + 1;
	}
	for (size_t i = 0; i < folding->map->count; i++)
		folding->row_of[i] = after[folding->row_of[i]];
}

static int compare_lines(const void *left, const void *right)
{
	const struct map_holder *a = left, *b = right;
	return (a->line > b->line) - (a->line < b->line);
}

/* The same line's in several arenas become one. */
static void unite_holders(struct map_row *row)
{
	size_t kept = 0;
	if (!row->holder_count)
		return;
	qsort(row->holders, row->holder_count, sizeof row->holders[0], compare_lines);
	for (size_t i = 1; i < row->holder_count; i++) {
		struct map_holder *to = &row->holders[kept];
		const struct map_holder *from = &row->holders[i];
		if (to->line != from->line) {
			row->holders[++kept] = *from;
			continue;
		}
		map_holder_add(to, from);
	}
	row->holder_count = kept + 1;
	qsort(row->holders, row->holder_count, sizeof row->holders[0], map_holder_compare);
}

static void add_holders(const struct folding *folding)
{
	const struct map *map = folding->map;
	struct map_row *rows = folding->fold->rows;
	for (size_t i = 0; i < map->count; i++)
		rows[folding->row_of[i]].holder_count += map->items[i].holder_count;
	for (size_t i = 0; i < folding->fold->row_count; i++) {
		rows[i].holders = mem_alloc(rows[i].holder_count * sizeof rows[i].holders[0]);
		rows[i].holder_count = 0;
	}
	for (size_t i = 0; i < map->count; i++) {
		struct map_row *row = &rows[folding->row_of[i]];
		const struct map_arena *arena = &map->items[i];
		for (size_t j = 0; j < arena->holder_count; j++)
			row->holders[row->holder_count++] =
				map->holders[arena->holder_start + j];
	}
	for (size_t i = 0; i < folding->fold->row_count; i++)
		unite_holders(&rows[i]);
}

/* Neither the fullest nor the emptiest stands for all. */
static void choose_arenas(const struct folding *folding)
{
	struct map_row *rows = folding->fold->rows;
	__attribute__((cleanup(mem_scope)))
	size_t *seen = mem_alloc(folding->fold->row_count * sizeof seen[0]);
	for (size_t i = 0; i < folding->map->count; i++) {
		const size_t row = folding->row_of[i];
		if (seen[row]++ == rows[row].count / 2)
			rows[row].arena = i;
	}
}

void map_fold_init(struct map_fold *fold, const struct map *map, size_t limit)
{
	*fold = (struct map_fold){.folded = limit && map->count > limit};
	struct folding folding = {
		.map = map,
		.fold = fold,
		.row_of = mem_alloc(map->count * sizeof folding.row_of[0]),
	};
	u64map_init(&folding.by_key);
	for (size_t i = 0; i < map->count; i++) {
		folding.row_of[i] = row_for(&folding, i);
		const struct map_row figures = figures_of(map, map->items[i].held);
		add_figures(&fold->rows[folding.row_of[i]], &figures);
	}
	rank_rows(&folding, limit);
	add_holders(&folding);
	choose_arenas(&folding);
	u64map_release(&folding.by_key);
	free(folding.row_of);
}

void map_fold_release(struct map_fold *fold)
{
	for (size_t i = 0; i < fold->row_count; i++)
		free(fold->rows[i].holders);
	free(fold->rows);
}
