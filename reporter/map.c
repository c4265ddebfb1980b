#include "map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "fragmentation.h"
#include "short_names.h"

/* What an arena and its pools can be like, so that a damaged profile can't ask for more. */
enum {
	SMALLEST_POOL_BYTES = 4 << 10,
	LARGEST_POOL_BYTES = 64 << 10,
	LARGEST_ARENA_BYTES = 64 << 20,
};

/* What is needed only while the map is made. */
struct maker {
	struct map *map;
	size_t holder_capacity;
	size_t *holder_of; /* by line: index + 1 of its newest holder */
};

static void name_lines(struct map *map)
{
	const struct grouping *grouping = map->of.grouping;
	const struct pinning *pinning = map->of.pinning;
	struct short_names names;
	map->named = mem_alloc(pinning->row_count * sizeof map->named[0]);
	map->line_of_group = mem_alloc(grouping->count * sizeof map->line_of_group[0]);
	short_names_init(&names, grouping->lines);
	for (size_t i = 0; i < pinning->row_count; i++) {
		const struct group *group = &pinning->rows[i].group;
		map->named[i].name = short_names_group(&names, group);
		map->named[i].hue = i < TERM_HUES ? (uint8_t)i : MAP_DRAW_NO_HUE;
		map->line_of_group[grouping->of_trace[group->trace]] = (uint32_t)i + 1;
	}
	short_names_release(&names);
}

static struct map_holder *find_holder(struct maker *maker, struct map_arena *arena,
				      uint32_t line)
{
	struct map *map = maker->map;
	/* Holders are made arena by arena: one from this arena's start on is its own. */
	if (maker->holder_of[line] > arena->holder_start)
		return &map->holders[maker->holder_of[line] - 1];
	map->holders = mem_grow(map->holders, &maker->holder_capacity, map->holder_count + 1,
				sizeof map->holders[0]);
	map->holders[map->holder_count++] = (struct map_holder){.line = line,
								.oldest = UINT16_MAX};
	maker->holder_of[line] = map->holder_count;
	arena->holder_count++;
	return &map->holders[map->holder_count - 1];
}

