#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "block_walk.h"
#include "mem.h"
#include "pins.h"
#include "profile.h"

/* Blocks from one beat to the next: some milliseconds. */
enum { BEAT_BLOCKS = 1 << 16 };

static void init_sections(struct section_write *sections)
{
	section_write_init(&sections[SNAPSHOT_MAPPINGS], "MAPS",
			   sizeof(struct profile_mapping));
	section_write_init(&sections[SNAPSHOT_ARENAS], "ARNA", sizeof(struct profile_arena));
	section_write_init(&sections[SNAPSHOT_POOLS], "POOL", sizeof(struct profile_pool));
	section_write_init(&sections[SNAPSHOT_PINS], "PINS", sizeof(struct profile_pin));
	section_write_init(&sections[SNAPSHOT_LIFETIMES], "LIFE",
			   sizeof(struct profile_lifetime));
	section_write_init(&sections[SNAPSHOT_ADDRESSES], "BLKA", 1);
	section_write_init(&sections[SNAPSHOT_SIZES], "BLKZ", 1);
	section_write_init(&sections[SNAPSHOT_STACKS], "BLKS", sizeof(uint32_t));
	section_write_init(&sections[SNAPSHOT_WINDOWS], "BLKW", sizeof(uint16_t));
}

static void put_mappings(struct section_write *section, const struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct profile_mapping item = {.address = mapping->address,
					       .bytes = mapping->bytes,
					       .stack = mapping->stack,
					       .window = mapping->window,
					       .anonymous = mapping->anonymous};

		section_write_add(section, &item, sizeof(item));
	}
}

static void put_pools(struct section_write *section, const struct arena *arena)
{
	for (size_t i = 0; i < arena->pool_count; i++) {
		const struct pool *pool = arena->pools[i];
		struct profile_pool item;

		if (!pool || !pool->live)
			continue;
		item = (struct profile_pool){pool->address, pool->class, pool->live};
		section_write_add(section, &item, sizeof(item));
	}
}

static void put_arenas(struct section_write *sections, const struct block_walk *walk)
{
	for (size_t i = 0; i < walk->arena_count; i++) {
		const struct arena *arena = walk->arenas[i];
		struct profile_arena item = {arena->address,
					     arena->bytes,
					     arena->live_bytes,
					     arena->live_blocks,
					     arena->stack,
					     arena->window,
					     0};

		section_write_add(&sections[SNAPSHOT_ARENAS], &item, sizeof(item));
		put_pools(&sections[SNAPSHOT_POOLS], arena);
	}
}

/* The arena whose blocks the walk has been through. */
static void put_pins(struct section_write *section, struct pins *pins, uint32_t arena)
{
	pins_sort_by_stack(pins);
	for (size_t i = 0; i < pins->count; i++) {
		const struct pin *pin = &pins->items[i];
		struct profile_pin item = {
			.arena = arena,
			.stack = pin->stack,
			.blocks = pin->blocks,
			.block_bytes = pin->block_bytes,
			.bytes = pin->bytes,
			.oldest = (uint16_t)pin->oldest,
			.newest = (uint16_t)pin->newest,
		};

		section_write_add(section, &item, sizeof(item));
	}
	pins_clear(pins);
}

/* The pins of the arenas that a walk goes through, one arena after the other. */
struct pinning {
	struct section_write *section;
	struct pins pins;
	uint32_t arena; /* of which `pins` are */
};

static void pinning_add(struct pinning *pinning, const struct walked_block *block)
{
	if (block->arena == BLOCK_WALK_NO_ARENA)
		return;
	if (block->arena != pinning->arena) {
		put_pins(pinning->section, &pinning->pins, pinning->arena);
		pinning->arena = block->arena;
	}
	pins_add(&pinning->pins, block->stack, block->block_bytes, (uint32_t)block->bytes,
		 block->window);
}

static void pinning_end(struct pinning *pinning)
{
	put_pins(pinning->section, &pinning->pins, pinning->arena);
	pins_release(&pinning->pins);
}

/* The live blocks of each stack by their age. */
struct ages {
	uint8_t of_window[WINDOW_LIMIT];
	struct lifetimes live;
};

static void ages_init(struct ages *ages, const struct windows *windows)
{
	*ages = (struct ages){0};
	for (size_t i = 0; i < windows->count; i++)
		ages->of_window[i] =
			(uint8_t)lifetimes_age(windows->now_ms - windows->items[i].start_ms);
}

static void ages_add(struct ages *ages, uint32_t stack, uint32_t window)
{
	lifetimes_of(&ages->live, stack)->blocks[ages->of_window[window]]++;
}

static void ages_add_mappings(struct ages *ages, const struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->count; i++)
		if (mappings->items[i].anonymous)
			ages_add(ages, mappings->items[i].stack, mappings->items[i].window);
}

/* NULL: there are no blocks of this stack. */
static const struct lifetime *ages_of(const struct lifetimes *lifetimes, size_t stack)
{
	static const struct lifetime none;
	const struct lifetime *lifetime = &none;

	if (stack < lifetimes->count)
		lifetime = &lifetimes->by_stack[stack];
	return memcmp(lifetime, &none, sizeof(none)) ? lifetime : NULL;
}

