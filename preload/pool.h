/*
 * pool.h - one pool of CPython's as its header and its list of free blocks describe it.
 *
 * The layout is that of Objects/obmalloc.c, the same from 3.8 to 3.15: a pool is aligned to its
 * size, begins with struct pool_header, and blocks of one size follow. Blocks up to
 * `next_offset` were carved; of those, the ones on the list that begins with `free_block` and
 * runs through the blocks themselves are free. The rest is live.
 *
 * Nothing here trusts what it reads: a list that leaves the carved blocks or comes back to one
 * ends there.
 */
#ifndef MEMTRACE_POOL_H
#define MEMTRACE_POOL_H

#include <stdbool.h>
#include <stdint.h>

enum {
	POOL_CLASSES = 32,
	POOL_CLASS_STEP_BYTES = 16,
	POOL_MOST_BYTES = 16 << 10,
	POOL_BITS_BYTES = POOL_MOST_BYTES / POOL_CLASS_STEP_BYTES / 8,
};

struct pool_header {
	uint32_t live; /* ref.count */
	uint32_t padding;
	uint64_t free_block, next_pool, previous_pool;
	uint32_t arena_index;
	uint32_t class_index;
	uint32_t next_offset, most_next_offset;
};
_Static_assert(sizeof(struct pool_header) == 48, "POOL_OVERHEAD");

struct pool {
	uint64_t address;
	uint32_t bytes; /* of the pool, by the size of its arena */
	uint32_t class; /* 1 + the size class's index */
	uint32_t live;
	uint32_t carved;
	uint64_t free_block;
};

/* Pools have 4 KiB in arenas of 256 KiB, else 16 KiB. */
uint32_t pool_bytes_in(uint64_t arena_bytes);
/*
 * Reads the header at an address, which is the program's memory. False: no live block is in it,
 * or it is no pool's header.
 */
bool pool_read(uint64_t address, uint32_t pool_bytes, struct pool *ret_pool);
/* All of its blocks are live. */
bool pool_is_full(const struct pool *pool);
/*
 * A bit for each carved block, 1: live, the first block in the lowest bit of ret_bits[0].
 * Returns the bytes filled in.
 */
uint32_t pool_live_bits(const struct pool *pool, uint8_t ret_bits[POOL_BITS_BYTES]);

#endif
