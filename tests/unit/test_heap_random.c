/* Random streams: the heap against a slow model of it, in batches of several sizes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../../collector/mem.h"
#include "../../collector/section_read.h"
#include "../../collector/snapshot.h"
#include "audit_model.h"
#include "census_model.h"
#include "heap_model.h"

enum { SEEDS = 240, EVENTS = 1500 };

struct random {
	uint64_t state;
};

static uint32_t below(struct random *rnd, uint32_t limit)
{
	rnd->state ^= rnd->state << 13;
	rnd->state ^= rnd->state >> 7;
	rnd->state ^= rnd->state << 17;
	return (uint32_t)((rnd->state >> 32) * limit >> 32);
}

static bool chance(struct random *rnd, uint32_t percent)
{
	return below(rnd, 100) < percent;
}

struct stream {
	struct buf bytes;
	size_t done; /* records the model has seen */
	struct random rnd;
	struct model *model;
	uint64_t arena_bytes;
	uint64_t now_ms;
	uint32_t marks; /* that have a number */
	struct audit_model *audits;
	struct model_census *at_mark, *at_peak, *at_end;
};

static void put(struct stream *s, enum record_kind kind, uint64_t a, uint64_t b)
{
	struct record r = {record_head(kind, a), b};

	buf_append(&s->bytes, &r, sizeof(r));
}

static uint32_t any_stack(struct stream *s)
{
	return below(&s->rnd, MODEL_STACKS);
}

/* Eight places, 4 KiB off each other's grid, some overlapping their neighbours. */
static uint64_t arena_place(struct stream *s)
{
	uint64_t k = below(&s->rnd, 8);
	uint64_t odd = k % 4 == 3 ? s->arena_bytes / 2 : 0;

	return MODEL_BASE + 0x100000 + k * (s->arena_bytes + (k % 2) * 4096) + k * 4096 - odd;
}

static uint64_t any_arena(struct stream *s)
{
	const struct model *m = s->model;

	if (m->arena_count && chance(&s->rnd, 90))
		return m->arenas[below(&s->rnd, (uint32_t)m->arena_count)].address;
	return arena_place(s);
}

static void put_small(struct stream *s)
{
	static const uint32_t classes[] = {1, 2, 3, 7, 17, 31, 32, 33, 0};
	uint64_t pool_bytes = s->model->pool_bytes;
	uint64_t pool = (any_arena(s) / pool_bytes + below(&s->rnd, 4)) * pool_bytes;
	uint32_t class = classes[below(&s->rnd, chance(&s->rnd, 97) ? 7 : 9)];

	if (chance(&s->rnd, 2)) /* the arena's last pieces */
		pool += s->arena_bytes - 2 * pool_bytes;
	if (chance(&s->rnd, 70) && model_pool(s->model, pool)->class)
		class = model_pool(s->model, pool)->class;
	uint32_t many = class ? (uint32_t)(pool_bytes - 48) / (class * 16) : 1;
	uint32_t index = chance(&s->rnd, 20) ? many - below(&s->rnd, 2) : below(&s->rnd, 6);
	uint64_t address = pool + 48 + (uint64_t)index * class * 16;
	if (chance(&s->rnd, 10))
		address += 16;
	if (chance(&s->rnd, 2))
		address = pool + below(&s->rnd, (uint32_t)pool_bytes / 8) * 8;
	uint32_t most = class * 16 < 512 ? class * 16 : 512;
	uint32_t bytes = below(&s->rnd, most + 1);
	if (chance(&s->rnd, 15))
		class = STREAM_CLASS_KEPT;
	put(s, chance(&s->rnd, 50) ? R_SMALL_MEM : R_SMALL_OBJECT, address,
	    any_stack(s) | (uint64_t)bytes << 32 | (uint64_t) class << 48);
}

static uint64_t outer_address(struct stream *s)
{
	return chance(&s->rnd, 2) ? any_arena(s) + 4096 : 0x5000000 + 16 * below(&s->rnd, 150);
}