static void put_lifetimes(struct section_write *section, const struct heap *heap,
			  const struct lifetimes *live)
{
	for (size_t i = 0; i < heap->sites.count; i++) {
		const struct lifetime *freed = ages_of(&heap->lifetimes, i);
		const struct lifetime *left = ages_of(live, i);
		struct profile_lifetime item = {
			.stack = (uint32_t)i,
			.freed_blocks = heap->sites.site[i].freed_blocks,
		};

		if (!freed && !left)
			continue;
		if (freed)
			memcpy(item.freed, freed->blocks, sizeof(item.freed));
		if (left)
			memcpy(item.live, left->blocks, sizeof(item.live));
		section_write_add(section, &item, sizeof(item));
	}
}

/* All columns side by side: one walk over a cold heap is enough for them. */
static uint64_t put_blocks(struct section_write *sections, struct block_walk *walk,
			   struct ages *ages, const struct pulse *pulse)
{
	struct pinning pinning = {.section = &sections[SNAPSHOT_PINS]};
	struct walked_block block;
	uint64_t count = 0, last = 0;

	for (; block_walk_next(walk, &block); count++) {
		uint16_t window = (uint16_t)(block.window | (unsigned int)block.domain << 14);

		if (count % BEAT_BLOCKS == 0)
			pulse_beat(pulse);
		section_write_varint(&sections[SNAPSHOT_ADDRESSES], block.address / 8 - last);
		section_write_varint(&sections[SNAPSHOT_SIZES], block.bytes);
		section_write_add(&sections[SNAPSHOT_STACKS], &block.stack,
				  sizeof(block.stack));
		section_write_add(&sections[SNAPSHOT_WINDOWS], &window, sizeof(window));
		last = block.address / 8;
		pinning_add(&pinning, &block);
		ages_add(ages, block.stack, block.window);
	}
	pinning_end(&pinning);
	return count;
}

static void take_figures(struct snapshot *snapshot, const struct heap *heap)
{
	const struct sites *sites = &heap->sites;

	snapshot->live = (struct live_figures){sites->live_bytes, sites->live_blocks};
	memcpy(snapshot->domain_bytes, heap->domain_bytes, sizeof(snapshot->domain_bytes));
	memcpy(snapshot->domain_blocks, heap->domain_blocks, sizeof(snapshot->domain_blocks));
	snapshot->arena_bytes = heap->arenas.arena_bytes;
	snapshot->arena_count = heap->arenas.live_arenas;
	snapshot->site_count = sites->count;
	snapshot->by_stack = mem_alloc(sites->count * sizeof(*snapshot->by_stack));
	for (size_t i = 0; i < sites->count; i++)
		snapshot->by_stack[i] = (struct live_figures){sites->site[i].live_bytes,
							      sites->site[i].live_blocks};
}

static int finish_sections(struct snapshot *snapshot, struct err *err)
{
	for (size_t i = 0; i < SNAPSHOT_SECTIONS; i++)
		if (section_write_finish(&snapshot->sections[i], err))
			return -1;
	return 0;
}

static void put_aside(struct section_write *sections, const char *path)
{
	for (size_t i = SNAPSHOT_ADDRESSES; i <= SNAPSHOT_WINDOWS; i++)
		section_write_spill(&sections[i], path);
}

/*
 * Compressing takes some memory for each section: those that are whole need it no more. What
 * goes wrong here is told when all are finished.
 */
static void finish_first(struct section_write *sections)
{
	for (size_t i = SNAPSHOT_MAPPINGS; i <= SNAPSHOT_POOLS; i++)
		section_write_finish(&sections[i], NULL);
}

int snapshot_take(const struct heap *heap, const struct pulse *pulse, const char *aside,
		  struct snapshot *ret_snapshot, struct err *err)
{
	struct block_walk walk;
	struct ages ages;

	*ret_snapshot = (struct snapshot){0};
	pulse_beat(pulse);
	block_walk_init(&walk, heap);
	init_sections(ret_snapshot->sections);
	if (aside)
		put_aside(ret_snapshot->sections, aside);
	put_mappings(&ret_snapshot->sections[SNAPSHOT_MAPPINGS], &heap->mappings);
	put_arenas(ret_snapshot->sections, &walk);
	finish_first(ret_snapshot->sections);
	ages_init(&ages, &heap->windows);
	ages_add_mappings(&ages, &heap->mappings);
	ret_snapshot->block_count = put_blocks(ret_snapshot->sections, &walk, &ages, pulse);
	put_lifetimes(&ret_snapshot->sections[SNAPSHOT_LIFETIMES], heap, &ages.live);
	lifetimes_release(&ages.live);
	block_walk_release(&walk);
	take_figures(ret_snapshot, heap);
	pulse_beat(pulse);
	if (finish_sections(ret_snapshot, err) == 0)
		return 0;
	snapshot_release(ret_snapshot);
	return -1;
}

void snapshot_release(struct snapshot *snapshot)
{
	for (size_t i = 0; i < SNAPSHOT_SECTIONS; i++)
		section_write_release(&snapshot->sections[i]);
	free(snapshot->by_stack);
	*snapshot = (struct snapshot){0};
}

struct live_figures snapshot_live(const struct snapshot *snapshot, uint32_t stack)
{
	return stack < snapshot->site_count ? snapshot->by_stack[stack]
					    : (struct live_figures){0};
}
