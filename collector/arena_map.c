#include "arena_map.h"

#include <stdlib.h>

#include "../preload/stream.h"
#include "mem.h"

/*
 * The root has an entry for each GiB of a 48-bit address space, a leaf one for each pool-sized piece
 * of that GiB. Both are touched only where arenas lie: a page of a leaf serves 2 MiB of arenas.
 */
enum {
	LEAF_SHIFT = 30,
	ROOT_SLOTS = 1 << (48 - LEAF_SHIFT),
	/* More than 8 TiB of scattered arenas are a broken stream, not a program. */
	LEAF_LIMIT = 8192,
};

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/*
 * steps / class == steps * reciprocal[class] >> 16 for every offset in a pool, in 16-byte steps: the
 * error of at most class (32) per step stays under 65,536 for the 1,021 steps of a pool.
 */
#define R(class) 65536 / (class) + 1
static const uint32_t reciprocal[POOL_CLASSES + 1] = {
	0,     R(1),  R(2),  R(3),  R(4),  R(5),  R(6),	 R(7),	R(8),  R(9),  R(10),
	R(11), R(12), R(13), R(14), R(15), R(16), R(17), R(18), R(19), R(20), R(21),
	R(22), R(23), R(24), R(25), R(26), R(27), R(28), R(29), R(30), R(31), R(32),
};
#undef R

static uint32_t block_index(uint32_t offset, uint32_t class)
{
	return offset / POOL_CLASS_STEP_BYTES * reciprocal[class] >> 16;
}

static size_t leaf_bytes(const struct arena_map *map)
{
	return ((size_t)1 << (LEAF_SHIFT - map->pool_shift)) * sizeof(struct pool);
}

void arena_map_init(struct arena_map *map)
{
	*map = (struct arena_map){0};
}

void arena_map_release(struct arena_map *map)
{
	for (size_t i = 0; i < map->arena_count; i++) {
		struct arena *arena = &map->arenas[i];
		for (uint32_t k = 0; arena->pools && k < arena->pool_count; k++) {
			if (arena->pools[k])
				free(arena->pools[k]->blocks);
		}
		free(arena->pools);
	}
	for (size_t i = 0; map->root && i < ROOT_SLOTS && map->leaf_count; i++) {
		if (map->root[i]) {
			mem_lazy_free(map->root[i], leaf_bytes(map));
			map->leaf_count--;
		}
	}
	mem_lazy_free(map->root, ROOT_SLOTS * sizeof(*map->root));
	free(map->arenas);
	arena_map_init(map);
}

/* The piece of address space around an address; NULL where no arena ever came near. */
static inline struct pool *pool_at(const struct arena_map *map, uint64_t address)
{
	if (UNLIKELY(!map->root || address >> 48))
		return NULL;
	struct pool *leaf = map->root[address >> LEAF_SHIFT];
	if (!leaf)
		return NULL;
	return &leaf[(address & (((uint64_t)1 << LEAF_SHIFT) - 1)) >> map->pool_shift];
}

static bool leaf_make(struct arena_map *map, uint64_t address)
{
	struct pool **slot = &map->root[address >> LEAF_SHIFT];

	if (*slot)
		return true;
	if (map->leaf_count == LEAF_LIMIT)
		return false;
	*slot = mem_lazy(leaf_bytes(map));
	map->leaf_count += *slot != NULL;
	return *slot != NULL;
}

/* The first arena decides about the size of pools. */
static bool geometry_fits(struct arena_map *map, uint64_t address, uint64_t bytes)
{
	enum { PAGE = 4096, SMALL_POOL_SHIFT = 12, POOL_SHIFT = 14 };
	uint32_t shift = bytes == ARENA_SMALLEST_BYTES ? SMALL_POOL_SHIFT : POOL_SHIFT;

	if (bytes < ARENA_SMALLEST_BYTES || bytes > ARENA_LARGEST_BYTES || (bytes & (bytes - 1)))
		return false;
	/* CPython never had arenas of 512 KiB: that is a data-stack chunk. */
	if (bytes == 2 * ARENA_SMALLEST_BYTES)
		return false;
	if (address == 0 || address % PAGE || (address + bytes - 1) >> 48)
		return false;
	if (map->pool_shift == 0) {
		map->pool_shift = shift;
		map->pool_bytes = 1u << shift;
	}
	if (!map->root)
		map->root = mem_lazy(ROOT_SLOTS * sizeof(*map->root));
	return map->root && map->pool_shift == shift;
}