static void put_large(struct stream *s)
{
	enum record_kind kind = R_ALLOC_MALLOC + below(&s->rnd, 3);
	uint64_t bytes = below(&s->rnd, 20000);

	if (chance(&s->rnd, 20)) {
		put(s, chance(&s->rnd, 50) ? R_SMALL_MEM : R_SMALL_OBJECT, outer_address(s),
		    any_stack(s) | bytes % 513 << 32 | (uint64_t)32 << 48);
		return;
	}
	if (!chance(&s->rnd, 10)) {
		put(s, kind, outer_address(s), any_stack(s) | bytes << 32);
		return;
	}
	uint64_t wide = 0xffffffffull + bytes;
	put(s, kind, outer_address(s), any_stack(s) | (uint64_t)STREAM_SIZE_WIDE << 32);
	put(s, R_DATA, wide & 0xffffffffffff, wide >> 48);
}

static uint64_t live_address(struct stream *s)
{
	const struct model *m = s->model;

	if (!m->block_count || chance(&s->rnd, 5))
		return outer_address(s);
	const struct model_block *block = &m->blocks[below(&s->rnd, (uint32_t)m->block_count)];
	/* Sometimes by an inner address, as debug allocators do. */
	return block->address + (block->room > 32 && chance(&s->rnd, 10) ? 16 : 0);
}

static void put_free(struct stream *s)
{
	uint64_t flags = chance(&s->rnd, 20) ? F_GC : 0;
	uint64_t slot = below(&s->rnd, MODEL_SLOTS - 1), address = live_address(s);

	if (chance(&s->rnd, 25))
		flags |= F_REALLOC;
	put(s, R_FREE, address, flags << 32 | slot << 40);
	if (!(flags & F_REALLOC))
		return;
	if (chance(&s->rnd, 30))
		put_small(s); /* another thread comes between */
	if (chance(&s->rnd, 50))
		put(s, R_RESTORE, address, slot + chance(&s->rnd, 5));
	if (chance(&s->rnd, 5))
		put(s, R_RESTORE, address, slot); /* once only */
}

static void put_mapping(struct stream *s)
{
	/* A narrow zone, so that mappings cut each other. */
	uint64_t address = MODEL_BASE + 4096ull * below(&s->rnd, 40);
	uint64_t pages = 1 + below(&s->rnd, 12);
	uint32_t dice = below(&s->rnd, 100);

	if (dice < 40)
		put(s, R_MAP_ANON, address, any_stack(s) | pages << 32);
	else if (dice < 50)
		put(s, R_MAP_FILE, address, any_stack(s) | pages << 32);
	else if (dice < 90)
		put(s, R_UNMAP, address, pages << 32);
	else if (dice < 95)
		put(s, R_ARENA, address, any_stack(s) | (pages * 4096) << 32);
	else
		put(s, R_ARENA_FREE, address, (pages * 4096) << 32);
}

static void put_mark(struct stream *s)
{
	struct stream_mark figures = {.time_ns = s->now_ms * 1000000};

	struct buf text;

	if (s->model->mark_count == MODEL_MARKS)
		return;
	figures.number = ++s->marks;
	buf_init(&text);
	buf_append(&text, &figures, sizeof(figures));
	buf_append(&text, "warm", 4);
	stream_put_text(&s->bytes, R_MARK, 0, text.data, text.len);
	buf_release(&text);
}

/* What is wrong with one of the pools, on purpose. */
enum lie { LIE_NONE, LIE_BLOCK, LIE_GONE, LIE_NEW, LIE_CLASS, LIE_COUNT, LIES };

