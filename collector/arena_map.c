#include "arena_map.h"

#include <stdlib.h>

#include "../preload/stream.h"
#include "mem.h"

/*
 * Root and leaves are touched only where arenas lie: a page of a leaf serves 2 MiB of arenas.
 */
enum {
	/* More than 8 TiB of scattered arenas are a broken stream, not a program. */
	LEAF_LIMIT = 8192,
};

/*
 * The error of at most class (32) for each step stays under 65,536 over the 1,021 steps of a
 * pool. Classes that don't exist find 0 here and are told apart later.
 */
#define R(class) [class] = 65536 / (class) + 1
const uint32_t pool_reciprocal[256] = {
	R(1),  R(2),  R(3),  R(4),  R(5),  R(6),  R(7),  R(8),  R(9),  R(10), R(11),
	R(12), R(13), R(14), R(15), R(16), R(17), R(18), R(19), R(20), R(21), R(22),
	R(23), R(24), R(25), R(26), R(27), R(28), R(29), R(30), R(31), R(32),
};
#undef R

static size_t leaf_bytes(const struct arena_map *map)
{
	return ((size_t)1 << (ARENA_LEAF_SHIFT - map->pool_shift)) * sizeof(struct pool);
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
	for (size_t i = 0; map->root && i < ARENA_ROOT_SLOTS && map->leaf_count; i++) {
		if (map->root[i]) {
			mem_lazy_free(map->root[i], leaf_bytes(map));
			map->leaf_count--;
		}
	}
	mem_lazy_free(map->root, ARENA_ROOT_SLOTS * sizeof(*map->root));
	free(map->arenas);
	arena_map_init(map);
}

static bool leaf_make(struct arena_map *map, uint64_t address)
{
	struct pool **slot = &map->root[address >> ARENA_LEAF_SHIFT];

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

	if (bytes < ARENA_SMALLEST_BYTES || bytes > ARENA_LARGEST_BYTES ||
	    (bytes & (bytes - 1)))
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
		map->root = mem_lazy(ARENA_ROOT_SLOTS * sizeof(*map->root));
	return map->root && map->pool_shift == shift;
}

/* Bytes of the piece at `start` that [address, end) covers: after its start, before its end. */
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
	const struct pool *piece = arena_map_piece(map, start);

	if (!piece)
		return true;
	if (piece->address)
		return false;
	return (!cover.low ||
		(!piece->low_bytes && cover.low + piece->high_bytes <= map->pool_bytes)) &&
	       (!cover.high ||
		(!piece->high_bytes && cover.high + piece->low_bytes <= map->pool_bytes));
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
static void pieces_set(struct arena_map *map, const struct arena *arena, uint32_t index,
		       bool present)
{
	uint64_t end = arena->address + arena->bytes;
	uint64_t start = arena->address & ~(uint64_t)(map->pool_bytes - 1);

	for (; start < end; start += map->pool_bytes) {
		struct pool *piece = arena_map_piece(map, start);
		struct cover cover = piece_cover(map, start, arena->address, end);
		if (cover.low == map->pool_bytes)
			*piece = present ? (struct pool){.address = start, .arena = index}
					 : (struct pool){0};
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

bool arena_map_add(struct arena_map *map, uint64_t address, uint64_t bytes, uint32_t stack,
		   uint32_t window)
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
		.stale = true,
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

/* Any arena holds whole pools: the first of them knows it. SIZE_MAX: none begins there. */
static size_t arena_index(const struct arena_map *map, uint64_t address)
{
	uint64_t mask = map->pool_bytes - 1;
	const struct pool *pool;

	if (!map->root)
		return SIZE_MAX;
	pool = arena_map_piece(map, (address + mask) & ~mask);
	if (!pool || !pool->address || map->arenas[pool->arena].address != address)
		return SIZE_MAX;
	return pool->arena;
}

const struct arena *arena_map_at(const struct arena_map *map, uint64_t address)
{
	size_t index = arena_index(map, address);

	return index == SIZE_MAX ? NULL : &map->arenas[index];
}

static void pool_lose(const struct pool *pool,
		      void (*lost)(void *user, uint64_t address, const struct block *block),
		      void *user)
{
	for (uint32_t i = 0; lost && i < pool->capacity; i++) {
		if (pool->blocks[i].live)
			lost(user, pool_block_address(pool, i), &pool->blocks[i]);
	}
}

bool arena_map_remove(struct arena_map *map, uint64_t address,
		      void (*lost)(void *user, uint64_t address, const struct block *block),
		      void *user)
{
	size_t index = arena_index(map, address);
	if (index == SIZE_MAX)
		return false;

	struct arena *arena = &map->arenas[index];
	for (uint32_t i = 0; i < arena->pool_count; i++) {
		struct pool *pool = arena->pools[i];
		if (!pool)
			continue;
		pool_lose(pool, lost, user);
		free(pool->blocks);
	}
	map->arena_bytes -= arena->bytes;
	map->live_arenas--;
	pieces_set(map, arena, 0, false);
	free(arena->pools);
	*arena = (struct arena){0};
	if (index < map->first_free)
		map->first_free = index;
	return true;
}

static bool piece_covers(const struct arena_map *map, const struct pool *piece,
			 uint64_t address)
{
	uint32_t offset = (uint32_t)address & (map->pool_bytes - 1);

	return piece->address || offset < piece->low_bytes ||
	       offset + piece->high_bytes >= map->pool_bytes;
}

bool arena_map_covers(const struct arena_map *map, uint64_t address)
{
	const struct pool *piece = arena_map_piece(map, address);

	return piece && piece_covers(map, piece, address);
}

uint32_t pool_capacity(const struct arena_map *map, uint32_t class)
{
	return class ? (map->pool_bytes - POOL_HEADER_BYTES) / pool_block_bytes(class) : 0;
}

/* Makes an empty pool ready for blocks of a class. */
static bool pool_open(struct arena_map *map, struct pool *pool, uint32_t class)
{
	if (pool->live || class == 0 || class > POOL_CLASSES)
		return false;
	struct arena *arena = &map->arenas[pool->arena];
	arena->pools[(pool->address - arena->first_pool) >> map->pool_shift] = pool;
	free(pool->blocks);
	pool->class = (uint8_t) class;
	pool->capacity = (uint16_t)pool_capacity(map, class);
	pool->blocks = mem_alloc(pool->capacity * sizeof(*pool->blocks));
	return true;
}

bool arena_map_open_pool(struct arena_map *map, uint64_t address, uint32_t class)
{
	struct pool *pool = arena_map_piece(map, address);

	return pool && pool->address && pool->address == address && pool_open(map, pool, class);
}

/*
 * A program may fill and empty the same few pools over and over: an array is kept until that
 * many other pools have been emptied.
 */
void arena_map_pool_emptied(struct arena_map *map, struct pool *pool)
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
		oldest->capacity = 0;
	}
}

