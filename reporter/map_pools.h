/*
 * map_pools.h - one arena of the map, pool by pool and block by block.
 *
 * Pools with live blocks have their place in the arena, their size class, and for each block
 * whether it is live and whose it is. Where the profile's blocks can't be read there is only
 * how many are.
 *
 * Memory: map_pools_release.
 */
#ifndef MEMTRACE_MAP_POOLS_H
#define MEMTRACE_MAP_POOLS_H

#include "map.h"

struct map_pool {
	size_t place; /* in its arena, from 0 */
	uint64_t address;
	uint32_t block_bytes;
	uint32_t live, capacity;
	struct map_share *blocks;          /* `capacity` of them, each 0 or 1 of 1 */
	size_t holder_start, holder_count; /* into holders, most blocks first */
};

struct map_pools {
	const struct map *map;
	const struct map_arena *arena;
	bool blocks_known;
	struct map_pool *items; /* ascending by place */
	size_t count;
	size_t room; /* pools with and without live blocks */
	struct map_holder *holders;
	size_t holder_count;
};

/* Loads the profile's blocks. */
void map_pools_init(struct map_pools *pools, const struct map *map, struct profile *profile,
		    size_t arena);
void map_pools_release(struct map_pools *pools);

#endif
