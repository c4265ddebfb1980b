/*
 * census_model.h - all arenas of heap_model.h at one moment, summed up by going through all of
 * its blocks for each: what the heap tells at marks, at the peak and in pins.
 */
#ifndef MEMTRACE_TEST_CENSUS_MODEL_H
#define MEMTRACE_TEST_CENSUS_MODEL_H

#include "../../collector/summary.h"
#include "heap_model.h"

struct model_arena {
	struct arena_summary summary;
	struct profile_pin pins[MODEL_STACKS]; /* by stack; no blocks: none */
};

struct model_census {
	struct model_arena arenas[MODEL_ARENAS]; /* ascending by address */
	size_t count;
	struct class_summary classes[POOL_CLASSES + 1];
};

static inline void model_pin(struct profile_pin *pin, const struct model_block *b)
{
	if (!pin->blocks || b->window < pin->oldest)
		pin->oldest = (uint16_t)b->window;
	if (!pin->blocks || b->window > pin->newest)
		pin->newest = (uint16_t)b->window;
	pin->stack = b->stack;
	pin->blocks++;
	pin->block_bytes += b->class * 16;
	pin->bytes += (uint32_t)b->bytes;
}

/* True for one block of each pool. */
static inline bool first_of_pool(const struct model *m, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (m->blocks[i].room &&
		    m->blocks[i].start / m->pool_bytes == m->blocks[at].start / m->pool_bytes)
			return false;
	return true;
}

/* The stack with most blocks that isn't among the holders yet; -1: none. */
static inline int next_holder(const struct model_arena *arena, const bool *taken)
{
	int best = -1;

	for (int i = 0; i < MODEL_STACKS; i++)
		if (arena->pins[i].blocks && !taken[i] &&
		    (best < 0 || arena->pins[i].blocks > arena->pins[best].blocks))
			best = i;
	return best;
}

static inline void model_holders(struct model_arena *arena)
{
	bool taken[MODEL_STACKS] = {false};
	int at;

	while ((at = next_holder(arena, taken)) >= 0) {
		const struct profile_pin *pin = &arena->pins[at];

		taken[at] = true;
		if (arena->summary.holder_count == 8) {
			arena->summary.other_stacks++;
			continue;
		}
		arena->summary.holders[arena->summary.holder_count++] = (struct profile_holder){
			pin->stack, pin->blocks, pin->block_bytes, pin->oldest, pin->newest};
	}
}

static inline void model_look(const struct model *m, size_t index, struct model_census *census)
{
	struct model_arena *arena = &census->arenas[census->count++];

	memset(arena, 0, sizeof(*arena));
	arena->summary.address = m->arenas[index].address;
	arena->summary.bytes = m->arenas[index].bytes;
	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *b = &m->blocks[i];

		if (!b->room || model_arena_of(m, b->address) != (int)index)
			continue;
		model_pin(&arena->pins[b->stack], b);
		arena->summary.live_blocks++;
		arena->summary.live_bytes += b->bytes;
		arena->summary.block_bytes += b->class * 16;
		census->classes[b->class].blocks++;
		if (!first_of_pool(m, i))
			continue;
		arena->summary.pools++;
		census->classes[b->class].pools++;
	}
	model_holders(arena);
}

static inline void model_census(const struct model *m, struct model_census *census)
{
	uint64_t last = 0;

	memset(census->classes, 0, sizeof(census->classes));
	census->count = 0;
	for (size_t n = 0; n < m->arena_count; n++) {
		size_t next = SIZE_MAX;

		for (size_t i = 0; i < m->arena_count; i++)
			if (m->arenas[i].address > last &&
			    (next == SIZE_MAX ||
			     m->arenas[i].address < m->arenas[next].address))
				next = i;
		last = m->arenas[next].address;
		model_look(m, next, census);
	}
}

/* With so few arenas each that is one more makes a new peak, once another goes. */
static inline void model_peak(const struct model *m, struct model_census *peak)
{
	if (m->arena_count > peak->count)
		model_census(m, peak);
}

#endif
