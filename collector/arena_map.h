/*
 * arena_map.h - CPython's arenas, pools and the blocks in them.
 *
 * Finding a block takes address arithmetic only: a two-level table over the address by pool
 * number leads to the pool, the offset in it divided by its block size (a multiplication) to
 * the block. A block costs 8 bytes, a pool 40.
 *
 * Geometry is what the stream says: arenas are R_ARENA events, page-aligned, not necessarily
 * aligned to their size; pools are 4 KiB where arenas have 256 KiB (CPython <= 3.9), 16 KiB
 * otherwise, aligned to their size, with a 48-byte header (Objects/obmalloc.c). A size class
 * comes with the allocation. Debug allocators hand out block + 16: a block is found from any
 * address inside it.
 *
 * Memory: the tables are address space that becomes memory where arenas lie; the block array of
 * a pool lives from its first block until some time after its last.
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
	ARENA_LARGEST_BYTES = 64 << 20,
	/* Emptied pools that keep their block array: 4 MiB at most. */
	ARENA_MAP_IDLE_POOLS = 512,
};

/* Of one block. `live` == 0 in a free one. */
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

/* One pool-sized, pool-aligned piece of address space. */
struct pool {
	struct block *blocks; /* may be NULL while live == 0 */
	uint64_t address;     /* 0: no whole pool lies here */
	uint32_t arena;       /* index into arena_map.arenas */
	uint16_t live;
	uint8_t class;   /* 1 + size class index; 0: never used */
	uint8_t in_idle; /* stands in arena_map.idle */
	/* Where an arena isn't aligned, its ends lie in pieces that are no pool. */
	uint16_t low_bytes;  /* of this piece from its start on that belong to an arena's end */
	uint16_t high_bytes; /* ... before its end, to an arena's beginning */
	uint16_t capacity;   /* of `blocks`; 0 while that is NULL */
	uint16_t reserved;
};
_Static_assert(sizeof(struct pool) == 32, "two to a cache line");

struct arena {
	uint64_t address;
	uint64_t bytes;      /* 0: the entry is free for use */
	uint64_t live_bytes; /* requested */
	uint32_t live_blocks;
	uint32_t stack;
	uint32_t window;
	uint32_t pool_count;
	/* For census.h: to be looked at again; was, since the last mark; ever told of. */
	bool stale, changed, told;
	struct pool **pools; /* in order of address, NULL where never used */
	uint64_t first_pool; /* the address of pools[0] */
};

struct arena_map {
	struct arena *arenas;
	size_t arena_count, arena_capacity; /* entries, free ones included */
	size_t first_free;                  /* no entry before it is free */
	size_t live_arenas;
	uint64_t arena_bytes;
	uint64_t most_arenas;
	uint32_t pool_bytes; /* 4096 or 16384, from the first arena on */
	uint32_t pool_shift;
	struct pool **root; /* by GiB; each leads to the pools of that GiB */
	size_t leaf_count;
	uint64_t misplaced; /* records that contradict the map: counted, never guessed */
	/* Emptied pools, in the order in which they lose their block array. */
	struct pool *idle[ARENA_MAP_IDLE_POOLS];
	uint32_t idle_next;
};

/* Where an address lies, and what came of it. */
enum arena_answer {
	ARENA_OUTSIDE,   /* in no arena: not this map's */
	ARENA_MISPLACED, /* in an arena, but it contradicts the map; nothing was changed */
	ARENA_DONE,
	ARENA_REPLACED, /* done, and a block that was live there is gone */
};

void arena_map_init(struct arena_map *map);
void arena_map_release(struct arena_map *map);
/* False: not a plausible arena (size, overlap): the caller keeps it as a mapping. */
bool arena_map_add(struct arena_map *map, uint64_t address, uint64_t bytes, uint32_t stack,
		   uint32_t window);
/*
 * Makes the pool at exactly this address one of a class, as if it had held blocks of it before.
 * False: there is no such pool or class, or it has live blocks.
 */
bool arena_map_open_pool(struct arena_map *map, uint64_t address, uint32_t class);
/* Blocks still live in it are handed to `lost` one by one first (an interpreter that ended). */
bool arena_map_remove(struct arena_map *map, uint64_t address,
		      void (*lost)(void *user, uint64_t address, const struct block *block),
		      void *user);
/* The arena that begins at an address; NULL: none. */
const struct arena *arena_map_at(const struct arena_map *map, uint64_t address);
/* Whether the address lies in an arena: then a Python block is a pool's. */
bool arena_map_covers(const struct arena_map *map, uint64_t address);
/*
 * The live block around an address belongs to another stack and window from now on. False:
 * there is none. *ret_old is what it was.
 */
bool arena_map_retag(struct arena_map *map, uint64_t address, uint32_t stack, uint32_t window,
		     struct block *ret_old);
/* The live block around an address, NULL if there is none; its class and the address it was
 * given out at. */
const struct block *arena_map_find(const struct arena_map *map, uint64_t address,
				   uint32_t *ret_class, uint64_t *ret_address);

static inline uint32_t pool_block_bytes(uint32_t class)
{
	return class * POOL_CLASS_STEP_BYTES;
}