int map_holder_compare(const void *left, const void *right)
{
	const struct map_holder *a = left, *b = right;
	if (a->blocks != b->blocks)
		return a->blocks > b->blocks ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

void map_holder_add(struct map_holder *holder, const struct map_holder *more)
{
	holder->blocks += more->blocks;
	holder->block_bytes += more->block_bytes;
	holder->oldest = more->oldest < holder->oldest ? more->oldest : holder->oldest;
	holder->newest = more->newest > holder->newest ? more->newest : holder->newest;
}

static void add_holders(struct maker *maker, struct map_arena *arena)
{
	struct map *map = maker->map;
	const struct held_arena *held = arena->held;
	arena->holder_start = map->holder_count;
	for (size_t i = 0; i < held->holder_count; i++) {
		const struct arena_holder *from =
			&map->of.arenas->holders[held->holder_start + i];
		const uint32_t line = map_line_of(map, from->stack);
		if (line == UINT32_MAX)
			continue;
		const struct map_holder more = {.blocks = from->blocks,
						.block_bytes = from->block_bytes,
						.oldest = from->oldest,
						.newest = from->newest};
		map_holder_add(find_holder(maker, arena, line), &more);
	}
	if (arena->holder_count)
		qsort(&map->holders[arena->holder_start], arena->holder_count,
		      sizeof map->holders[0], map_holder_compare);
}

static void note_alone(struct map *map, const struct map_arena *arena)
{
	const struct held_arena *held = arena->held;
	if (arena->holder_count != 1 || held->other_blocks || map_arena_full(held))
		return;
	struct map_line *line = &map->named[map->holders[arena->holder_start].line];
	line->alone_arenas++;
	line->alone_bytes += held->bytes;
	line->alone_blocks += held->live_blocks;
}

/* Both are ascending by address. */
static void add_pools(struct map *map)
{
	const struct profile *profile = map->of.profile;
	size_t at = 0;
	for (size_t i = 0; i < map->count; i++) {
		struct map_arena *arena = &map->items[i];
		const uint64_t start = arena->held->address, bytes = arena->held->bytes;
		while (at < profile->pool_count && profile->pools[at].address < start)
			at++;
		arena->pool_start = at;
		while (at < profile->pool_count && profile->pools[at].address - start < bytes)
			at++;
		arena->pool_count = at - arena->pool_start;
	}
}

static int compare_arenas(const void *left, const void *right)
{
	const struct map_arena *a = left, *b = right;
	if (a->held->free_bytes != b->held->free_bytes)
		return a->held->free_bytes > b->held->free_bytes ? -1 : 1;
	return (a->held->address > b->held->address) - (a->held->address < b->held->address);
}

static void add_arenas(struct maker *maker)
{
	struct map *map = maker->map;
	map->count = map->of.arenas->count;
	map->items = mem_alloc(map->count * sizeof map->items[0]);
	for (size_t i = 0; i < map->count; i++) {
		map->items[i].held = &map->of.arenas->items[i];
		add_holders(maker, &map->items[i]);
		note_alone(map, &map->items[i]);
		const size_t room = map_pool_room(map, &map->items[i]);
		map->largest_pools = room > map->largest_pools ? room : map->largest_pools;
	}
	if (map->exact)
		add_pools(map);
	if (map->count)
		qsort(map->items, map->count, sizeof map->items[0], compare_arenas);
}

void map_init(struct map *map, const struct map_source *source)
{
	*map = (struct map){.of = *source};
	/* The peak is no mark, whatever its moment looks like. */
	map->exact = source->moment.seconds >= 0 && source->profile->pool_count &&
		     arenas_exact(source->profile, &source->moment);
	name_lines(map);
	const size_t lines = source->pinning->row_count;
	struct maker maker = {.map = map,
			      .holder_of = mem_alloc(lines * sizeof maker.holder_of[0])};
	add_arenas(&maker);
	free(maker.holder_of);
}

void map_release(struct map *map)
{
	for (size_t i = 0; i < map->of.pinning->row_count; i++)
		free(map->named[i].name);
	free(map->named);
	free(map->holders);
	free(map->items);
	free(map->line_of_group);
}

uint32_t map_line_of(const struct map *map, uint32_t stack)
{
	const struct grouping *grouping = map->of.grouping;
	const uint32_t group = grouping->of_trace[grouping->lines->trace_of[stack]];
	const uint32_t line = group == GROUPING_NONE ? 0 : map->line_of_group[group];
	return line ? line - 1 : UINT32_MAX;
}

static uint64_t first_pool(const struct held_arena *held, uint64_t pool_bytes)
{
	return (held->address + pool_bytes - 1) / pool_bytes * pool_bytes;
}

size_t map_pool_room(const struct map *map, const struct map_arena *arena)
{
	const uint64_t pool_bytes = map->of.arenas->pool_bytes, bytes = arena->held->bytes;
	if (pool_bytes < SMALLEST_POOL_BYTES || pool_bytes > LARGEST_POOL_BYTES ||
	    bytes > LARGEST_ARENA_BYTES)
		return 0;
	const uint64_t skipped = first_pool(arena->held, pool_bytes) - arena->held->address;
	return skipped < bytes ? (bytes - skipped) / pool_bytes : 0;
}

bool map_pool_place(const struct map *map, const struct map_arena *arena, uint64_t address,
		    size_t *ret_place)
{
	const size_t room = map_pool_room(map, arena);
	const uint64_t pool_bytes = map->of.arenas->pool_bytes;
	if (!room)
		return false;
	const uint64_t first = first_pool(arena->held, pool_bytes);
	if (address < first || (address - first) % pool_bytes ||
	    (address - first) / pool_bytes >= room)
		return false;
	*ret_place = (address - first) / pool_bytes;
	return true;
}

bool map_arena_full(const struct held_arena *held)
{
	return held->block_bytes >= held->bytes - held->bytes / 10;
}

double map_age(const struct map *map, uint32_t window)
{
	if (window >= map->of.profile->window_count || map->of.moment.seconds < 0)
		return -1;
	const double born = (double)map->of.profile->windows[window].start_ms / 1000;
	return born < map->of.moment.seconds ? map->of.moment.seconds - born : 0;
}

const char *map_missing(const struct map *map, char *text, size_t size)
{
	const char *why = fragmentation_why_none(map->of.profile);
	if (map->count)
		return NULL;
	if (!map->of.arenas->known)
		snprintf(text, size, "this profile doesn't tell which arenas there were at %s",
			 map->of.moment.name);
	else
		snprintf(text, size, "there are no arenas at %s%s%s", map->of.moment.name,
			 why ? ": " : "", why ? why : "");
	return text;
}
