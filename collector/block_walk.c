#include "block_walk.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static int by_address(const void *left, const void *right)
{
	const struct arena *const *a = left, *const *b = right;

	return ((*a)->address > (*b)->address) - ((*a)->address < (*b)->address);
}

static void sort_arenas(struct block_walk *walk, const struct arena_map *map)
{
	walk->arenas = mem_alloc(map->arena_count * sizeof(*walk->arenas));
	for (size_t i = 0; i < map->arena_count; i++)
		if (map->arenas[i].bytes)
			walk->arenas[walk->arena_count++] = &map->arenas[i];
	if (walk->arena_count)
		qsort(walk->arenas, walk->arena_count, sizeof(*walk->arenas), by_address);
}

/* One pass of a least-significant-digit radix sort. */
static void scatter(const uint64_t *from, uint64_t *to, size_t count, unsigned int shift)
{
	size_t start[256] = {0};
	size_t at = 0;

	for (size_t i = 0; i < count; i++)
		start[from[i] >> shift & 255]++;
	for (size_t digit = 0; digit < 256; digit++) {
		size_t many = start[digit];

		start[digit] = at;
		at += many;
	}
	for (size_t i = 0; i < count; i++)
		to[start[from[i] >> shift & 255]++] = from[i];
}

/* Digits in which no two keys differ are passed over: the upper ones of a heap's addresses. */
static uint64_t *sorted(uint64_t *keys, size_t count)
{
	uint64_t *other = mem_alloc(count * sizeof(*keys));
	uint64_t differing = 0;

	for (size_t i = 1; i < count; i++)
		differing |= keys[i] ^ keys[0];
	for (unsigned int shift = 0; shift < 64; shift += 8) {
		uint64_t *swap = keys;

		if (!(differing >> shift & 255))
			continue;
		scatter(keys, other, count, shift);
		keys = other;
		other = swap;
	}
	free(other);
	return keys;
}

static void sort_large(struct block_walk *walk, const struct block_table *table)
{
	uint64_t *keys = mem_alloc(table->count * sizeof(*keys));

	for (size_t i = 0; i < table->capacity && walk->large_count < table->count; i++)
		if (table->slots[i].address)
			keys[walk->large_count++] = table->slots[i].address;
	walk->large = sorted(keys, walk->large_count);
}

static void take_pooled(struct block_walk *walk, const struct pool *pool, uint32_t index)
{
	const struct block *block = &pool->blocks[index];

	walk->pooled = (struct walked_block){
		.address = pool_block_address(pool, index),
		.bytes = block->bytes,
		.stack = block->stack,
		.window = block->window,
		.domain = block->object ? DOMAIN_OBJECT : DOMAIN_MEM,
		.arena = (uint32_t)walk->arena,
		.block_bytes = pool_block_bytes(pool->class),
	};
}

/* Goes on in one pool. False: nothing live is left in it. */
static bool next_in_pool(struct block_walk *walk, const struct pool *pool)
{
	uint32_t capacity;

	if (!pool || !pool->live || !pool->blocks)
		return false;
	capacity = pool_capacity(&walk->heap->arenas, pool->class);
	while (walk->block < capacity) {
		uint32_t index = walk->block++;

		if (!pool->blocks[index].live)
			continue;
		take_pooled(walk, pool, index);
		return true;
	}
	return false;
}

static void next_pooled(struct block_walk *walk)
{
	for (; walk->arena < walk->arena_count; walk->arena++, walk->pool = 0) {
		const struct arena *arena = walk->arenas[walk->arena];

		for (; walk->pool < arena->pool_count; walk->pool++, walk->block = 0)
			if (next_in_pool(walk, arena->pools[walk->pool]))
				return;
	}
	walk->pooled_left = false;
}

void block_walk_init(struct block_walk *walk, const struct heap *heap)
{
	*walk = (struct block_walk){.heap = heap, .pooled_left = true};
	sort_arenas(walk, &heap->arenas);
	sort_large(walk, &heap->blocks);
	next_pooled(walk);
}

void block_walk_release(struct block_walk *walk)
{
	free(walk->arenas);
	free(walk->large);
	*walk = (struct block_walk){0};
}

static void take_large(struct block_walk *walk, struct walked_block *ret_block)
{
	const struct large_block *block = block_table_find(&walk->heap->blocks,
							   walk->large[walk->large_next++]);

	*ret_block = (struct walked_block){
		.address = block->address,
		.bytes = block->bytes,
		.stack = block->stack,
		.window = block->window,
		.domain = (enum block_domain)block->domain,
		.arena = BLOCK_WALK_NO_ARENA,
	};
}

bool block_walk_next(struct block_walk *walk, struct walked_block *ret_block)
{
	bool large_left = walk->large_next < walk->large_count;

	if (!large_left && !walk->pooled_left)
		return false;
	if (large_left &&
	    (!walk->pooled_left || walk->large[walk->large_next] < walk->pooled.address)) {
		take_large(walk, ret_block);
		return true;
	}
	*ret_block = walk->pooled;
	next_pooled(walk);
	return true;
}
