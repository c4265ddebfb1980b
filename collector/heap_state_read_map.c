/*
 * heap_state_read_map.c - the parts of a state that are blocks, arenas and mappings.
 */
#include "state_reader.h"

static int64_t difference(struct cursor *c)
{
	uint64_t value = cursor_varint(c);

	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Blocks' windows have 14 bits. */
static uint32_t read_window(const struct heap *heap, uint64_t window)
{
	return window < heap->windows.count ? (uint32_t)window : 0;
}

static void read_block(struct heap *heap, uint64_t pool, uint32_t class, uint64_t index,
		       uint32_t *window, struct cursor *c)
{
	uint32_t stack = state_read_stack(heap, c), room = pool_block_bytes(class);
	uint64_t spare = cursor_varint(c);
	bool shifted = spare & 1;
	struct block old;

	*window = read_window(heap, *window + (uint64_t)difference(c));
	if (c->failed || spare >> 2 > room || index > UINT16_MAX)
		return;
	struct block block = {
		.stack = stack,
		.bytes = (room - (spare >> 2)) & 0x3ff,
		.window = *window & (WINDOW_LIMIT - 1),
		.object = spare >> 1 & 1,
		.live = 1,
	};

	arena_map_alloc(&heap->arenas,
			pool + POOL_HEADER_BYTES + index * room +
				(shifted ? POOL_CLASS_STEP_BYTES : 0),
			class, block, &old);
}

/* False: what follows in this part can't be understood. */
static bool read_pool(struct heap *heap, uint64_t pool, uint32_t *window, struct cursor *c)
{
	uint64_t class = cursor_varint(c), live = cursor_varint(c), index = 0;

	if (c->failed || !arena_map_open_pool(&heap->arenas, pool, (uint32_t)class))
		return false;
	for (uint64_t i = 0; i < live && state_more(c); i++) {
		index += cursor_varint(c);
		read_block(heap, pool, (uint32_t)class, index, window, c);
	}
	return !c->failed;
}

static void read_pools(struct heap *heap, uint64_t address, uint64_t bytes, struct cursor *c)
{
	const uint64_t mask = heap->arenas.pool_bytes - 1;
	uint64_t pool = (address + mask) & ~mask;
	uint32_t window = 0;

	while (state_more(c)) {
		uint64_t step = cursor_varint(c);

		if (step > bytes >> heap->arenas.pool_shift)
			return;
		pool += step << heap->arenas.pool_shift;
		if (!read_pool(heap, pool, &window, c))
			return;
	}
}

void state_read_arena(struct heap *heap, struct cursor *c)
{
	uint64_t address = cursor_varint(c), bytes = cursor_varint(c);
	uint32_t stack = state_read_stack(heap, c),
		 window = read_window(heap, cursor_varint(c));
	uint64_t known = cursor_varint(c);

	if (c->failed || !arena_map_add(&heap->arenas, address, bytes, stack, window))
		return;
	read_pools(heap, address, bytes, c);
	/* Behind the blocks, which made it stale. */
	census_put_back(&heap->census, &heap->arenas, address, known & 1, known & 2, known & 4);
}

struct large_block state_read_large_block(struct heap *heap, struct cursor *c)
{
	struct large_block block = {.address = cursor_varint(c), .bytes = cursor_varint(c)};

	block.stack = state_read_stack(heap, c);
	uint64_t window = cursor_varint(c);

	block.window = read_window(heap, window & (WINDOW_LIMIT - 1)) & (WINDOW_LIMIT - 1);
	block.domain = window >> 14 & 3;
	return block;
}

void state_read_large(struct heap *heap, struct cursor *c)
{
	while (state_more(c)) {
		struct large_block block = state_read_large_block(heap, c);

		if (!c->failed && block.address)
			block_table_put(&heap->blocks, block, NULL);
	}
}

void state_read_mappings(struct heap *heap, struct cursor *c)
{
	uint64_t origins = cursor_varint(c);

	/* Origins are counted up from 1: none may wrap round to 0. */
	if (c->failed || origins >> 48)
		return;
	while (state_more(c)) {
		struct mapping mapping = {.address = cursor_varint(c),
					  .bytes = cursor_varint(c)};

		mapping.stack = state_read_stack(heap, c);
		mapping.window = read_window(heap, cursor_varint(c));
		mapping.anonymous = cursor_varint(c) != 0;
		mapping.origin = cursor_varint(c);
		uint64_t extra = cursor_varint(c);

		if (!c->failed && mapping.origin <= origins)
			mappings_put_back(&heap->mappings, &mapping, extra);
	}
	heap->mappings.origins = origins;
}

void state_read_census(struct heap *heap, struct cursor *c)
{
	summary_release(&heap->census.peak);
	heap->census.peak = summary_read(c);
	while (state_more(c))
		census_put_gone(&heap->census, cursor_varint(c));
}