static enum arena_answer misplaced(struct arena_map *map)
{
	map->misplaced++;
	return ARENA_MISPLACED;
}

static enum arena_answer block_put(struct arena *arena, struct pool *pool, uint64_t index,
				   struct block block, struct block *ret_old)
{
	struct block old = pool->blocks[index];

	block.live = 1;
	pool->blocks[index] = block;
	arena->live_bytes += block.bytes;
	arena->stale = true;
	if (!old.live) {
		pool->live++;
		arena->live_blocks++;
		return ARENA_DONE;
	}
	arena->live_bytes -= old.bytes;
	*ret_old = old;
	return ARENA_REPLACED;
}

enum arena_answer arena_map_alloc_rare(struct arena_map *map, uint64_t address, uint32_t class,
				       struct block block, struct block *ret_old)
{
	struct pool *pool = arena_map_piece(map, address);
	if (!pool || !pool->address)
		return arena_map_covers(map, address) ? misplaced(map) : ARENA_OUTSIDE;
	if (class == STREAM_CLASS_KEPT)
		class = pool->class;
	if (class == 0 || class > POOL_CLASSES || block.bytes > pool_block_bytes(class))
		return misplaced(map);
	uint32_t offset;
	uint64_t index = pool_index(pool, address, class, &offset);
	if (index >= pool_capacity(map, class))
		return misplaced(map);
	uint64_t rest = offset - index * pool_block_bytes(class);
	if (rest != 0 && rest != POOL_CLASS_STEP_BYTES)
		return misplaced(map);
	if ((pool->class != class || !pool->blocks) && !pool_open(map, pool, class))
		return misplaced(map);
	block.shifted = rest != 0;
	return block_put(&map->arenas[pool->arena], pool, index, block, ret_old);
}

static struct block *live_block(const struct pool *pool, uint64_t address, uint32_t *ret_index)
{
	if (!pool || !pool->address)
		return NULL;
	uint32_t offset;
	uint64_t index = pool_index(pool, address, pool->class, &offset);
	if (index >= pool->capacity || !pool->blocks[index].live)
		return NULL;
	*ret_index = (uint32_t)index;
	return &pool->blocks[index];
}

const struct block *arena_map_find(const struct arena_map *map, uint64_t address,
				   uint32_t *ret_class, uint64_t *ret_address)
{
	const struct pool *pool = arena_map_piece(map, address);
	uint32_t index;
	const struct block *block = live_block(pool, address, &index);
	if (!block)
		return NULL;
	*ret_class = pool->class;
	*ret_address = pool_block_address(pool, index);
	return block;
}

bool arena_map_retag(struct arena_map *map, uint64_t address, uint32_t stack, uint32_t window,
		     struct block *ret_old)
{
	uint32_t index;
	const struct pool *pool = arena_map_piece(map, address);
	struct block *block = live_block(pool, address, &index);
	if (!block)
		return false;
	map->arenas[pool->arena].stale = true;
	*ret_old = *block;
	block->stack = stack;
	block->window = window & ((1u << 14) - 1);
	return true;
}
