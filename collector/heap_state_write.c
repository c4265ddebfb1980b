/*
 * heap_state_write.c - the layouts of the parts of a state. Numbers are varints but where the
 * code says otherwise; differences are zigzag.
 */
#include <string.h>

#include "state_writer.h"

/* Sites, blocks: so many a part, so that no part has to be large in memory. */
enum { ITEMS_A_PART = 4096 };

static void write_windows(struct state_writer *writer)
{
	const struct windows *windows = &writer->heap->windows;

	state_number(writer, windows->now_ms);
	state_number(writer, windows->count);
	for (size_t i = 0; i < windows->count; i++) {
		const struct window *window = &windows->items[i];

		state_numbers(writer,
			      (const uint64_t[]){window->start_ms, window->rss_bytes,
						 window->live_bytes, window->live_blocks,
						 window->arena_bytes},
			      5);
	}
	state_part(writer, STATE_WINDOWS);
}

static bool site_is_empty(const struct site *site)
{
	static const struct site none;

	return !memcmp(site, &none, sizeof(none));
}

/* A bit for each follower that has the stack on its list. */
static unsigned int followed_by(const struct sites *sites, const struct site *site)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; i < SITES_FOLLOWERS; i++)
		bits |= (unsigned int)(site->told[i] == sites->followers[i].epoch) << i;
	return bits;
}

/* stack less the one before, flags, figures. */
static void write_site(struct state_writer *writer, uint32_t step, const struct site *site)
{
	const struct sites *sites = &writer->heap->sites;
	bool since_peak = site->peak_epoch == sites->peak_epoch;

	state_number(writer, step);
	state_number(writer, (unsigned int)since_peak | followed_by(sites, site) << 1);
	state_numbers(writer,
		      (const uint64_t[]){site->live_bytes, site->live_blocks, site->total_bytes,
					 site->total_blocks, site->freed_bytes,
					 site->freed_blocks, site->temporary_bytes,
					 site->temporary_blocks, site->gc_freed_bytes,
					 site->gc_freed_blocks},
		      10);
	if (since_peak)
		state_numbers(writer, (const uint64_t[]){site->peak_bytes, site->peak_blocks},
			      2);
}

static void write_sites(struct state_writer *writer)
{
	const struct sites *sites = &writer->heap->sites;
	size_t items = 0, last = 0;

	for (size_t i = 0; i < sites->count; i++) {
		/* The last one is there in any case: it says how many there are. */
		if (site_is_empty(&sites->site[i]) && i + 1 < sites->count)
			continue;
		if (items++ == 0)
			last = 0;
		write_site(writer, (uint32_t)(i - last), &sites->site[i]);
		last = i;
		if (items < ITEMS_A_PART)
			continue;
		state_part(writer, STATE_SITES);
		items = 0;
	}
	if (items)
		state_part(writer, STATE_SITES);
}

static bool lifetime_is_empty(const struct lifetime *lifetime)
{
	static const struct lifetime none;

	return !memcmp(lifetime, &none, sizeof(none));
}

/* stack less the one before, blocks by age. */
static void write_lifetimes(struct state_writer *writer)
{
	const struct lifetimes *lifetimes = &writer->heap->lifetimes;
	size_t items = 0, last = 0;

	for (size_t i = 0; i < lifetimes->count; i++) {
		const struct lifetime *lifetime = &lifetimes->by_stack[i];

		if (lifetime_is_empty(lifetime))
			continue;
		state_number(writer, i - last);
		last = i;
		for (size_t k = 0; k < LIFETIMES_AGES; k++)
			state_number(writer, lifetime->blocks[k]);
		if (++items < ITEMS_A_PART)
			continue;
		state_part(writer, STATE_LIFETIMES);
		items = last = 0;
	}
	if (items)
		state_part(writer, STATE_LIFETIMES);
}

static void write_block(struct state_writer *writer, const struct pool *pool, uint32_t *window,
			const struct block *block)
{
	uint32_t spare = pool_block_bytes(pool->class) - block->bytes;

	state_number(writer, block->stack);
	state_number(writer, spare << 2 | (uint32_t)block->object << 1 | block->shifted);
	state_difference(writer, (int64_t)block->window - *window);
	*window = block->window;
}

/* number of the pool less the one before, class, live blocks; for each: number less ... */
static void write_pool(struct state_writer *writer, uint32_t step, uint32_t *window,
		       const struct pool *pool)
{
	uint32_t last = 0;

	state_number(writer, step);
	state_number(writer, pool->class);
	state_number(writer, pool->live);
	for (uint32_t i = 0; i < pool->capacity; i++) {
		if (!pool->blocks[i].live)
			continue;
		state_number(writer, i - last);
		last = i;
		write_block(writer, pool, window, &pool->blocks[i]);
	}
}

