#include "census.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* A new peak has so many parts more arenas than the last. */
enum { PEAK_PARTS = 32 };

/* Blocks from one beat to the next: some milliseconds. */
enum { BEAT_BLOCKS = 1 << 18 };

void census_init(struct census *census)
{
	*census = (struct census){0};
	pins_init(&census->pins);
}

void census_release(struct census *census)
{
	free(census->figures);
	free(census->gone);
	pins_release(&census->pins);
	summary_release(&census->peak);
	census_init(census);
}

static void add_pool(struct arena_figures *figures, const struct pool *pool, struct pins *pins)
{
	uint32_t block_bytes = pool_block_bytes(pool->class);

	for (uint32_t i = 0; i < pool->capacity; i++) {
		const struct block *block = &pool->blocks[i];

		if (block->live)
			pins_add(pins, block->stack, block_bytes, block->bytes, block->window);
	}
	figures->summary.pools++;
	figures->summary.block_bytes += (uint64_t)pool->live * block_bytes;
	figures->classes[pool->class].pools++;
	figures->classes[pool->class].blocks += pool->live;
}

static bool holds_more(const struct pin *pin, const struct profile_holder *holder)
{
	return pin->blocks != holder->blocks ? pin->blocks > holder->blocks
					     : pin->stack < holder->stack;
}

static void put_holder(struct arena_summary *summary, const struct pin *pin)
{
	uint32_t at = summary->holder_count, most = PROFILE_MARK_HOLDERS;

	while (at > 0 && holds_more(pin, &summary->holders[at - 1]))
		at--;
	if (at == most)
		return;
	if (summary->holder_count < most)
		summary->holder_count++;
	memmove(&summary->holders[at + 1], &summary->holders[at],
		(summary->holder_count - 1 - at) * sizeof(*summary->holders));
	summary->holders[at] = (struct profile_holder){
		.stack = pin->stack,
		.blocks = pin->blocks,
		.block_bytes = pin->block_bytes,
		.oldest = (uint16_t)pin->oldest,
		.newest = (uint16_t)pin->newest,
	};
}

static void look_at(const struct arena *arena, struct pins *pins,
		    struct arena_figures *ret_figures)
{
	struct arena_figures figures = {.summary = {.address = arena->address,
						    .bytes = arena->bytes,
						    .live_bytes = arena->live_bytes,
						    .live_blocks = arena->live_blocks}};

	for (uint32_t i = 0; arena->live_blocks && i < arena->pool_count; i++)
		if (arena->pools[i] && arena->pools[i]->live)
			add_pool(&figures, arena->pools[i], pins);
	for (size_t i = 0; i < pins->count; i++)
		put_holder(&figures.summary, &pins->items[i]);
	figures.summary.other_stacks = (uint32_t)pins->count - figures.summary.holder_count;
	pins_clear(pins);
	*ret_figures = figures;
}

/* Unsigned numbers wrap round: the way back is the same sum. */
static void add_classes(struct class_summary *sum, const struct class_summary *classes,
			uint32_t sign)
{
	for (size_t i = 1; i <= POOL_CLASSES; i++) {
		sum[i].pools += sign * classes[i].pools;
		sum[i].blocks += sign * classes[i].blocks;
	}
}

static void make_room(struct census *census, size_t count)
{
	size_t before = census->count;

	if (count <= before)
		return;
	census->figures = mem_grow(census->figures, &census->capacity, count,
				   sizeof(*census->figures));
	memset(&census->figures[before], 0, (count - before) * sizeof(*census->figures));
	census->count = count;
}

static void refresh(struct census *census, struct arena_map *map)
{
	uint64_t blocks = 0;

	make_room(census, map->arena_count);
	for (size_t i = 0; i < map->arena_count; i++) {
		struct arena *arena = &map->arenas[i];

		if (!arena->bytes || !arena->stale)
			continue;
		add_classes(census->classes, census->figures[i].classes, -1u);
		look_at(arena, &census->pins, &census->figures[i]);
		add_classes(census->classes, census->figures[i].classes, 1);
		arena->stale = false;
		arena->changed = true;
		blocks += arena->live_blocks;
		if (blocks < BEAT_BLOCKS)
			continue;
		pulse_beat(census->pulse);
		blocks = 0;
	}
}

/* An address, and the number of its arena entry. */
struct place {
	uint64_t address;
	size_t index;
};