/* Bytes of the piece at `start` that [address, end) covers: from its start on, before its end. */
struct cover {
	uint32_t low, high;
};

static struct cover piece_cover(const struct arena_map *map, uint64_t start, uint64_t address,
				uint64_t end)
{
	uint64_t piece_end = start + map->pool_bytes;
	bool begins = address > start, ends = end < piece_end;

	if (!begins && !ends)
		return (struct cover){map->pool_bytes, map->pool_bytes};
	return (struct cover){
		.low = ends ? (uint32_t)(end - start) : 0,
		.high = begins ? (uint32_t)(piece_end - address) : 0,
	};
}

static bool piece_is_free(const struct arena_map *map, uint64_t start, struct cover cover)
{
	const struct pool *piece = pool_at(map, start);

	if (!piece)
		return true;
	if (piece->address)
		return false;
	return (!cover.low || (!piece->low_bytes && cover.low + piece->high_bytes <= map->pool_bytes)) &&
	       (!cover.high || (!piece->high_bytes && cover.high + piece->low_bytes <= map->pool_bytes));
}

static bool room_for(struct arena_map *map, uint64_t address, uint64_t end)
{
	uint64_t start = address & ~(uint64_t)(map->pool_bytes - 1);

	for (; start < end; start += map->pool_bytes) {
		if (!piece_is_free(map, start, piece_cover(map, start, address, end)))
			return false;
		if (!leaf_make(map, start))
			return false;
	}
	return true;
}

/* Enters an arena's pieces into the table, or (present false) takes them out. */
static void pieces_set(struct arena_map *map, const struct arena *arena, uint32_t index, bool present)
{
	uint64_t end = arena->address + arena->bytes;
	uint64_t start = arena->address & ~(uint64_t)(map->pool_bytes - 1);

	for (; start < end; start += map->pool_bytes) {
		struct pool *piece = pool_at(map, start);
		struct cover cover = piece_cover(map, start, arena->address, end);
		if (cover.low == map->pool_bytes)
			*piece = present ? (struct pool){.address = start, .arena = index} :
					   (struct pool){0};
		else if (cover.low)
			piece->low_bytes = present ? (uint16_t)cover.low : 0;
		else
			piece->high_bytes = present ? (uint16_t)cover.high : 0;
	}
}

static struct arena *entry_take(struct arena_map *map)
{
	while (map->first_free < map->arena_count && map->arenas[map->first_free].bytes)
		map->first_free++;
	if (map->first_free == map->arena_count) {
		map->arenas = mem_grow(map->arenas, &map->arena_capacity, map->arena_count + 1,
				       sizeof(*map->arenas));
		map->arena_count++;
	}
	return &map->arenas[map->first_free++];
}

bool arena_map_add(struct arena_map *map, uint64_t address, uint64_t bytes, uint32_t stack, uint32_t window)
{
	if (!geometry_fits(map, address, bytes) || !room_for(map, address, address + bytes))
		return false;

	struct arena *arena = entry_take(map);
	uint64_t mask = map->pool_bytes - 1;
	uint64_t first = (address + mask) & ~mask;
	*arena = (struct arena){
		.address = address,
		.bytes = bytes,
		.stack = stack,
		.window = window,
		.first_pool = first,
		.pool_count = (uint32_t)((address + bytes - first) >> map->pool_shift),
	};
	arena->pools = mem_alloc(arena->pool_count * sizeof(*arena->pools));
	pieces_set(map, arena, (uint32_t)(arena - map->arenas), true);

	map->arena_bytes += bytes;
	map->live_arenas++;
	if (map->most_arenas < map->live_arenas)
		map->most_arenas = map->live_arenas;
	return true;
}

