#include "arenas.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "../collector/u64map.h"

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

static uint64_t at_least(uint64_t value, uint64_t limit)
{
	return value > limit ? value : limit;
}

/* The mark that the figures of the end belong to; SIZE_MAX: none, but the last record. */
static size_t end_mark(const struct profile *profile)
{
	if (!(profile->run.flags & PROFILE_AT_END))
		return SIZE_MAX;
	for (size_t i = profile->mark_count; i-- > 0;)
		if (profile->marks[i].figures.origin == MARK_TRACER &&
		    strcmp(profile_text(profile, profile->marks[i].base), "end") == 0)
			return i;
	return SIZE_MAX;
}

bool arenas_exact(const struct profile *profile, const struct moment *moment)
{
	return moment->kind == MOMENT_LAST ||
	       (moment->kind == MOMENT_MARK && moment->mark == end_mark(profile));
}

/* Holders and others together are all live blocks; what can't be so is made so. */
static void settle_arena(struct arenas *arenas, struct held_arena *arena)
{
	uint64_t blocks = 0, block_bytes = 0;
	for (size_t i = 0; i < arena->holder_count; i++) {
		blocks += arenas->holders[arena->holder_start + i].blocks;
		block_bytes += arenas->holders[arena->holder_start + i].block_bytes;
	}
	arena->live_blocks = at_least(arena->live_blocks, blocks);
	arena->other_blocks = arena->live_blocks - blocks;
	arena->other_block_bytes = at_least(arena->block_bytes, block_bytes) - block_bytes;
	arena->block_bytes = at_most(at_least(arena->block_bytes, block_bytes), arena->bytes);
	arena->header_bytes = at_most((uint64_t)arena->pools * ARENAS_POOL_HEADER_BYTES,
				      arena->bytes - arena->block_bytes);
	arena->free_bytes = arena->bytes - arena->block_bytes - arena->header_bytes;
}

static void settle(struct arenas *arenas)
{
	for (size_t i = 0; i < arenas->count; i++) {
		struct held_arena *arena = &arenas->items[i];
		settle_arena(arenas, arena);
		arenas->bytes += arena->bytes;
		arenas->live_blocks += arena->live_blocks;
		arenas->live_bytes += arena->live_bytes;
		arenas->block_bytes += arena->block_bytes;
		arenas->header_bytes += arena->header_bytes;
		arenas->free_bytes += arena->free_bytes;
	}
	arenas->holders_known = arenas->holder_count || !arenas->live_blocks;
}

static void add_pools(const struct profile *profile, struct arenas *arenas)
{
	size_t at = 0;
	for (size_t i = 0; i < profile->pool_count; i++) {
		const struct profile_pool *pool = &profile->pools[i];
		while (at < arenas->count &&
		       arenas->items[at].address + arenas->items[at].bytes <= pool->address)
			at++;
		if (at == arenas->count)
			return;
		struct held_arena *arena = &arenas->items[at];
		if (pool->address < arena->address || pool->class > ARENAS_CLASSES)
			continue;
		arena->pools++;
		arena->block_bytes += (uint64_t)pool->live_blocks *
				      arenas_class_bytes(pool->class);
		arenas->classes[pool->class].pools++;
		arenas->classes[pool->class].blocks += pool->live_blocks;
	}
}

static void add_pins(const struct profile *profile, struct arenas *arenas)
{
	for (size_t i = 0; i < profile->pin_count; i++)
		arenas->items[profile->pins[i].arena].holder_count++;
	size_t start = 0;
	for (size_t i = 0; i < arenas->count; i++) {
		arenas->items[i].holder_start = start;
		start += arenas->items[i].holder_count;
		arenas->items[i].holder_count = 0;
	}
	arenas->holders = mem_alloc(profile->pin_count * sizeof arenas->holders[0]);
	arenas->holder_count = profile->pin_count;
	for (size_t i = 0; i < profile->pin_count; i++) {
		const struct profile_pin *pin = &profile->pins[i];
		struct held_arena *arena = &arenas->items[pin->arena];
		arenas->holders[arena->holder_start + arena->holder_count++] =
			(struct arena_holder){
				.stack = pin->stack,
				.blocks = pin->blocks,
				.block_bytes = pin->block_bytes,
				.bytes = pin->bytes,
				.oldest = pin->oldest,
				.newest = pin->newest,
			};
	}
}

static void take_end(const struct profile *profile, struct arenas *arenas)
{
	arenas->known = profile->arena_count || !profile->run.arena_count;
	arenas->requested_known = true;
	arenas->count = profile->arena_count;
	arenas->items = mem_alloc(arenas->count * sizeof arenas->items[0]);
	for (size_t i = 0; i < arenas->count; i++)
		arenas->items[i] = (struct held_arena){
			.address = profile->arenas[i].address,
			.bytes = profile->arenas[i].bytes,
			.live_bytes = profile->arenas[i].live_bytes,
			.live_blocks = profile->arenas[i].live_blocks,
			.window = profile->arenas[i].window,
		};
	add_pools(profile, arenas);
	if (arenas->count)
		add_pins(profile, arenas);
}

