/*
 * heap_model.h - what a heap must be after a stream, worked out the slow and obvious way: lists
 * and linear search, real divisions, a page table for mappings, full copies at each peak and
 * mark.
 */
#ifndef MEMTRACE_TEST_HEAP_MODEL_H
#define MEMTRACE_TEST_HEAP_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/heap.h"

enum {
	MODEL_STACKS = 9,
	MODEL_BLOCKS = 4096,
	MODEL_POOLS = 4096,
	MODEL_ARENAS = 64,
	MODEL_PAGES = 4096,
	MODEL_MAPPINGS = 4096,
	MODEL_SLOTS = 4,
	MODEL_MARKS = 64,
};

#define MODEL_BASE 0x7f0000000000u

struct model_block {
	uint64_t address;     /* as it was given out */
	uint64_t start, room; /* what it takes of its pool; room 0: no pool's */
	uint64_t bytes;
	uint32_t stack, window, domain, class;
};

struct model_figures {
	uint64_t bytes, blocks;
};

struct model_snapshot {
	struct model_figures live[MODEL_STACKS];
};

struct model_pool {
	uint64_t address;
	uint32_t class;
};

struct model_freed {
	uint64_t named; /* 0: nothing remembered */
	bool known, in_gc;
	uint32_t by;
	struct model_block block;
};

struct model {
	struct model_block blocks[MODEL_BLOCKS];
	size_t block_count;
	struct {
		uint64_t address, bytes;
	} arenas[MODEL_ARENAS];
	size_t arena_count, most_arenas;
	struct model_pool pools[MODEL_POOLS];
	size_t pool_count;
	uint64_t pool_bytes;
	uint16_t page_owner[MODEL_PAGES]; /* mapping number, 0: none */
	struct {
		uint32_t stack, window;
		bool anonymous;
		uint64_t pages_left;
	} mappings[MODEL_MAPPINGS];
	size_t mapping_count;
	struct model_freed freed[MODEL_SLOTS];
	struct site site[MODEL_STACKS]; /* epochs unused */
	/* By the stack that allocated, then by the one that freed. */
	struct profile_freed frees[MODEL_STACKS][MODEL_STACKS];
	uint32_t by, flags; /* of the record that is being applied */
	uint32_t ages[MODEL_STACKS][LIFETIMES_AGES];
	struct model_figures all, peak, domain[4];
	uint64_t peak_ms, now_ms, misplaced;
	struct model_snapshot at_peak, at_mark[MODEL_MARKS];
	size_t mark_count;
	struct heap_counts counts;
};

static inline uint32_t model_window(const struct model *m)
{
	return (uint32_t)(m->now_ms / 1000);
}

static inline void model_grow(struct model *m, uint32_t stack, uint32_t domain, uint64_t bytes)
{
	m->site[stack].live_bytes += bytes;
	m->site[stack].live_blocks++;
	m->domain[domain].bytes += bytes;
	m->domain[domain].blocks++;
	m->all.bytes += bytes;
	m->all.blocks++;
	if (m->all.bytes <= m->peak.bytes)
		return;
	m->peak = m->all;
	m->peak_ms = m->now_ms;
	for (int i = 0; i < MODEL_STACKS; i++)
		m->at_peak.live[i] = (struct model_figures){m->site[i].live_bytes,
							    m->site[i].live_blocks};
}

static inline void model_allocated(struct model *m, uint32_t stack, uint32_t domain,
				   uint64_t bytes)
{
	m->counts.allocations++;
	m->site[stack].total_bytes += bytes;
	m->site[stack].total_blocks++;
	model_grow(m, stack, domain, bytes);
}

static inline void model_freed_by(struct model *m, uint32_t stack, uint32_t by, uint32_t flags,
				  uint64_t bytes, uint64_t blocks)
{
	struct profile_freed *sum = &m->frees[stack][by];

	sum->bytes += bytes;
	sum->blocks += blocks;
	sum->gc_bytes += flags & F_GC ? bytes : 0;
	sum->gc_blocks += flags & F_GC ? blocks : 0;
	sum->moved_bytes += flags & F_REALLOC ? bytes : 0;
	sum->moved_blocks += flags & F_REALLOC ? blocks : 0;
}