static void lie_about(struct stream *s, struct header_arena *arena, enum lie lie)
{
	size_t at = below(&s->rnd, (uint32_t)arena->pool_count);
	struct header_pool *pool = &arena->pools[at];
	uint64_t pool_bytes = s->model->pool_bytes;

	if (lie == LIE_NEW) {
		uint64_t address = (arena->address / pool_bytes + 1 + below(&s->rnd, 9)) *
				   pool_bytes;

		pool = header_pool(arena, address, 1 + below(&s->rnd, 32));
	}
	for (uint32_t i = lie == LIE_BLOCK ? below(&s->rnd, 3) : 1;
	     (lie == LIE_BLOCK || lie == LIE_NEW) && i < 3; i += 2 - (lie == LIE_BLOCK)) {
		uint32_t index = below(&s->rnd,
				       (uint32_t)(pool_bytes - 48) / (pool->class * 16));

		pool->block[index] = !pool->block[index];
		pool->live += pool->block[index] ? 1 : -1u;
	}
	if (lie == LIE_CLASS && pool->class > 1)
		pool->class --;
	if (lie == LIE_GONE || !pool->live) {
		memmove(pool, pool + 1,
			(size_t)(&arena->pools[--arena->pool_count] - pool) * sizeof(*pool));
	}
}

/* Pools of the map that the headers don't have are expected in their place. */
static bool put_pools(struct stream *s, const struct header_arena *arena, enum lie lie)
{
	static struct header_arena whole;
	struct model *m = s->model;
	bool differs = false;
	size_t at = 0;

	header_read(m, (size_t)model_arena_of(m, arena->address), &whole);
	for (size_t i = 0; i < arena->pool_count; i++)
		header_pool(&whole, arena->pools[i].address, 0);
	for (size_t i = 0; i < whole.pool_count; i++) {
		const struct header_pool none = {.address = whole.pools[i].address};
		const struct header_pool *pool = &none;
		uint32_t said = 0;

		if (at < arena->pool_count && arena->pools[at].address == none.address) {
			pool = &arena->pools[at++];
			said = pool->live + (lie == LIE_COUNT && at == arena->pool_count);
			header_put_pool(&s->bytes, m, pool, said);
		}
		if (chance(&s->rnd, 5)) /* another thread comes between */
			put(s, R_ALLOC_MALLOC, 0x5000000 + 16 * below(&s->rnd, 150),
			    9ULL << 32);
		differs |= expect_pool(s->audits, s->marks, arena->address, m, pool, said);
	}
	return differs;
}

static void put_audited_arena(struct stream *s, size_t index)
{
	static struct header_arena arena;
	struct profile_audit *expected = &s->audits->audits[s->marks];
	enum lie lie = chance(&s->rnd, 25) ? below(&s->rnd, LIES) : LIE_NONE;

	header_read(s->model, index, &arena);
	if (arena.pool_count)
		lie_about(s, &arena, lie);
	put(s, R_AUDIT_ARENA, arena.address, arena.pool_count | arena.bytes << 32);
	expected->arenas++;
	expected->differing_arenas += put_pools(s, &arena, lie);
}

/* Arenas of one interpreter, ascending; now and then not all are its own. */
static void put_audit(struct stream *s)
{
	const struct model *m = s->model;
	bool all = chance(&s->rnd, 60);
	uint64_t last = 0;

	if (s->marks == 0)
		return;
	if (chance(&s->rnd, 10)) /* one that isn't ended */
		put(s, R_AUDIT, s->marks, 0);
	put(s, R_AUDIT, s->marks, 0);
	s->audits->audits[s->marks].interpreters++;
	for (;;) {
		size_t next = SIZE_MAX;

		for (size_t i = 0; i < m->arena_count; i++)
			if (m->arenas[i].address > last &&
			    (next == SIZE_MAX ||
			     m->arenas[i].address < m->arenas[next].address))
				next = i;
		if (next == SIZE_MAX)
			break;
		last = m->arenas[next].address;
		if (all || chance(&s->rnd, 50))
			put_audited_arena(s, next);
	}
	put(s, R_AUDIT_END, s->marks, 1000);
	s->audits->audits[s->marks].pause_ns += 1000;
	s->audits->audits[s->marks].time_ms = s->model->now_ms;
}