static int by_address(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static struct place *sorted_places(const struct arena_map *map, bool changed_only,
				   size_t *ret_count)
{
	struct place *places = mem_alloc(map->live_arenas * sizeof(*places));
	size_t count = 0;

	for (size_t i = 0; i < map->arena_count; i++)
		if (map->arenas[i].bytes && (!changed_only || map->arenas[i].changed))
			places[count++] = (struct place){map->arenas[i].address, i};
	if (count)
		qsort(places, count, sizeof(*places), by_address);
	*ret_count = count;
	return places;
}

static void finish(struct summary_draft *draft, const struct arena_map *map,
		   const struct class_summary *classes, struct summary *ret_summary)
{
	struct summary summary = {.arena_bytes = map->arena_bytes,
				  .arena_count = map->live_arenas};

	memcpy(summary.classes, classes, sizeof(summary.classes));
	summary_draft_finish(draft, &summary);
	*ret_summary = summary;
}

static void take_peak(struct census *census, const struct arena_map *map)
{
	struct summary_draft draft;
	size_t count;
	struct place *places = sorted_places(map, false, &count);

	summary_draft_init(&draft);
	for (size_t i = 0; i < count; i++)
		summary_draft_put(&draft, &census->figures[places[i].index].summary);
	free(places);
	summary_release(&census->peak);
	finish(&draft, map, census->classes, &census->peak);
}

static void put_gone(struct summary_draft *draft, uint64_t address)
{
	summary_draft_put(draft, &(struct arena_summary){.address = address});
}

/* Where an arena went, another may have come. */
static void put_changes(struct census *census, const struct place *places, size_t count,
			struct summary_draft *draft)
{
	size_t gone = 0;

	for (size_t i = 0; i < count; i++) {
		for (; gone < census->gone_count && census->gone[gone] <= places[i].address;
		     gone++)
			if (census->gone[gone] != places[i].address)
				put_gone(draft, census->gone[gone]);
		summary_draft_put(draft, &census->figures[places[i].index].summary);
	}
	for (; gone < census->gone_count; gone++)
		put_gone(draft, census->gone[gone]);
}

void census_mark(struct census *census, struct arena_map *map, struct summary *ret_summary)
{
	struct summary_draft draft;
	size_t count;

	refresh(census, map);
	if (map->live_arenas > census->peak.arena_count)
		take_peak(census, map);
	struct place *places = sorted_places(map, true, &count);

	if (census->gone_count)
		qsort(census->gone, census->gone_count, sizeof(*census->gone), by_address);
	summary_draft_init(&draft);
	put_changes(census, places, count, &draft);
	for (size_t i = 0; i < count; i++) {
		map->arenas[places[i].index].changed = false;
		map->arenas[places[i].index].told = true;
	}
	census->gone_count = 0;
	free(places);
	finish(&draft, map, census->classes, ret_summary);
}

void census_arena_goes(struct census *census, struct arena_map *map, uint64_t address)
{
	const struct arena *arena = arena_map_at(map, address);
	uint64_t before = census->peak.arena_count;

	if (!arena)
		return;
	if (map->live_arenas > before + before / PEAK_PARTS) {
		refresh(census, map);
		take_peak(census, map);
	}
	size_t index = (size_t)(arena - map->arenas);

	if (index < census->count) {
		add_classes(census->classes, census->figures[index].classes, -1u);
		memset(&census->figures[index], 0, sizeof(census->figures[index]));
	}
	if (arena->told)
		census_put_gone(census, address);
}

void census_put_gone(struct census *census, uint64_t address)
{
	census->gone = mem_grow(census->gone, &census->gone_capacity, census->gone_count + 1,
				sizeof(*census->gone));
	census->gone[census->gone_count++] = address;
}

void census_put_back(struct census *census, struct arena_map *map, uint64_t address, bool stale,
		     bool changed, bool told)
{
	const struct arena *there = arena_map_at(map, address);

	if (!there)
		return;
	size_t index = (size_t)(there - map->arenas);
	struct arena *arena = &map->arenas[index];

	make_room(census, map->arena_count);
	arena->stale = stale;
	arena->changed = changed;
	arena->told = told;
	if (stale)
		return;
	look_at(arena, &census->pins, &census->figures[index]);
	add_classes(census->classes, census->figures[index].classes, 1);
}

bool census_peak(const struct census *census, const struct arena_map *map,
		 struct summary *ret_peak)
{
	struct class_summary classes[POOL_CLASSES + 1] = {0};
	struct arena_figures figures;
	struct summary_draft draft;
	struct pins pins;
	size_t count;

	if (map->live_arenas <= census->peak.arena_count)
		return false;
	struct place *places = sorted_places(map, false, &count);

	pins_init(&pins);
	summary_draft_init(&draft);
	for (size_t i = 0; i < count; i++) {
		look_at(&map->arenas[places[i].index], &pins, &figures);
		summary_draft_put(&draft, &figures.summary);
		add_classes(classes, figures.classes, 1);
	}
	pins_release(&pins);
	free(places);
	finish(&draft, map, classes, ret_peak);
	return true;
}