static struct arena *arena_find(struct arena_map *map, uint64_t address)
{
	if (!map->root)
		return NULL;
	/* Any arena holds whole pools: the first of them knows its arena. */
	uint64_t mask = map->pool_bytes - 1;
	const struct pool *pool = pool_at(map, (address + mask) & ~mask);
	if (!pool || !pool->address)
		return NULL;
	struct arena *arena = &map->arenas[pool->arena];
	return arena->address == address ? arena : NULL;
}

static void pool_lose(const struct arena_map *map, const struct pool *pool,
		      void (*lost)(void *user, uint64_t address, const struct block *block), void *user)
{
	uint32_t capacity = pool_capacity(map, pool->class);

	for (uint32_t i = 0; lost && pool->live && i < capacity; i++) {
		if (pool->blocks[i].live)
			lost(user, pool_block_address(pool, i), &pool->blocks[i]);
	}
}

bool arena_map_remove(struct arena_map *map, uint64_t address,
		      void (*lost)(void *user, uint64_t address, const struct block *block), void *user)
{
	struct arena *arena = arena_find(map, address);
	if (!arena)
		return false;

	for (uint32_t i = 0; i < arena->pool_count; i++) {
		struct pool *pool = arena->pools[i];
		if (!pool)
			continue;
		pool_lose(map, pool, lost, user);
		free(pool->blocks);
	}
	map->live_blocks -= arena->live_blocks;
	map->live_bytes -= arena->live_bytes;
	map->arena_bytes -= arena->bytes;
	map->live_arenas--;
	pieces_set(map, arena, 0, false);
	free(arena->pools);
	size_t index = (size_t)(arena - map->arenas);
	*arena = (struct arena){0};
	if (index < map->first_free)
		map->first_free = index;
	return true;
}

static inline bool piece_covers(const struct arena_map *map, const struct pool *piece, uint64_t address)
{
	uint32_t offset = (uint32_t)address & (map->pool_bytes - 1);

	return piece->address || offset < piece->low_bytes ||
	       offset + piece->high_bytes >= map->pool_bytes;
}

bool arena_map_covers(const struct arena_map *map, uint64_t address)
{
	const struct pool *piece = pool_at(map, address);

	return piece && piece_covers(map, piece, address);
}

uint32_t pool_capacity(const struct arena_map *map, uint32_t class)
{
	return class ? (map->pool_bytes - POOL_HEADER_BYTES) / pool_block_bytes(class) : 0;
}

/* Makes an empty pool ready for blocks of a class. */
static __attribute__((noinline)) bool pool_open(struct arena_map *map, struct pool *pool, uint32_t class)
{
	if (pool->live || class == 0 || class > POOL_CLASSES)
		return false;
	struct arena *arena = &map->arenas[pool->arena];
	arena->pools[(pool->address - arena->first_pool) >> map->pool_shift] = pool;
	free(pool->blocks);
	pool->blocks = mem_alloc(pool_capacity(map, class) * sizeof(*pool->blocks));
	pool->class = (uint8_t)class;
	return true;
}

/*
 * A program may fill and empty the same few pools over and over: an array is kept until that many
 * other pools have been emptied.
 */
static __attribute__((noinline)) void pool_emptied(struct arena_map *map, struct pool *pool)
{
	if (pool->in_idle)
		return;
	struct pool **slot = &map->idle[map->idle_next++ % ARENA_MAP_IDLE_POOLS];
	struct pool *oldest = *slot;

	*slot = pool;
	pool->in_idle = 1;
	if (!oldest)
		return;
	oldest->in_idle = 0;
	if (oldest->live == 0) {
		free(oldest->blocks);
		oldest->blocks = NULL;
	}
}

static enum arena_answer misplaced(struct arena_map *map)
{
	map->misplaced++;
	return ARENA_MISPLACED;
}