static void write_arenas(struct state_writer *writer)
{
	const struct arena_map *map = &writer->heap->arenas;

	for (size_t k = 0; k < map->arena_count; k++) {
		const struct arena *arena = &map->arenas[k];
		uint32_t last = 0, window = 0;

		if (arena->bytes == 0)
			continue;
		state_numbers(writer,
			      (const uint64_t[]){arena->address, arena->bytes, arena->stack,
						 arena->window,
						 (unsigned int)arena->stale |
							 (unsigned int)arena->changed << 1 |
							 (unsigned int)arena->told << 2},
			      5);
		/* Pools without blocks as well: a realloc in place keeps their class. */
		for (uint32_t i = 0; i < arena->pool_count; i++) {
			if (!arena->pools[i])
				continue;
			write_pool(writer, i - last, &window, arena->pools[i]);
			last = i;
		}
		state_part(writer, STATE_ARENA);
	}
}

static void write_large(struct state_writer *writer)
{
	const struct block_table *table = &writer->heap->blocks;
	size_t items = 0;

	for (size_t i = 0; i < table->capacity; i++) {
		const struct large_block *block = &table->slots[i];

		if (!block->address)
			continue;
		state_numbers(
			writer,
			(const uint64_t[]){block->address, block->bytes, block->stack,
					   block->window | (unsigned int)block->domain << 14},
			4);
		if (++items < ITEMS_A_PART)
			continue;
		state_part(writer, STATE_LARGE);
		items = 0;
	}
	if (items)
		state_part(writer, STATE_LARGE);
}

static void write_mappings(struct state_writer *writer)
{
	const struct mappings *maps = &writer->heap->mappings;

	state_number(writer, maps->origins);
	for (size_t i = 0; i < maps->count; i++) {
		const struct mapping *mapping = &maps->items[i];

		state_numbers(writer,
			      (const uint64_t[]){mapping->address, mapping->bytes,
						 mapping->stack, mapping->window,
						 mapping->anonymous, mapping->origin,
						 mappings_extra_pieces(maps, mapping->origin)},
			      7);
	}
	state_part(writer, STATE_MAPPINGS);
}

static void write_census(struct state_writer *writer)
{
	const struct census *census = &writer->heap->census;

	summary_write(&census->peak, &writer->part);
	for (size_t i = 0; i < census->gone_count; i++)
		state_number(writer, census->gone[i]);
	state_part(writer, STATE_CENSUS);
}

/* stack less the one before, figures. */
static void write_changes(struct state_writer *writer, const struct changes *changes)
{
	uint32_t last = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];

		state_numbers(writer,
			      (const uint64_t[]){change->stack - last, change->live_bytes,
						 change->live_blocks, change->total_blocks},
			      4);
		last = change->stack;
	}
}

static void write_mark(struct state_writer *writer, const struct mark *mark)
{
	buf_text(&writer->part, mark->name);
	buf_text(&writer->part, mark->base);
	buf_append(&writer->part, &mark->figures, sizeof(mark->figures));
	state_numbers(writer,
		      (const uint64_t[]){mark->ordinal, mark->live_bytes, mark->live_blocks,
					 mark->rolled},
		      4);
	summary_write(&mark->arenas, &writer->part);
	write_changes(writer, &mark->changes);
	state_part(writer, STATE_MARK);
}

static void write_course(struct state_writer *writer)
{
	const struct course *course = &writer->heap->course;

	for (size_t i = 0; i < course->count; i++) {
		buf_append(&writer->part, &course->points[i].figures,
			   sizeof(course->points[i].figures));
		write_changes(writer, &course->points[i].changes);
		state_part(writer, STATE_POINT);
	}
	state_numbers(writer, (const uint64_t[]){course->step_ms, course->next_ms}, 2);
	state_part(writer, STATE_COURSE);
}

static void write_marks(struct state_writer *writer)
{
	const struct marks *marks = &writer->heap->marks;

	for (size_t i = 0; i < marks->count; i++)
		write_mark(writer, &marks->items[i]);
	for (size_t i = 0; i < marks->waiting_count; i++) {
		state_number(writer, marks->waiting[i].stack);
		state_number(writer, marks->waiting[i].live_bytes);
	}
	if (marks->waiting_count)
		state_part(writer, STATE_WAITING);
}

static void write_realloc(struct state_writer *writer, uint64_t slot,
			  const struct freed_block *freed)
{
	const struct large_block *large = &freed->large;
	uint64_t pooled;

	memcpy(&pooled, &freed->pooled, sizeof(pooled));
	state_numbers(writer,
		      (const uint64_t[]){
			      slot, freed->record_address, freed->kind,
			      (unsigned int)freed->in_gc | (unsigned int)freed->told << 1,
			      freed->class, pooled, large->address, large->bytes, large->stack,
			      large->window | (unsigned int)large->domain << 14, freed->by},
		      11);
}

static void write_reallocs(struct state_writer *writer)
{
	const struct reallocs *reallocs = &writer->heap->reallocs;

	for (size_t i = 0; i < reallocs->slots.capacity; i++) {
		const struct u64map_slot *slot = &reallocs->slots.slots[i];

		/* Taken back already, or never freed. */
		if (!slot->key || !reallocs->items[slot->value - 1].record_address)
			continue;
		write_realloc(writer, slot->key - 1, &reallocs->items[slot->value - 1]);
	}
	if (writer->part.len)
		state_part(writer, STATE_REALLOCS);
}