static void put_any(struct stream *s)
{
	uint32_t dice = below(&s->rnd, 1000);

	if (dice < 430)
		put_small(s);
	else if (dice < 550)
		put_large(s);
	else if (dice < 850)
		put_free(s);
	else if (dice < 910)
		put_mapping(s);
	else if (dice < 930 && s->model->arena_count < 7)
		put(s, R_ARENA, arena_place(s), any_stack(s) | s->arena_bytes << 32);
	else if (dice < 940)
		put(s, R_ARENA_FREE, any_arena(s), s->arena_bytes << 32);
	else if (dice < 955)
		put(s, R_RETAG, live_address(s), any_stack(s));
	else if (dice < 970)
		put(s, R_TEMP, any_stack(s),
		    below(&s->rnd, 900) | (uint64_t)below(&s->rnd, 9) << 40);
	else if (dice < 980)
		put_mark(s);
	else if (dice < 984)
		put_audit(s);
	else
		put(s, R_TICK, s->now_ms += below(&s->rnd, 1500), 1000);
}

static const struct record *records_of(const struct stream *s)
{
	return (const struct record *)(const void *)s->bytes.data;
}

static bool model_arena_starts(const struct model *m, uint64_t address)
{
	int at = model_arena_of(m, address);

	return at >= 0 && m->arenas[at].address == address;
}

static void model_catch_up(struct stream *s)
{
	size_t count = s->bytes.len / sizeof(struct record);
	const struct record *records = records_of(s);

	while (s->done < count) {
		const struct record *r = &records[s->done];
		bool goes = record_kind(r) == R_ARENA_FREE &&
			    model_arena_starts(s->model, record_a(r));

		if (goes || record_kind(r) == R_MARK)
			model_peak(s->model, s->at_peak);
		if (record_kind(r) == R_MARK)
			model_census(s->model, &s->at_mark[s->model->mark_count]);
		model_apply(s->model, r);
		s->done += stream_record_slots(&records[s->done]);
	}
}

/* The generator looks at the model, so that most of what it makes up is possible. */
static void generate(struct stream *s, uint64_t seed)
{
	*s = (struct stream){.rnd = {seed * 0x9e3779b97f4a7c15 + 1},
			     .model = mem_alloc(sizeof(*s->model)),
			     .audits = mem_alloc(sizeof(*s->audits)),
			     .at_mark = mem_alloc(MODEL_MARKS * sizeof(*s->at_mark)),
			     .at_peak = mem_alloc(sizeof(*s->at_peak)),
			     .at_end = mem_alloc(sizeof(*s->at_end))};
	buf_init(&s->bytes);
	s->arena_bytes = seed % 3 == 0 ? 256 << 10 : 1 << 20;
	s->model->pool_bytes = seed % 3 == 0 ? 4096 : 16384;
	for (uint32_t id = 1; id < MODEL_STACKS; id++) {
		put(s, R_NODE, id,
		    (id - 1) | (uint64_t)(id == 1 ? STREAM_CODE_THREAD : STREAM_CODE_TRUNCATED)
				       << 32);
		put(s, R_DATA, 0, 0);
	}
	put(s, R_ARENA, arena_place(s), s->arena_bytes << 32);
	for (int i = 0; i < EVENTS; i++) {
		model_catch_up(s);
		put_any(s);
	}
	put_mark(s);
	model_catch_up(s);
	model_peak(s->model, s->at_peak);
	model_census(s->model, s->at_end);
}