enum arena_answer arena_map_alloc(struct arena_map *map, uint64_t address, uint32_t class,
				  struct block block, struct block *ret_old)
{
	struct pool *pool = pool_at(map, address);
	if (!pool || UNLIKELY(!pool->address))
		return pool && piece_covers(map, pool, address) ? misplaced(map) : ARENA_OUTSIDE;
	if (class == STREAM_CLASS_KEPT)
		class = pool->class;
	/* In the header, this wraps round to more than any pool has. */
	uint32_t offset = (uint32_t)(address - pool->address) - POOL_HEADER_BYTES;
	if (UNLIKELY(class - 1 >= POOL_CLASSES || offset >= map->pool_bytes - POOL_HEADER_BYTES))
		return misplaced(map);

	uint32_t index = block_index(offset, class);
	uint32_t rest = offset - index * pool_block_bytes(class);
	uint32_t end = (index + 1) * pool_block_bytes(class);
	if (UNLIKELY((rest != 0 && rest != POOL_CLASS_STEP_BYTES) ||
		     end > map->pool_bytes - POOL_HEADER_BYTES || block.bytes > pool_block_bytes(class)))
		return misplaced(map);
	if (UNLIKELY((!pool->blocks || pool->class != class) && !pool_open(map, pool, class)))
		return misplaced(map);

	struct arena *arena = &map->arenas[pool->arena];
	struct block *at = &pool->blocks[index];
	uint32_t before = at->live, bytes_before = before ? at->bytes : 0;
	*ret_old = *at;
	block.shifted = rest != 0;
	block.live = 1;
	*at = block;
	pool->live += 1 - before;
	arena->live_blocks += 1 - before;
	arena->live_bytes += block.bytes - (uint64_t)bytes_before;
	map->live_blocks += 1 - before;
	map->live_bytes += block.bytes - (uint64_t)bytes_before;
	return ARENA_DONE;
}

/* The live block around an address in a whole pool, or NULL. */
static inline struct block *block_at(const struct arena_map *map, const struct pool *pool,
				     uint64_t address)
{
	uint32_t offset = (uint32_t)(address - pool->address) - POOL_HEADER_BYTES;

	if (UNLIKELY(pool->live == 0 || offset >= map->pool_bytes - POOL_HEADER_BYTES))
		return NULL;
	uint32_t index = block_index(offset, pool->class);
	uint32_t end = (index + 1) * pool_block_bytes(pool->class);
	if (UNLIKELY(end > map->pool_bytes - POOL_HEADER_BYTES || !pool->blocks[index].live))
		return NULL;
	return &pool->blocks[index];
}

enum arena_answer arena_map_free(struct arena_map *map, uint64_t address, struct block *ret_block)
{
	struct pool *pool = pool_at(map, address);
	if (!pool || UNLIKELY(!pool->address))
		return pool && piece_covers(map, pool, address) ? ARENA_MISPLACED : ARENA_OUTSIDE;
	struct block *at = block_at(map, pool, address);
	if (UNLIKELY(!at))
		return ARENA_MISPLACED;

	struct arena *arena = &map->arenas[pool->arena];
	*ret_block = *at;
	*at = (struct block){0};
	arena->live_blocks--;
	arena->live_bytes -= ret_block->bytes;
	map->live_blocks--;
	map->live_bytes -= ret_block->bytes;
	if (--pool->live == 0)
		pool_emptied(map, pool);
	return ARENA_DONE;
}

const struct block *arena_map_find(const struct arena_map *map, uint64_t address, uint32_t *ret_class,
				   uint64_t *ret_address)
{
	const struct pool *pool = pool_at(map, address);
	const struct block *block = pool && pool->address ? block_at(map, pool, address) : NULL;

	if (!block)
		return NULL;
	*ret_class = pool->class;
	*ret_address = pool_block_address(pool, (uint32_t)(block - pool->blocks));
	return block;
}

void arena_map_prefetch(const struct arena_map *map, uint64_t address)
{
	const struct pool *pool = pool_at(map, address);

	if (!pool || !pool->blocks)
		return;
	uint32_t offset = (uint32_t)(address - pool->address) - POOL_HEADER_BYTES;
	if (offset < map->pool_bytes - POOL_HEADER_BYTES)
		__builtin_prefetch(&pool->blocks[block_index(offset, pool->class)], 1);
}
