/*
 * arena_map.h - CPython's arenas, pools and the blocks in them.
 *
 * Finding a block takes address arithmetic only: a two-level table over the address by pool number
 * leads to the pool, the offset in it divided by its block size (a multiplication) to the block.
 * A block costs 8 bytes, an empty pool 8.
 *
 * Geometry is what the stream says: arenas are R_ARENA events, page-aligned, not necessarily aligned
 * to their size; pools are 4 KiB where arenas have 256 KiB (CPython <= 3.9), 16 KiB otherwise, aligned
 * to their size, with a 48-byte header (Objects/obmalloc.c). A size class comes with the allocation. Debug
 * allocators hand out block + 16: a block is found from any address inside it.
 */
#ifndef MEMTRACE_ARENA_MAP_H
#define MEMTRACE_ARENA_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	POOL_HEADER_BYTES = 48,
	POOL_CLASSES = 32,
	POOL_CLASS_STEP_BYTES = 16,
	ARENA_SMALLEST_BYTES = 256 << 10,
};

/* Of one block. stack_live == 0 in a free one. */
struct block {
	uint32_t stack;
	uint32_t bytes : 10;  /* as requested: 0..512 */
	uint32_t window : 14; /* of its birth; see windows.h */
	uint32_t object : 1;  /* object domain, else mem */
	uint32_t shifted : 1; /* the address was block + 16 (debug allocators) */
	uint32_t live : 1;
	uint32_t reserved : 5;
};
_Static_assert(sizeof(struct block) == 8, "8 bytes a block");

struct pool {
	struct block *blocks; /* NULL until its first block */
	uint64_t address;
	uint32_t arena; /* index into arena_map.arenas */
	uint16_t live;
	uint8_t class; /* 1 + size class index; 0: never used */
	uint8_t reserved;
};

struct arena {
	uint64_t address;
	uint64_t bytes; /* 0: the entry is free for use */
	uint64_t live_bytes; /* requested */
	uint32_t live_blocks;
	uint32_t stack;
	uint32_t window;
	uint32_t pool_count;
	struct pool **pools; /* in order of address, NULL where never used */
	uint64_t first_pool; /* the address of pools[0] */
};

struct arena_map {
	struct arena *arenas;
	size_t arena_count, arena_capacity; /* entries, free ones included */
	size_t live_arenas;
	uint64_t arena_bytes;
	uint64_t most_arenas;
	uint32_t pool_bytes; /* 4096 or 16384, from the first arena on */
	struct pool ***root; /* by pool number: two levels */
	uint64_t live_blocks, live_bytes;
	uint64_t misplaced; /* records that contradict the map: counted, never guessed */
};

void arena_map_init(struct arena_map *map);
void arena_map_release(struct arena_map *map);
/* False: not a plausible arena (size, overlap): the caller keeps it as a mapping. */
bool arena_map_add(struct arena_map *map, uint64_t address, uint64_t bytes, uint32_t stack, uint32_t window);
/* Blocks still live in it are handed to `lost` one by one first (an interpreter that ended). */
bool arena_map_remove(struct arena_map *map, uint64_t address,
		      void (*lost)(void *user, uint64_t address, const struct block *block), void *user);
/* Whether the address lies in an arena: then a Python block is a pool's. */
bool arena_map_covers(const struct arena_map *map, uint64_t address);
/*
 * `class` as in R_SMALL_*. False, and counted as misplaced: no arena there, the block is live already,
 * or the pool has live blocks of another class.
 */
bool arena_map_alloc(struct arena_map *map, uint64_t address, uint32_t class, struct block block);
/* Takes the block out and says what it was. False: no live block there. */
bool arena_map_free(struct arena_map *map, uint64_t address, struct block *ret_block);

static inline uint32_t pool_block_bytes(uint32_t class)
{
	return class * POOL_CLASS_STEP_BYTES;
}

#endif