static inline void model_freed_bytes(struct model *m, uint32_t stack, uint32_t domain,
				     uint64_t bytes, uint64_t blocks, bool in_gc)
{
	m->counts.frees += blocks;
	m->site[stack].freed_bytes += bytes;
	m->site[stack].freed_blocks += blocks;
	m->site[stack].gc_freed_bytes += in_gc ? bytes : 0;
	m->site[stack].gc_freed_blocks += in_gc ? blocks : 0;
	model_freed_by(m, stack, m->by, m->flags, bytes, blocks);
	m->site[stack].live_bytes -= bytes;
	m->site[stack].live_blocks -= blocks;
	m->domain[domain].bytes -= bytes;
	m->domain[domain].blocks -= blocks;
	m->all.bytes -= bytes;
	m->all.blocks -= blocks;
}

static inline int model_arena_of(const struct model *m, uint64_t address)
{
	for (size_t i = 0; i < m->arena_count; i++) {
		if (address >= m->arenas[i].address &&
		    address < m->arenas[i].address + m->arenas[i].bytes)
			return (int)i;
	}
	return -1;
}

/* The block that takes up this address; -1: none. */
static inline int model_find(const struct model *m, uint64_t address)
{
	bool pooled = model_arena_of(m, address) >= 0;

	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *b = &m->blocks[i];
		if (pooled != (b->room != 0))
			continue;
		if (pooled ? address >= b->start && address < b->start + b->room
			   : address == b->address)
			return (int)i;
	}
	return -1;
}

/* The count of blocks that were freed at this age; NULL: in the window of their birth. */
static inline uint32_t *model_age(struct model *m, uint32_t stack, uint32_t window)
{
	uint64_t seconds = (m->now_ms - window * 1000ULL) / 1000;
	unsigned age = 0;

	if (window == model_window(m))
		return NULL;
	while (age + 1 < LIFETIMES_AGES && seconds >= 2ULL << age)
		age++;
	return &m->ages[stack][age];
}

static inline void model_aged(struct model *m, uint32_t stack, uint32_t window)
{
	uint32_t *count = model_age(m, stack, window);

	if (count)
		++*count;
}

static inline struct model_block model_take(struct model *m, int at, bool in_gc)
{
	struct model_block block = m->blocks[at];

	m->blocks[at] = m->blocks[--m->block_count];
	model_freed_bytes(m, block.stack, block.domain, block.bytes, 1, in_gc);
	model_aged(m, block.stack, block.window);
	return block;
}

static inline void model_put(struct model *m, struct model_block block)
{
	int old = model_find(m, block.room ? block.start : block.address);

	if (old >= 0) {
		model_take(m, old, false);
		m->counts.replaced++;
	}
	m->blocks[m->block_count++] = block;
}

static inline struct model_pool *model_pool(struct model *m, uint64_t address)
{
	for (size_t i = 0; i < m->pool_count; i++) {
		if (m->pools[i].address == address)
			return &m->pools[i];
	}
	m->pools[m->pool_count] = (struct model_pool){.address = address};
	return &m->pools[m->pool_count++];
}

/* Completes a block of an arena with its place; false: it can't be there. */
static inline bool model_place(struct model *m, struct model_block *block, uint32_t class)
{
	int arena = model_arena_of(m, block->address);
	uint64_t pool_start = block->address / m->pool_bytes * m->pool_bytes;
	uint64_t first = pool_start + 48, end = pool_start + m->pool_bytes;

	if (pool_start < m->arenas[arena].address ||
	    end > m->arenas[arena].address + m->arenas[arena].bytes || block->address < first)
		return false;
	struct model_pool *pool = model_pool(m, pool_start);
	if (class == STREAM_CLASS_KEPT)
		class = pool->class;
	if (class < 1 || class > 32)
		return false;
	block->room = class * 16;
	block->start = first + (block->address - first) / block->room * block->room;
	block->class = class;
	if (block->address - block->start != 0 && block->address - block->start != 16)
		return false;
	if (block->start + block->room > end || block->bytes > block->room)
		return false;
	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *b = &m->blocks[i];
		if (b->room && b->start / m->pool_bytes * m->pool_bytes == pool_start &&
		    b->class != class)
			return false;
	}
	pool->class = class;
	return true;
}

