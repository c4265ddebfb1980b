/*
 * heap_stream.h - random streams of what heap_model.h knows, made up while the model applies
 * them, so that most of it is possible and some is not.
 */
#ifndef MEMTRACE_TEST_HEAP_STREAM_H
#define MEMTRACE_TEST_HEAP_STREAM_H

#include "../../collector/mem.h"
#include "audit_model.h"
#include "census_model.h"
#include "heap_model.h"
#include "xorshift.h"

enum { EVENTS = 1500 };

struct random {
	uint64_t state;
};

static uint32_t below(struct random *rnd, uint32_t limit)
{
	return (uint32_t)((xorshift(&rnd->state) >> 32) * limit >> 32);
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
	put(s, R_FREE, address, any_stack(s) | flags << 32 | slot << 40);
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
		put(s, R_UNMAP, address, any_stack(s) | pages << 32);
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

#include "audit_stream.h"

static void put_pairs(struct stream *s)
{
	bool told = chance(&s->rnd, 70);
	uint64_t counts = below(&s->rnd, 900) | (uint64_t)below(&s->rnd, 9) << 40;
	uint64_t by = any_stack(s), flags = chance(&s->rnd, 20) ? F_REALLOC : 0;

	put(s, told ? R_TEMP_BY : R_TEMP, any_stack(s), counts);
	if (told)
		put(s, R_DATA, by | (flags & 0xffff) << 32, flags >> 16);
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
		put_pairs(s);
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
	stream_put_text(&s->bytes, R_INFO, 0, "frees=1", strlen("frees=1"));
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

#endif