/* Each arena's newest summary up to a mark; or those of the peak. Values are index + 1. */
static void newest_summaries(const struct profile *profile, uint32_t mark,
			     struct u64map *newest)
{
	u64map_init(newest);
	for (size_t i = 0; i < profile->arena_mark_count; i++) {
		const struct profile_arena_mark *item = &profile->arena_marks[i];
		const bool counts = mark == PROFILE_PEAK ? item->mark == PROFILE_PEAK
							 : item->mark <= mark;
		if (!counts || !item->address)
			continue;
		if (item->bytes)
			*u64map_put(newest, item->address) = i + 1;
		else
			u64map_remove(newest, item->address, NULL);
	}
}

static size_t named_holders(const struct profile_arena_mark *item)
{
	return item->holder_count < PROFILE_MARK_HOLDERS ? item->holder_count
							 : PROFILE_MARK_HOLDERS;
}

static struct held_arena add_summary(const struct profile *profile,
				     const struct profile_arena_mark *item,
				     struct arenas *arenas)
{
	const size_t start = arenas->holder_count;
	for (size_t i = 0; i < named_holders(item); i++) {
		const struct profile_holder *holder =
			&profile->holders[(size_t)item->holder_start + i];
		arenas->holders[arenas->holder_count++] = (struct arena_holder){
			.stack = holder->stack,
			.blocks = holder->blocks,
			.block_bytes = holder->block_bytes,
			.oldest = holder->oldest,
			.newest = holder->newest,
		};
	}
	return (struct held_arena){
		.address = item->address,
		.bytes = item->bytes,
		.live_bytes = item->live_bytes,
		.block_bytes = item->block_bytes,
		.live_blocks = item->live_blocks,
		.pools = item->pools,
		.window = ARENAS_NO_WINDOW,
		.other_stacks = item->other_stacks,
		.holder_start = start,
		.holder_count = arenas->holder_count - start,
	};
}

static int compare_addresses(const void *left, const void *right)
{
	const struct held_arena *a = left, *b = right;
	return (a->address > b->address) - (a->address < b->address);
}

static void add_summaries(const struct profile *profile, const struct u64map *newest,
			  struct arenas *arenas)
{
	size_t holders = 0;
	for (size_t i = 0; i < newest->capacity; i++)
		if (newest->slots[i].key)
			holders +=
				profile->arena_marks[newest->slots[i].value - 1].holder_count;
	arenas->items = mem_alloc(newest->count * sizeof arenas->items[0]);
	arenas->holders = mem_alloc(holders * sizeof arenas->holders[0]);
	for (size_t i = 0; i < newest->capacity; i++)
		if (newest->slots[i].key)
			arenas->items[arenas->count++] = add_summary(
				profile, &profile->arena_marks[newest->slots[i].value - 1],
				arenas);
	if (arenas->count)
		qsort(arenas->items, arenas->count, sizeof arenas->items[0], compare_addresses);
}

static void take_summaries(const struct profile *profile, uint32_t mark, uint64_t expected,
			   struct arenas *arenas)
{
	struct u64map newest;
	newest_summaries(profile, mark, &newest);
	add_summaries(profile, &newest, arenas);
	u64map_release(&newest);
	for (size_t i = 0; i < profile->mark_class_count; i++) {
		const struct profile_mark_class *item = &profile->mark_classes[i];
		if (item->mark != mark || item->class > ARENAS_CLASSES)
			continue;
		arenas->classes[item->class].pools += item->pools;
		arenas->classes[item->class].blocks += item->blocks;
	}
	arenas->known = arenas->count || !expected;
}

void arenas_at(const struct profile *profile, const struct moment *moment,
	       struct arenas *ret_arenas)
{
	struct arenas arenas = {.known = true, .pool_bytes = profile->run.pool_bytes};
	if (arenas_exact(profile, moment))
		take_end(profile, &arenas);
	else if (moment->kind == MOMENT_MARK)
		take_summaries(profile, (uint32_t)moment->mark,
			       profile->marks[moment->mark].arena_count, &arenas);
	else if (moment->kind == MOMENT_POINT)
		arenas.known = profile->points[moment->point].arena_bytes == 0;
	settle(&arenas);
	*ret_arenas = arenas;
}

void arenas_at_peak(const struct profile *profile, struct arenas *ret_arenas)
{
	struct arenas arenas = {.pool_bytes = profile->run.pool_bytes};
	take_summaries(profile, PROFILE_PEAK, profile->run.most_arenas, &arenas);
	settle(&arenas);
	*ret_arenas = arenas;
}

void arenas_release(struct arenas *arenas)
{
	free(arenas->items);
	free(arenas->holders);
	*arenas = (struct arenas){.known = false};
}