static void same_figures(const struct model *m, const struct heap *heap)
{
	for (uint32_t i = 0; i < MODEL_STACKS; i++) {
		static const struct site none;
		const struct site *got = i < heap->sites.count ? &heap->sites.site[i] : &none;
		const struct site *want = &m->site[i];
		uint64_t bytes, blocks;
		assert_int_equal(got->live_bytes, want->live_bytes);
		assert_int_equal(got->live_blocks, want->live_blocks);
		assert_int_equal(got->total_bytes, want->total_bytes);
		assert_int_equal(got->total_blocks, want->total_blocks);
		assert_int_equal(got->freed_bytes, want->freed_bytes);
		assert_int_equal(got->freed_blocks, want->freed_blocks);
		assert_int_equal(got->temporary_bytes, want->temporary_bytes);
		assert_int_equal(got->temporary_blocks, want->temporary_blocks);
		assert_int_equal(got->gc_freed_bytes, want->gc_freed_bytes);
		assert_int_equal(got->gc_freed_blocks, want->gc_freed_blocks);
		sites_at_peak(&heap->sites, i, &bytes, &blocks);
		assert_int_equal(bytes, m->at_peak.live[i].bytes);
		assert_int_equal(blocks, m->at_peak.live[i].blocks);
	}
	assert_int_equal(heap->sites.live_bytes, m->all.bytes);
	assert_int_equal(heap->sites.live_blocks, m->all.blocks);
	assert_int_equal(heap->sites.peak_bytes, m->peak.bytes);
	assert_int_equal(heap->sites.peak_blocks, m->peak.blocks);
	assert_int_equal(heap->sites.peak_ms, m->peak_ms);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(heap->domain_bytes[i], m->domain[i].bytes);
		assert_int_equal(heap->domain_blocks[i], m->domain[i].blocks);
	}
	assert_int_equal(heap->counts.allocations, m->counts.allocations);
	assert_int_equal(heap->counts.frees, m->counts.frees);
	assert_int_equal(heap->counts.cancelled_pairs, m->counts.cancelled_pairs);
	assert_int_equal(heap->counts.unknown_frees, m->counts.unknown_frees);
	assert_int_equal(heap->counts.retags, m->counts.retags);
	assert_int_equal(heap->counts.unknown_retags, m->counts.unknown_retags);
	assert_int_equal(heap->counts.replaced, m->counts.replaced);
	assert_int_equal(heap->arenas.misplaced, m->misplaced);
}

static void same_marks(const struct model *m, const struct heap *heap)
{
	struct model_snapshot now = {0};

	assert_int_equal(heap->marks.count, m->mark_count);
	for (size_t i = 0; i < m->mark_count; i++) {
		const struct mark *mark = &heap->marks.items[i];
		for (size_t k = 0; k < mark->change_count; k++)
			now.live[mark->changes[k].stack] = (struct model_figures){
				mark->changes[k].live_bytes, mark->changes[k].live_blocks};
		assert_memory_equal(&now, &m->at_mark[i], sizeof(now));
	}
}

static void same_audits(const struct audit_model *expected, const struct heap *heap)
{
	const struct audits *audits = &heap->audits;
	uint32_t number_of[MODEL_MARKS + 2] = {0};
	size_t seen = 0;

	for (uint32_t number = 0; number <= MODEL_MARKS; number++) {
		if (!expected->audits[number].interpreters)
			continue;
		assert_in_range(seen, 0, audits->count - 1);
		assert_int_equal(audits->items[seen].number, number);
		assert_memory_equal(&audits->items[seen].figures, &expected->audits[number],
				    sizeof(struct profile_audit));
		number_of[audits->items[seen++].id] = number;
	}
	assert_int_equal(seen, audits->count);
	assert_int_equal(audits->difference_count, expected->difference_count);
	for (size_t i = 0; i < audits->difference_count; i++) {
		struct profile_audit_difference found = audits->differences[i];

		found.audit = number_of[found.audit];
		assert_memory_equal(&found, &expected->differences[i], sizeof(found));
	}
}

static void same_arenas(const struct model_census *expected, const struct arena_summary *arenas,
			size_t count)
{
	assert_int_equal(count, expected->count);
	for (size_t i = 0; i < count; i++)
		assert_memory_equal(&arenas[i], &expected->arenas[i].summary, sizeof(*arenas));
}