/* The one under way first; figures and differences as they lie in a profile. */
static void write_audits(struct state_writer *writer)
{
	const struct audits *audits = &writer->heap->audits;
	size_t differences = audits->difference_count + audits->differences_now;

	state_numbers(writer,
		      (const uint64_t[]){
			      audits->last_id, audits->is_open, audits->number, audits->arena,
			      audits->arena_bytes, audits->arena_differs, audits->next,
			      audits->difference_count, audits->differences_now, audits->count},
		      10);
	buf_append(&writer->part, &audits->now, sizeof(audits->now));
	buf_append(&writer->part, audits->differences,
		   differences * sizeof(*audits->differences));
	for (size_t i = 0; i < audits->count; i++) {
		const struct audit_result *result = &audits->items[i];

		state_number(writer, result->number);
		state_number(writer, result->id);
		buf_append(&writer->part, &result->figures, sizeof(result->figures));
	}
	state_part(writer, STATE_AUDITS);
}

/* The sums, then stack, bytes and blocks of what the collection under way has freed. */
static void write_garbage(struct state_writer *writer)
{
	const struct garbage *garbage = &writer->heap->garbage;

	state_number(writer, (unsigned int)garbage->inside | (unsigned int)garbage->over << 1);
	for (size_t i = 0; i < GARBAGE_GENERATIONS; i++) {
		const struct garbage_sum *sum = &garbage->sums[i];

		state_numbers(writer,
			      (const uint64_t[]){sum->collections, sum->objects,
						 sum->freed.bytes, sum->freed.blocks,
						 sum->timed, sum->took_ns, sum->longest_ns},
			      7);
	}
	for (size_t i = 0; i < garbage->touched_count; i++) {
		const struct garbage_freed *freed = &garbage->by_stack[garbage->touched[i]];

		state_number(writer, garbage->touched[i]);
		state_number(writer, freed->bytes);
		state_number(writer, freed->blocks);
	}
	state_part(writer, STATE_GARBAGE);
}

static void write_residents(struct state_writer *writer)
{
	const struct residents *residents = &writer->heap->residents;

	buf_append(&writer->part, residents->items,
		   residents->count * sizeof(*residents->items));
	state_part(writer, STATE_RESIDENTS);
	buf_append(&writer->part, residents->mapped,
		   residents->mapped_count * sizeof(*residents->mapped));
	state_part(writer, STATE_MAPPED);
}

/* partial; then pair by pair, in the order in which they came. */
static void write_frees(struct state_writer *writer)
{
	const struct frees *frees = &writer->heap->frees;
	size_t items = 0;

	state_number(writer, frees->partial);
	for (size_t i = 0; i < frees->count; i++) {
		const struct profile_freed *item = &frees->items[i];

		state_numbers(writer,
			      (const uint64_t[]){item->stack, item->by, item->blocks,
						 item->bytes, item->gc_blocks, item->gc_bytes,
						 item->moved_blocks, item->moved_bytes},
			      8);
		if (++items < ITEMS_A_PART)
			continue;
		state_part(writer, STATE_FREES);
		state_number(writer, frees->partial);
		items = 0;
	}
	state_part(writer, STATE_FREES);
}

static void write_counts(struct state_writer *writer)
{
	const struct heap *heap = writer->heap;
	const struct sites *sites = &heap->sites;

	buf_append(&writer->part, &heap->counts, sizeof(heap->counts));
	state_numbers(writer, heap->domain_bytes, 4);
	state_numbers(writer, heap->domain_blocks, 4);
	state_numbers(writer,
		      (const uint64_t[]){heap->end, (uint64_t)heap->end_status,
					 sites->live_bytes, sites->live_blocks,
					 sites->peak_bytes, sites->peak_blocks, sites->peak_ms,
					 heap->arenas.most_arenas, heap->arenas.misplaced,
					 heap->stacks.checks, heap->stacks.checks_differing,
					 heap->marks.merged},
		      12);
	state_part(writer, STATE_COUNTS);
}

static void put_empty_part(struct state_writer *writer, enum state_part part)
{
	state_number(writer, 0);
	state_part(writer, part);
}

int heap_state_write(const struct heap *heap, const struct state_sink *sink, struct err *err)
{
	__attribute__((cleanup(state_writer_release))) struct state_writer writer = {
		.heap = heap, .sink = sink, .err = err};

	put_empty_part(&writer, STATE_BEGIN);
	state_definitions(&writer);
	write_windows(&writer);
	write_sites(&writer);
	write_lifetimes(&writer);
	write_arenas(&writer);
	write_large(&writer);
	write_mappings(&writer);
	write_census(&writer);
	write_marks(&writer);
	write_course(&writer);
	write_reallocs(&writer);
	write_audits(&writer);
	write_garbage(&writer);
	write_residents(&writer);
	write_frees(&writer);
	/* Behind what moves the figures that these are. */
	write_counts(&writer);
	state_half_texts(&writer);
	put_empty_part(&writer, STATE_END);
	state_hand_on(&writer);
	return writer.failed ? -1 : 0;
}
