/*
 * audit_stream.h - audits in a random stream, right ones and such as lie about one pool. A part
 * of heap_stream.h, which includes it behind what it needs.
 */
#ifndef MEMTRACE_TEST_AUDIT_STREAM_H
#define MEMTRACE_TEST_AUDIT_STREAM_H

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

#endif