static inline void model_alloc(struct model *m, const struct record *r)
{
	bool small = record_kind(r) == R_SMALL_MEM || record_kind(r) == R_SMALL_OBJECT;
	struct model_block block = {
		.address = record_a(r),
		.bytes = small ? record_high(r) & 0xffff : record_high(r),
		.stack = record_low(r),
		.window = model_window(m),
	};

	if (!small && block.bytes == STREAM_SIZE_WIDE)
		stream_payload(r, 8, &block.bytes);
	switch (record_kind(r)) {
	case R_ALLOC_MALLOC:
		block.domain = DOMAIN_MALLOC;
		break;
	case R_ALLOC_MEM:
	case R_SMALL_MEM:
		block.domain = DOMAIN_MEM;
		break;
	default:
		block.domain = DOMAIN_OBJECT;
		break;
	}
	if (model_arena_of(m, block.address) >= 0 &&
	    (!small || !model_place(m, &block, record_high(r) >> 16 & 0xff))) {
		m->misplaced++;
		return;
	}
	model_put(m, block);
	model_allocated(m, block.stack, block.domain, block.bytes);
}

static inline void model_free(struct model *m, const struct record *r)
{
	uint32_t flags = record_high(r) & 0xff;
	int at = model_find(m, record_a(r));
	struct model_freed freed = {
		.named = record_a(r),
		.known = at >= 0,
		.in_gc = (flags & F_GC) != 0,
		.by = record_low(r),
	};

	m->by = freed.by;
	m->flags = flags;
	if (at >= 0)
		freed.block = model_take(m, at, freed.in_gc);
	else
		m->counts.unknown_frees++;
	m->by = m->flags = 0;
	if (flags & F_REALLOC)
		m->freed[r->body >> 40] = freed;
}

static inline void model_restore(struct model *m, const struct record *r)
{
	struct model_freed *freed = r->body < MODEL_SLOTS ? &m->freed[r->body] : NULL;

	if (!freed || freed->named != record_a(r) || freed->named == 0)
		return;
	struct model_block block = freed->block;
	freed->named = 0;
	if (!freed->known) {
		m->counts.unknown_frees--;
		return;
	}
	if (block.room && model_arena_of(m, block.address) < 0)
		return; /* its arena has gone meanwhile */
	if (model_arena_of(m, block.address) >= 0 &&
	    (!block.room || !model_place(m, &block, block.class))) {
		m->misplaced++;
		return;
	}
	uint32_t *age = model_age(m, block.stack, block.window);

	if (age && *age)
		--*age;
	model_put(m, block);
	m->counts.frees--;
	m->site[block.stack].freed_bytes -= block.bytes;
	m->site[block.stack].freed_blocks--;
	m->site[block.stack].gc_freed_bytes -= freed->in_gc ? block.bytes : 0;
	m->site[block.stack].gc_freed_blocks -= freed->in_gc;
	model_freed_by(m, block.stack, freed->by, F_REALLOC | (freed->in_gc ? F_GC : 0),
		       -block.bytes, -1ULL);
	model_grow(m, block.stack, block.domain, block.bytes);
}

static inline void model_unmap(struct model *m, uint64_t address, uint64_t bytes)
{
	uint64_t gone[MODEL_MAPPINGS] = {0};

	for (uint64_t at = address; at < address + bytes; at += 4096) {
		uint64_t page = (at - MODEL_BASE) / 4096;
		if (at < MODEL_BASE || page >= MODEL_PAGES)
			continue;
		gone[m->page_owner[page]]++;
		m->page_owner[page] = 0;
	}
	for (size_t i = 1; i <= m->mapping_count; i++) {
		if (!gone[i])
			continue;
		m->mappings[i].pages_left -= gone[i];
		if (m->mappings[i].anonymous && m->mappings[i].pages_left == 0)
			model_aged(m, m->mappings[i].stack, m->mappings[i].window);
		if (m->mappings[i].anonymous)
			model_freed_bytes(m, m->mappings[i].stack, DOMAIN_MAPPING,
					  gone[i] * 4096, m->mappings[i].pages_left == 0,
					  false);
	}
}

static inline void model_map(struct model *m, uint64_t address, uint64_t bytes, uint32_t stack,
			     bool anonymous)
{
	size_t id = m->mapping_count + 1;

	model_unmap(m, address, bytes);
	m->mapping_count = id;
	m->mappings[id].stack = stack;
	m->mappings[id].window = model_window(m);
	m->mappings[id].anonymous = anonymous;
	m->mappings[id].pages_left = bytes / 4096;
	for (uint64_t at = address; at < address + bytes; at += 4096)
		m->page_owner[(at - MODEL_BASE) / 4096] = (uint16_t)id;
	if (anonymous)
		model_allocated(m, stack, DOMAIN_MAPPING, bytes);
}

