/*
 * audit_model.h - pool headers as they follow from heap_model.h, right ones and wrong ones, and
 * what a comparison has to find: two sets of blocks, each an address and a class, one by one.
 */
#ifndef MEMTRACE_TEST_AUDIT_MODEL_H
#define MEMTRACE_TEST_AUDIT_MODEL_H

#include "../../collector/buf.h"
#include "heap_model.h"

enum { AUDITED_POOLS = 512, POOL_BLOCKS = 1024 };

struct header_pool {
	uint64_t address;
	uint32_t class, live;
	bool block[POOL_BLOCKS];
};

struct header_arena {
	uint64_t address, bytes;
	struct header_pool pools[AUDITED_POOLS]; /* ascending */
	size_t pool_count;
};

/* What is expected of all audits of a stream. */
struct audit_model {
	struct profile_audit audits[MODEL_MARKS + 1]; /* by the number of their mark */
	/* `audit` is that number. */
	struct profile_audit_difference differences[PROFILE_MAX_DIFFERENCES];
	size_t difference_count;
};

static inline struct header_pool *header_pool(struct header_arena *arena, uint64_t address,
					      uint32_t class)
{
	size_t at = arena->pool_count;

	while (at > 0 && arena->pools[at - 1].address >= address)
		at--;
	if (at < arena->pool_count && arena->pools[at].address == address)
		return &arena->pools[at];
	memmove(&arena->pools[at + 1], &arena->pools[at],
		(arena->pool_count++ - at) * sizeof(*arena->pools));
	memset(&arena->pools[at], 0, sizeof(*arena->pools));
	arena->pools[at].address = address;
	arena->pools[at].class = class;
	return &arena->pools[at];
}

/* Headers as an interpreter with these blocks would have them. */
static inline void header_read(const struct model *m, size_t index, struct header_arena *arena)
{
	arena->address = m->arenas[index].address;
	arena->bytes = m->arenas[index].bytes;
	arena->pool_count = 0;
	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *b = &m->blocks[i];

		if (!b->room || model_arena_of(m, b->address) != (int)index)
			continue;
		uint64_t start = b->start / m->pool_bytes * m->pool_bytes;
		struct header_pool *pool = header_pool(arena, start, b->class);
		pool->block[(b->start - start - 48) / b->room] = true;
		pool->live++;
	}
}

/* How many of the model's blocks the header has too; *ret_live: all of the model's. */
static inline uint32_t header_shared(const struct model *m, const struct header_pool *pool,
				     uint32_t *ret_live, uint32_t *ret_class)
{
	uint32_t shared = 0;

	*ret_live = *ret_class = 0;
	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *b = &m->blocks[i];

		if (!b->room || b->start / m->pool_bytes * m->pool_bytes != pool->address)
			continue;
		*ret_class = b->class;
		++*ret_live;
		shared += b->class == pool->class &&
			  pool->block[(b->start - pool->address - 48) / b->room];
	}
	return shared;
}

static inline void expect_difference(struct audit_model *expected,
				     struct profile_audit_difference difference)
{
	if (expected->difference_count < PROFILE_MAX_DIFFERENCES)
		expected->differences[expected->difference_count++] = difference;
}

/* `said`: live blocks that the header counts, whatever its bits are. True: the two differ. */
static inline bool expect_pool(struct audit_model *expected, uint32_t number, uint64_t arena,
			       const struct model *m, const struct header_pool *pool,
			       uint32_t said)
{
	struct profile_audit *audit = &expected->audits[number];
	uint32_t live, class, shared = header_shared(m, pool, &live, &class);
	uint32_t either = live + pool->live - shared;
	uint32_t differing = either - shared;

	if (either == 0)
		return false;
	if (said > pool->live && said > either) /* only where the bits are right */
		either = said, differing = said - live;
	audit->pools++;
	audit->blocks += either;
	if (!differing)
		return false;
	audit->differing_pools++;
	audit->differing_blocks += differing;
	expect_difference(expected, (struct profile_audit_difference){
					    .arena = arena,
					    .pool = pool->address,
					    .audit = number,
					    .map_class = (uint16_t) class,
					    .header_class = said ? (uint16_t)pool->class : 0,
					    .map_blocks = live,
					    .header_blocks = said,
					    .differing_blocks = differing,
				    });
	return true;
}

static inline void header_put(struct buf *out, uint64_t head, uint64_t body)
{
	struct record r = {head, body};

	buf_append(out, &r, sizeof(r));
}

static inline void header_put_pool(struct buf *out, const struct model *m,
				   const struct header_pool *pool, uint32_t said)
{
	uint32_t capacity = (uint32_t)(m->pool_bytes - 48) / (pool->class * 16);
	uint32_t slots = pool->live == capacity ? 0 : (capacity + 8 * 14 - 1) / (8 * 14);
	uint8_t bits[16 * 14] = {0};

	for (uint32_t i = 0; i < capacity; i++)
		bits[i / 8] |= (uint8_t)(pool->block[i] << i % 8);
	header_put(out, record_head(R_AUDIT_POOL, pool->address),
		   pool->class | said << 8 | (uint64_t)slots << 24);
	for (uint32_t i = 0; i < slots; i++) {
		uint64_t a = 0, b;

		memcpy(&a, bits + 14 * i, 6);
		memcpy(&b, bits + 14 * i + 6, 8);
		header_put(out, record_head(R_DATA, a), b);
	}
}

#endif
