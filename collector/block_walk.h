/*
 * block_walk.h - the live blocks of a heap one by one, ascending by address.
 *
 * Pools' blocks come in order by themselves once the arenas are sorted; the others are sorted
 * by address first (radix, 16 bytes a block while it lasts) and merged in between.
 *
 * Memory: the walk holds pointers into the heap, which must not change meanwhile.
 */
#ifndef MEMTRACE_BLOCK_WALK_H
#define MEMTRACE_BLOCK_WALK_H

#include "heap.h"

struct walked_block {
	uint64_t address; /* as the program knows it: behind the header of a debug allocator */
	uint64_t bytes;   /* requested */
	uint32_t stack;
	uint32_t window;
	enum block_domain domain;
	uint32_t arena;       /* into block_walk.arenas; BLOCK_WALK_NO_ARENA */
	uint32_t block_bytes; /* of the pool's blocks there */
};

#define BLOCK_WALK_NO_ARENA UINT32_MAX

struct block_walk {
	const struct heap *heap;
	const struct arena **arenas; /* live ones, by address */
	size_t arena_count;
	uint64_t *large; /* addresses of the blocks outside pools, sorted */
	size_t large_count;
	/* What comes next: a block of a pool, and large[large_next]. */
	size_t large_next;
	size_t arena, pool;
	uint32_t block;
	struct walked_block pooled;
	bool pooled_left;
};

void block_walk_init(struct block_walk *walk, const struct heap *heap);
void block_walk_release(struct block_walk *walk);
bool block_walk_next(struct block_walk *walk, struct walked_block *ret_block);

#endif