static inline void model_arena(struct model *m, uint64_t address, uint64_t bytes,
			       uint32_t stack)
{
	bool fits = m->pool_bytes == 4096 ? bytes == 256 << 10 : bytes == 1 << 20;

	for (size_t i = 0; i < m->arena_count; i++) {
		if (address < m->arenas[i].address + m->arenas[i].bytes &&
		    m->arenas[i].address < address + bytes)
			fits = false;
	}
	if (!fits) {
		model_map(m, address, bytes, stack, true);
		return;
	}
	m->arenas[m->arena_count].address = address;
	m->arenas[m->arena_count++].bytes = bytes;
	if (m->most_arenas < m->arena_count)
		m->most_arenas = m->arena_count;
}

static inline void model_arena_free(struct model *m, uint64_t address, uint64_t bytes)
{
	int at = model_arena_of(m, address);

	if (at < 0 || m->arenas[at].address != address) {
		model_unmap(m, address, bytes);
		return;
	}
	uint64_t end = address + m->arenas[at].bytes;
	for (int i = (int)m->block_count - 1; i >= 0; i--) {
		if (m->blocks[i].room && m->blocks[i].start >= address &&
		    m->blocks[i].start < end)
			model_take(m, i, false);
	}
	for (size_t i = 0; i < m->pool_count; i++) {
		if (m->pools[i].address >= address && m->pools[i].address < end)
			m->pools[i].class = 0;
	}
	m->arenas[at] = m->arenas[--m->arena_count];
}

static inline void model_retag(struct model *m, const struct record *r)
{
	int at = model_find(m, record_a(r));

	if (at < 0) {
		m->counts.unknown_retags++;
		return;
	}
	struct model_block *block = &m->blocks[at];
	model_freed_bytes(m, block->stack, block->domain, block->bytes, 1, false);
	model_aged(m, block->stack, block->window);
	model_allocated(m, record_low(r), block->domain, block->bytes);
	block->stack = record_low(r);
	block->window = model_window(m);
	m->counts.retags++;
}

static inline void model_temporary(struct model *m, const struct record *r)
{
	struct site *site = &m->site[record_a(r)];
	uint64_t bytes = r->body & 0xffffffffff, pairs = r->body >> 40;
	uint32_t by[2] = {0};

	if (record_kind(r) == R_TEMP_BY)
		stream_payload(r, sizeof(by), by);
	model_freed_by(m, (uint32_t)record_a(r), by[0], by[1], bytes, pairs);
	site->total_bytes += bytes;
	site->freed_bytes += bytes;
	site->temporary_bytes += bytes;
	site->total_blocks += pairs;
	site->freed_blocks += pairs;
	site->temporary_blocks += pairs;
	m->counts.allocations += pairs;
	m->counts.frees += pairs;
	m->counts.cancelled_pairs += pairs;
}

static inline void model_mark(struct model *m)
{
	struct model_snapshot *now = &m->at_mark[m->mark_count++];

	for (int i = 0; i < MODEL_STACKS; i++)
		now->live[i] = (struct model_figures){m->site[i].live_bytes,
						      m->site[i].live_blocks};
}

static inline void model_apply(struct model *m, const struct record *r)
{
	switch (record_kind(r)) {
	case R_ALLOC_MALLOC:
	case R_ALLOC_MEM:
	case R_ALLOC_OBJECT:
	case R_SMALL_MEM:
	case R_SMALL_OBJECT:
		model_alloc(m, r);
		break;
	case R_FREE:
		model_free(m, r);
		break;
	case R_RESTORE:
		model_restore(m, r);
		break;
	case R_RETAG:
		model_retag(m, r);
		break;
	case R_TEMP:
	case R_TEMP_BY:
		model_temporary(m, r);
		break;
	case R_MAP_ANON:
	case R_MAP_FILE:
		model_map(m, record_a(r), record_high(r) * 4096ull, record_low(r),
			  record_kind(r) == R_MAP_ANON);
		break;
	case R_UNMAP:
		m->by = record_low(r);
		model_unmap(m, record_a(r), record_high(r) * 4096ull);
		m->by = 0;
		break;
	case R_ARENA:
		model_arena(m, record_a(r), record_high(r), record_low(r));
		break;
	case R_ARENA_FREE:
		model_arena_free(m, record_a(r), record_high(r));
		break;
	case R_MARK:
		model_mark(m);
		break;
	case R_TICK:
		if (record_a(r) > m->now_ms)
			m->now_ms = record_a(r);
		break;
	default:
		break;
	}
}

#endif
