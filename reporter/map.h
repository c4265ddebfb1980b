/*
 * map.h - the answer of `memtrace map`, ready to be printed either way: arenas that hold most
 * back first, and the lines whose blocks hold them.
 *
 * Memory: map_release; the pinning and what it was computed from are the caller's and must
 * outlive it.
 */
#ifndef MEMTRACE_MAP_H
#define MEMTRACE_MAP_H

#include "map_draw.h"
#include "pinning.h"

/* How a row of the pinning is shown: a source line, "(no Python frame)", a function, ... */
struct map_line {
	char *name;  /* "app.py:31": as short as it can be without being another file's */
	uint8_t hue; /* the first few have colours, the others MAP_DRAW_NO_HUE */
	/* Of arenas that nobody else holds and that aren't full: few blocks for much memory. */
	uint64_t alone_arenas, alone_bytes, alone_blocks;
};

/* A line's live blocks in one arena. */
struct map_holder {
	uint32_t line; /* into pinning->rows and map.named */
	uint64_t blocks, block_bytes;
	uint16_t oldest, newest; /* birth windows */
};

struct map_arena {
	const struct held_arena *held;
	size_t holder_start, holder_count; /* into map.holders, most blocks first */
	size_t pool_start, pool_count;     /* into profile->pools; 0 unless map.exact */
};

/* What a map is made of: the same profile's, as of the same moment. */
struct map_source {
	const struct profile *profile;
	const struct grouping *grouping;
	const struct arenas *arenas;
	const struct pinning *pinning;
	struct moment moment; /* of the peak, seconds are negative: nobody noted them */
};

struct map {
	struct map_source of;
	bool exact;              /* the profile's pools are of this moment */
	struct map_arena *items; /* most free bytes first */
	size_t count;
	struct map_line *named;  /* as many as the pinning has rows */
	uint32_t *line_of_group; /* line + 1; 0: it holds nothing */
	struct map_holder *holders;
	size_t holder_count;
	size_t largest_pools; /* of an arena: how many there is room for */
};

/* For qsort: most blocks first, then by line. */
int map_holder_compare(const void *left, const void *right);
/* The same line's blocks elsewhere are added. */
void map_holder_add(struct map_holder *holder, const struct map_holder *more);

void map_init(struct map *map, const struct map_source *source);
void map_release(struct map *map);

/* The number of the line of a stack; UINT32_MAX: it holds no arena. */
uint32_t map_line_of(const struct map *map, uint32_t stack);
/* Pools that fit into an arena; 0: not known. */
size_t map_pool_room(const struct map *map, const struct map_arena *arena);
/* Which one of an arena's pools lies at an address, from 0; false: none does. */
bool map_pool_place(const struct map *map, const struct map_arena *arena, uint64_t address,
		    size_t *ret_place);
/* Nine tenths of it are live, or more. */
bool map_arena_full(const struct held_arena *held);
/* Seconds from the beginning of a window to the moment of the map. */
double map_age(const struct map *map, uint32_t window);
/* Why there is nothing to show; NULL: there is. */
const char *map_missing(const struct map *map, char *text, size_t size);

#endif