/* Blocks in a pool of that class; 0 for class 0. */
uint32_t pool_capacity(const struct arena_map *map, uint32_t class);

/* The address that block i of a pool was given out at. */
static inline uint64_t pool_block_address(const struct pool *pool, uint32_t i)
{
	return pool->address + POOL_HEADER_BYTES + (uint64_t)i * pool_block_bytes(pool->class) +
	       (pool->blocks[i].shifted ? POOL_CLASS_STEP_BYTES : 0);
}

/*
 * What follows runs once for each record of a Python program: inline, and with the rare cases
 * elsewhere.
 */

/* The root has an entry for each GiB of a 48-bit address space. */
enum { ARENA_LEAF_SHIFT = 30, ARENA_ROOT_SLOTS = 1 << (48 - ARENA_LEAF_SHIFT) };

/*
 * steps / class == steps * pool_reciprocal[class] >> 16, for all steps of 16 bytes in a pool.
 */
extern const uint32_t pool_reciprocal[256];

enum arena_answer arena_map_alloc_rare(struct arena_map *map, uint64_t address, uint32_t class,
				       struct block block, struct block *ret_old);
void arena_map_pool_emptied(struct arena_map *map, struct pool *pool);

/* The piece of address space around an address; NULL where no arena ever came near. */
static inline struct pool *arena_map_piece(const struct arena_map *map, uint64_t address)
{
	if (!map->root || address >> 48)
		return NULL;
	struct pool *leaf = map->root[address >> ARENA_LEAF_SHIFT];
	if (!leaf)
		return NULL;
	return &leaf[(address & ((1u << ARENA_LEAF_SHIFT) - 1)) >> map->pool_shift];
}

/*
 * Which block of a pool an address lies in. An address in the pool's header wraps round to a
 * number past any capacity.
 */
static inline uint64_t pool_index(const struct pool *pool, uint64_t address, uint32_t class,
				  uint32_t *ret_offset)
{
	uint32_t offset = (uint32_t)(address - pool->address) - POOL_HEADER_BYTES;

	*ret_offset = offset;
	return (uint64_t)(offset / POOL_CLASS_STEP_BYTES) * pool_reciprocal[class] >> 16;
}

/*
 * `class` as in R_SMALL_*. ARENA_REPLACED: a block was live there, which is given back in
 * *ret_old. ARENA_MISPLACED, and counted: no block begins there, it is too small, or the pool
 * has live blocks of another class.
 */
static inline enum arena_answer arena_map_alloc(struct arena_map *map, uint64_t address,
						uint32_t class, struct block block,
						struct block *ret_old)
{
	struct pool *pool = arena_map_piece(map, address);
	if (__builtin_expect(!pool || class != pool->class, 0))
		return arena_map_alloc_rare(map, address, class, block, ret_old);
	uint32_t offset;
	uint64_t index = pool_index(pool, address, class, &offset);
	if (__builtin_expect(
		    index >= pool->capacity || offset != index * pool_block_bytes(class) ||
			    block.bytes > pool_block_bytes(class) || pool->blocks[index].live,
		    0))
		return arena_map_alloc_rare(map, address, class, block, ret_old);

	struct arena *arena = &map->arenas[pool->arena];
	block.live = 1;
	pool->blocks[index] = block;
	pool->live++;
	arena->live_blocks++;
	arena->live_bytes += block.bytes;
	arena->stale = true;
	return ARENA_DONE;
}

/* Takes the block out, says what it was. ARENA_MISPLACED: no live block there; not counted. */
static inline enum arena_answer arena_map_free(struct arena_map *map, uint64_t address,
					       struct block *ret_block)
{
	struct pool *pool = arena_map_piece(map, address);
	if (!pool)
		return ARENA_OUTSIDE;
	uint32_t offset;
	uint64_t index = pool_index(pool, address, pool->class, &offset);
	if (__builtin_expect(index >= pool->capacity || !pool->blocks[index].live, 0))
		return arena_map_covers(map, address) ? ARENA_MISPLACED : ARENA_OUTSIDE;

	struct arena *arena = &map->arenas[pool->arena];
	struct block *at = &pool->blocks[index];
	*ret_block = *at;
	/*
	 * The whole word, as it is read: a store of one byte would hold up a load right after
	 * it.
	 */
	*at = (struct block){0};
	arena->live_blocks--;
	arena->live_bytes -= ret_block->bytes;
	arena->stale = true;
	if (__builtin_expect(--pool->live == 0, 0))
		arena_map_pool_emptied(map, pool);
	return ARENA_DONE;
}

/*
 * Asks for the memory that the next call about this address will need. Always inline: gcc takes
 * a function that only prefetches for one without effect, and leaves its calls out. False:
 * there are no arenas near.
 */
static inline __attribute__((always_inline)) bool
arena_map_prefetch(const struct arena_map *map, uint64_t address)
{
	const struct pool *pool = arena_map_piece(map, address);
	uint32_t offset;

	if (!pool)
		return false;
	/* The array may not be there, or shorter: asking for a wrong address does no harm. */
	uint64_t index = pool_index(pool, address, pool->class, &offset);
	__builtin_prefetch(
		(const void *)((uintptr_t)pool->blocks + index * sizeof(struct block)), 1);
	return true;
}

#endif
