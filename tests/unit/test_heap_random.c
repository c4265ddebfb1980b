/* Random streams: the heap against a slow model of it, in batches of several sizes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../../collector/heap_state.h"
#include "../../collector/section_read.h"
#include "../../collector/snapshot.h"
#include "heap_stream.h"

enum { SEEDS = 240 };

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
		static const struct lifetime young;
		const struct lifetime *ages = i < heap->lifetimes.count
						      ? &heap->lifetimes.by_stack[i]
						      : &young;
		assert_memory_equal(ages->blocks, m->ages[i], sizeof(m->ages[i]));
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

static void same_frees(const struct model *m, const struct heap *heap)
{
	struct profile_freed *items = frees_sorted(&heap->frees);
	size_t at = 0;

	for (uint32_t stack = 0; stack < MODEL_STACKS; stack++)
		for (uint32_t by = 0; by < MODEL_STACKS; by++) {
			struct profile_freed want = m->frees[stack][by];

			want.stack = stack;
			want.by = by;
			if (at < heap->frees.count && items[at].stack == stack &&
			    items[at].by == by)
				assert_memory_equal(&items[at++], &want, sizeof(want));
			else
				assert_int_equal(want.blocks + want.bytes, 0);
		}
	assert_int_equal(at, heap->frees.count);
	free(items);
}

static void same_marks(const struct model *m, const struct heap *heap)
{
	struct model_snapshot now = {0};

	assert_int_equal(heap->marks.count, m->mark_count);
	for (size_t i = 0; i < m->mark_count; i++) {
		const struct mark *mark = &heap->marks.items[i];
		for (size_t k = 0; k < mark->changes.count; k++)
			now.live[mark->changes.items[k].stack] =
				(struct model_figures){mark->changes.items[k].live_bytes,
						       mark->changes.items[k].live_blocks};
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

	assert_int_equal(snapshot_take(heap, NULL, NULL, &snapshot, NULL), 0);
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

static int apply_state(void *user, struct record *records, size_t count, struct err *err)
{
	(void)err;
	heap_apply(user, records, count);
	return 0;
}

/* The heap made again out of its own state. */
static void restore(struct heap *heap)
{
	struct heap again;
	struct state_sink sink = {apply_state, &again};
	struct err err;

	heap_init(&again);
	assert_int_equal(heap_state_write(heap, &sink, &err), 0);
	heap_release(heap);
	*heap = again;
}

static void same_course(const struct course *a, const struct course *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->change_count, b->change_count);
	assert_int_equal(a->step_ms, b->step_ms);
	assert_int_equal(a->next_ms, b->next_ms);
	for (size_t i = 0; i < a->count; i++) {
		const struct course_point *left = &a->points[i], *right = &b->points[i];

		assert_memory_equal(&left->figures, &right->figures, sizeof(left->figures));
		assert_int_equal(left->changes.count, right->changes.count);
		if (left->changes.count)
			assert_memory_equal(left->changes.items, right->changes.items,
					    left->changes.count * sizeof(struct change));
	}
}

/* What goes on from a state comes to the same end, wherever the state was taken. */
static void check_restored(const struct stream *s, uint64_t seed, size_t *ret_points)
{
	size_t count = s->bytes.len / sizeof(struct record), done = 0;
	const struct record *records = records_of(s);
	struct random rnd = {seed * 77 + 5};
	struct heap heap, straight;
	struct err err;

	heap_init(&straight);
	apply_in_batches(&straight, s, count);
	heap_init(&heap);
	while (done < count) {
		size_t wanted = 1 + below(&rnd, 700), end = done;

		while (end < count && end - done < wanted)
			end += stream_record_slots(&records[end]);
		heap_apply(&heap, records + done, end - done);
		done = end;
		restore(&heap);
	}
	same_figures(s->model, &heap);
	same_frees(s->model, &heap);
	same_blocks(s->model, &heap);
	same_marks(s->model, &heap);
	same_mappings(s->model, &heap);
	same_audits(s->audits, &heap);
	same_censuses(s, &heap);
	same_course(&heap.course, &straight.course);
	*ret_points += straight.course.count;
	if (heap_check(&heap, &err))
		fail_msg("seed %lu, restored: %s", (unsigned long)seed, err.text);
	heap_release(&straight);
	heap_release(&heap);
}

static void check_seed(uint64_t seed, uint64_t *ret_misplaced, uint64_t *ret_replaced,
		       uint64_t *ret_differing, size_t *ret_points)
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
		same_frees(s.model, heap);
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
	check_restored(&s, seed, ret_points);
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
	size_t points = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		check_seed(seed, &misplaced, &replaced, &differing, &points);
	/* The streams must reach the odd cases, or this test shows little. */
	assert_true(misplaced > SEEDS * 10);
	assert_true(replaced > SEEDS * 10);
	assert_true(differing > SEEDS);
	assert_true(points > SEEDS * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
