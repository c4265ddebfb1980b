#include "pool.h"

#include <string.h>

enum {
	SMALL_ARENA_BYTES = 256 << 10,
	SMALL_POOL_BYTES = 4 << 10,
	LINE_BYTES = 64,
	/* From so many free blocks on it pays to ask for the whole pool first. */
	MANY_FREE = 8,
};

uint32_t pool_bytes_in(uint64_t arena_bytes)
{
	return arena_bytes == SMALL_ARENA_BYTES ? SMALL_POOL_BYTES : POOL_MOST_BYTES;
}

static uint32_t block_bytes(const struct pool *pool)
{
	return pool->class * POOL_CLASS_STEP_BYTES;
}

static uint32_t capacity_of(const struct pool *pool)
{
	return (pool->bytes - (uint32_t)sizeof(struct pool_header)) / block_bytes(pool);
}

bool pool_read(uint64_t address, uint32_t pool_bytes, struct pool *ret_pool)
{
	struct pool_header header;

	memcpy(&header, (const void *)(uintptr_t)address, sizeof(header));
	if (!header.live || header.live > UINT16_MAX || header.class_index >= POOL_CLASSES)
		return false;
	if (header.next_offset < sizeof(header) || header.next_offset > pool_bytes)
		return false;
	*ret_pool = (struct pool){
		.address = address,
		.bytes = pool_bytes,
		.class = header.class_index + 1,
		.live = header.live,
		.free_block = header.free_block,
	};
	ret_pool->carved = (header.next_offset - (uint32_t)sizeof(header)) /
			   block_bytes(ret_pool);
	return true;
}

bool pool_is_full(const struct pool *pool)
{
	return pool->live == capacity_of(pool);
}

/*
 * The list runs through the pool's lines in any order, each address out of the one before: a
 * miss after a miss. Read in order first, many are on their way at once.
 */
static void fetch(const struct pool *pool)
{
	const volatile char *at = (const volatile char *)(uintptr_t)pool->address;
	uint32_t end = (uint32_t)sizeof(struct pool_header) + pool->carved * block_bytes(pool);

	for (uint32_t offset = 0; offset < end; offset += LINE_BYTES)
		(void)at[offset];
}

/* Which carved block begins at an address. False: none does. */
static bool index_of(const struct pool *pool, uint64_t block, uint32_t *ret_index)
{
	uint64_t offset = block - pool->address - sizeof(struct pool_header);
	uint32_t bytes = block_bytes(pool);

	if (offset >= (uint64_t)pool->carved * bytes)
		return false;
	*ret_index = (uint32_t)offset / bytes;
	return (uint32_t)offset == *ret_index * bytes;
}

uint32_t pool_live_bits(const struct pool *pool, uint8_t ret_bits[POOL_BITS_BYTES])
{
	uint32_t len = (pool->carved + 7) / 8, index;
	uint64_t block = pool->free_block;

	memset(ret_bits, 0xff, len);
	if (pool->carved % 8)
		ret_bits[len - 1] = (uint8_t)((1u << pool->carved % 8) - 1);
	if (pool->carved > pool->live + MANY_FREE)
		fetch(pool);
	while (block && index_of(pool, block, &index) && ret_bits[index / 8] >> index % 8 & 1) {
		ret_bits[index / 8] &= (uint8_t) ~(1u << index % 8);
		memcpy(&block, (const void *)(uintptr_t)block, sizeof(block));
	}
	return len;
}
