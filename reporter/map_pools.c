#include "map_pools.h"

#include <stdlib.h>

#include "../collector/mem.h"

static void add_pools(struct map_pools *pools)
{
	const struct map *map = pools->map;
	const uint32_t pool_bytes = map->of.arenas->pool_bytes;
	pools->room = map_pool_room(map, pools->arena);
	pools->items = mem_alloc(pools->arena->pool_count * sizeof pools->items[0]);
	for (size_t i = 0; i < pools->arena->pool_count; i++) {
		const struct profile_pool *from =
			&map->of.profile->pools[pools->arena->pool_start + i];
		size_t place;
		if (!map_pool_place(map, pools->arena, from->address, &place))
			continue;
		struct map_pool *pool = &pools->items[pools->count++];
		*pool = (struct map_pool){
			.place = place,
			.address = from->address,
			.block_bytes = arenas_class_bytes(from->class),
			.live = from->live_blocks,
			.capacity = arenas_pool_blocks(pool_bytes, from->class),
		};
		pool->blocks = mem_alloc(pool->capacity * sizeof pool->blocks[0]);
		for (uint32_t j = 0; j < pool->capacity; j++)
			pool->blocks[j] = (struct map_share){.capacity = 1,
							     .hue = MAP_DRAW_NO_HUE};
	}
}

/* The first of the profile's blocks at or behind an address. */
static size_t first_block(const struct profile *profile, uint64_t address)
{
	size_t low = 0, high = profile->block_count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (profile->blocks[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_holder(struct map_pools *pools, struct map_pool *pool, uint32_t line,
		       const struct profile_block *block, size_t *capacity)
{
	size_t i = pool->holder_start;
	while (i < pools->holder_count && pools->holders[i].line != line)
		i++;
	if (i == pools->holder_count) {
		pools->holders = mem_grow(pools->holders, capacity, i + 1,
					  sizeof pools->holders[0]);
		pools->holders[pools->holder_count++] =
			(struct map_holder){.line = line, .oldest = UINT16_MAX};
		pool->holder_count++;
	}
	const struct map_holder one = {.blocks = 1,
				       .block_bytes = pool->block_bytes,
				       .oldest = block->window,
				       .newest = block->window};
	map_holder_add(&pools->holders[i], &one);
}

static void add_blocks(struct map_pools *pools, struct map_pool *pool, size_t *capacity)
{
	const struct profile *profile = pools->map->of.profile;
	const uint64_t first = pool->address + ARENAS_POOL_HEADER_BYTES;
	const uint64_t end = first + (uint64_t)pool->capacity * pool->block_bytes;
	pool->holder_start = pools->holder_count;
	for (size_t i = first_block(profile, first);
	     i < profile->block_count && profile->blocks[i].address < end; i++) {
		const struct profile_block *block = &profile->blocks[i];
		/* A debug allocator's address lies further on in the same block. */
		const uint64_t index = (block->address - first) / pool->block_bytes;
		const uint32_t line = map_line_of(pools->map, block->stack);
		if (index >= pool->capacity || line == UINT32_MAX)
			continue;
		struct map_share *share = &pool->blocks[index];
		if (share->live)
			continue;
		share->live = 1;
		share->hue = pools->map->named[line].hue;
		add_holder(pools, pool, line, block, capacity);
	}
	if (pool->holder_count)
		qsort(&pools->holders[pool->holder_start], pool->holder_count,
		      sizeof pools->holders[0], map_holder_compare);
}

void map_pools_init(struct map_pools *pools, const struct map *map, struct profile *profile,
		    size_t arena)
{
	size_t capacity = 0;
	struct err err;
	*pools = (struct map_pools){.map = map, .arena = &map->items[arena]};
	add_pools(pools);
	if (profile_load_blocks(profile, &err)) {
		profile_problem(profile, &err);
		return;
	}
	pools->blocks_known = true;
	for (size_t i = 0; i < pools->count; i++)
		add_blocks(pools, &pools->items[i], &capacity);
}

void map_pools_release(struct map_pools *pools)
{
	for (size_t i = 0; i < pools->count; i++)
		free(pools->items[i].blocks);
	free(pools->items);
	free(pools->holders);
}