/* The summary over what was told before, as a reader would put it together. */
static size_t take_summary(const struct summary *summary, struct arena_summary *arenas,
			   size_t count)
{
	struct summary_reader reader;
	struct arena_summary arena;
	uint64_t last = 0;

	summary_reader_init(&reader, summary);
	while (summary_reader_next(&reader, &arena)) {
		size_t at = 0;

		assert_true(arena.address > last);
		last = arena.address;

		while (at < count && arenas[at].address < arena.address)
			at++;
		bool known = at < count && arenas[at].address == arena.address;

		if (known && !arena.bytes) {
			memmove(&arenas[at], &arenas[at + 1], (--count - at) * sizeof(arena));
		} else if (arena.bytes) {
			if (!known)
				memmove(&arenas[at + 1], &arenas[at],
					(count++ - at) * sizeof(arena));
			arenas[at] = arena;
		}
	}
	summary_reader_release(&reader);
	return count;
}

static void same_censuses(const struct stream *s, const struct heap *heap)
{
	static struct arena_summary arenas[MODEL_ARENAS];
	struct summary now = {0};
	size_t count = 0;

	for (size_t i = 0; i < heap->marks.count; i++) {
		const struct summary *summary = &heap->marks.items[i].arenas;

		count = take_summary(summary, arenas, count);
		same_arenas(&s->at_mark[i], arenas, count);
		assert_memory_equal(summary->classes, s->at_mark[i].classes,
				    sizeof(summary->classes));
		assert_int_equal(summary->arena_count, s->at_mark[i].count);
	}
	bool newer = census_peak(&heap->census, &heap->arenas, &now);
	const struct summary *peak = newer ? &now : &heap->census.peak;

	same_arenas(s->at_peak, arenas, take_summary(peak, arenas, 0));
	assert_memory_equal(peak->classes, s->at_peak->classes, sizeof(peak->classes));
	summary_release(&now);
}

static void same_pins(const struct model_census *expected, const struct heap *heap)
{
	struct snapshot snapshot;
	struct buf raw;
	size_t at = 0;

	assert_int_equal(snapshot_take(heap, NULL, &snapshot, NULL), 0);
	const struct section_write *section = &snapshot.sections[SNAPSHOT_PINS];
	const struct section_source source = {.path = "pins",
					      .fd = -1,
					      .bytes = section->stored.data,
					      .len = section->stored.len};

	buf_init(&raw);
	assert_int_equal(section_read(&source, &section->entry, &raw, NULL), 0);
	const struct profile_pin *pins = (const void *)raw.data;

	for (uint32_t i = 0; i < expected->count; i++)
		for (uint32_t k = 0; k < MODEL_STACKS; k++) {
			struct profile_pin pin = expected->arenas[i].pins[k];

			if (!pin.blocks)
				continue;
			pin.arena = i;
			assert_true((at + 1) * sizeof(pin) <= raw.len);
			assert_memory_equal(&pins[at++], &pin, sizeof(pin));
		}
	assert_int_equal(at * sizeof(*pins), raw.len);
	buf_release(&raw);
	snapshot_release(&snapshot);
}

static size_t blocks_of_pools(const struct model *m, const struct heap *heap)
{
	size_t seen = 0;

	for (size_t a = 0; a < heap->arenas.arena_count; a++) {
		const struct arena *arena = &heap->arenas.arenas[a];
		for (size_t p = 0; p < arena->pool_count; p++) {
			const struct pool *pool = arena->pools[p];
			for (uint32_t i = 0; pool && i < pool->capacity; i++) {
				const struct block *block = &pool->blocks[i];
				if (!block->live)
					continue;
				int at = model_find(m, pool_block_address(pool, i));
				assert_true(at >= 0);
				assert_int_equal(m->blocks[at].address,
						 pool_block_address(pool, i));
				assert_int_equal(m->blocks[at].stack, block->stack);
				assert_int_equal(m->blocks[at].bytes, block->bytes);
				assert_int_equal(m->blocks[at].window, block->window);
				assert_int_equal(m->blocks[at].class, pool->class);
				assert_int_equal(m->blocks[at].domain,
						 block->object ? DOMAIN_OBJECT : DOMAIN_MEM);
				seen++;
			}
		}
	}
	return seen;
}

static void same_blocks(const struct model *m, const struct heap *heap)
{
	size_t pooled = 0;

	for (size_t i = 0; i < m->block_count; i++) {
		const struct model_block *block = &m->blocks[i];
		assert_true(heap_knows(heap, block->address) ||
			    (!block->room && model_arena_of(m, block->address) >= 0));
		pooled += block->room != 0;
		if (block->room)
			continue;
		const struct large_block *large = block_table_find(&heap->blocks,
								   block->address);
		assert_non_null(large);
		assert_int_equal(large->bytes, block->bytes);
		assert_int_equal(large->stack, block->stack);
		assert_int_equal(large->window, block->window);
		assert_int_equal(large->domain, block->domain);
	}
	assert_int_equal(heap->blocks.count, m->block_count - pooled);
	assert_int_equal(blocks_of_pools(m, heap), pooled);
	assert_int_equal(heap->arenas.live_arenas, m->arena_count);
	assert_int_equal(heap->arenas.most_arenas, m->most_arenas);
}

static void same_mappings(const struct model *m, const struct heap *heap)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < heap->mappings.count; i++) {
		const struct mapping *piece = &heap->mappings.items[i];
		for (uint64_t at = piece->address; at < piece->address + piece->bytes;
		     at += 4096) {
			uint16_t owner = m->page_owner[(at - MODEL_BASE) / 4096];
			assert_int_not_equal(owner, 0);
			assert_int_equal(piece->stack, m->mappings[owner].stack);
			assert_int_equal(piece->window, m->mappings[owner].window);
			assert_int_equal(piece->anonymous, m->mappings[owner].anonymous);
			pages++;
		}
	}
	for (size_t i = 0; i < MODEL_PAGES; i++)
		pages -= m->page_owner[i] != 0;
	assert_int_equal(pages, 0);
}

/* Batches of about `most` slots; 0: of random sizes. */
static void apply_in_batches(struct heap *heap, const struct stream *s, size_t most)
{
	size_t count = s->bytes.len / sizeof(struct record), start = 0;
	const struct record *records = records_of(s);
	struct random rnd = {most * 77 + 5};

	while (start < count) {
		size_t wanted = most ? most : 1 + below(&rnd, 90), end = start;
		while (end < count && end - start < wanted)
			end += stream_record_slots(&records[end]);
		heap_apply(heap, records + start, end - start);
		start = end;
	}
}

static void check_seed(uint64_t seed, uint64_t *ret_misplaced, uint64_t *ret_replaced,
		       uint64_t *ret_differing)
{
	static const size_t batches[] = {1, 0, 7, 1 << 20};
	struct stream s;

	generate(&s, seed);
	for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		struct heap *heap = mem_alloc(sizeof(*heap));
		struct err err;
		heap_init(heap);
		apply_in_batches(heap, &s, batches[i]);
		same_figures(s.model, heap);
		same_blocks(s.model, heap);
		same_marks(s.model, heap);
		same_mappings(s.model, heap);
		same_audits(s.audits, heap);
		same_censuses(&s, heap);
		if (i == 0)
			same_pins(s.at_end, heap);
		if (heap_check(heap, &err))
			fail_msg("seed %lu: %s", (unsigned long)seed, err.text);
		heap_release(heap);
		free(heap);
	}
	*ret_misplaced += s.model->misplaced;
	*ret_replaced += s.model->counts.replaced;
	*ret_differing += s.audits->difference_count;
	free(s.audits);
	free(s.at_mark);
	free(s.at_peak);
	free(s.at_end);
	buf_release(&s.bytes);
	free(s.model);
}

static void test_equals_the_model(void **state)
{
	uint64_t misplaced = 0, replaced = 0, differing = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		check_seed(seed, &misplaced, &replaced, &differing);
	/* The streams must reach the odd cases, or this test shows little. */
	assert_true(misplaced > SEEDS * 10);
	assert_true(replaced > SEEDS * 10);
	assert_true(differing > SEEDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
