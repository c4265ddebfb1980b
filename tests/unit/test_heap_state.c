/* Parts of a state that no collector writes: the heap stays one that can be worked with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../collector/buf.h"
#include "../../collector/heap_state.h"

enum { PAGE = 4096 };

static void apply(struct heap *heap, const struct buf *records)
{
	heap_apply(heap, (const struct record *)(const void *)records->data,
		   records->len / sizeof(struct record));
}

static void apply_one(struct heap *heap, uint64_t head, uint64_t body)
{
	const struct record r = {head, body};

	heap_apply(heap, &r, 1);
}

static void apply_part(struct heap *heap, enum state_part part, const uint64_t *numbers,
		       size_t count)
{
	struct buf bytes = {0}, records = {0};

	for (size_t i = 0; i < count; i++)
		buf_varint(&bytes, numbers[i]);
	stream_put_text(&records, R_STATE, part, bytes.data, bytes.len);
	apply(heap, &records);
	buf_release(&bytes);
	buf_release(&records);
}

#define PART(heap, part, ...)                                   \
	apply_part(heap, part, (const uint64_t[]){__VA_ARGS__}, \
		   sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* The thread's realloc fails: what it had freed comes back. */
static void a_freed_block_without_an_address(void **state)
{
	struct heap heap;

	(void)state;
	heap_init(&heap);
	/* slot, address, kind, gc, class, pooled, large: address, bytes, stack, window, by */
	PART(&heap, STATE_REALLOCS, 1, 16 * PAGE, FREED_LARGE, 0, 0, 0, 0, 100, 0, 0, 0);
	apply_one(&heap, record_head(R_RESTORE, 16 * PAGE), 1);
	assert_int_equal(heap.blocks.count, 0);
	/* One that has an address does come back. */
	PART(&heap, STATE_REALLOCS, 1, 16 * PAGE, FREED_LARGE, 0, 0, 0, 16 * PAGE, 100, 0, 0,
	     0);
	apply_one(&heap, record_head(R_RESTORE, 16 * PAGE), 1);
	assert_int_equal(heap.blocks.count, 1);
	heap_release(&heap);
}

static void origins_that_would_wrap_round(void **state)
{
	struct heap heap;
	struct err err;

	(void)state;
	heap_init(&heap);
	PART(&heap, STATE_MAPPINGS, UINT64_MAX);
	apply_one(&heap, record_head(R_MAP_ANON, 16 * PAGE), (uint64_t)3 << 32);
	/* A hole in its middle makes two pieces of it. */
	apply_one(&heap, record_head(R_UNMAP, 17 * PAGE), (uint64_t)1 << 32);
	assert_int_equal(heap.mappings.count, 2);
	assert_int_equal(heap_check(&heap, &err), 0);
	heap_release(&heap);
}

static void windows_that_were_not(void **state)
{
	struct heap heap;

	(void)state;
	heap_init(&heap);
	PART(&heap, STATE_WINDOWS, 5000, UINT64_MAX, 0);
	assert_int_equal(heap.windows.count, 1);
	/* origins; address, bytes, stack, window, anonymous, origin, further pieces */
	PART(&heap, STATE_MAPPINGS, 1, 16 * PAGE, PAGE, 0, 70000, 1, 1, 0);
	assert_int_equal(heap.mappings.count, 1);
	assert_int_equal(heap.mappings.items[0].window, 0);
	heap_release(&heap);
}

static void put_audits(struct heap *heap, size_t results)
{
	const struct profile_audit figures = {0};
	struct buf bytes = {0}, records = {0};

	for (size_t i = 0; i < 9; i++)
		buf_varint(&bytes, 0);
	buf_varint(&bytes, results);
	buf_append(&bytes, &figures, sizeof(figures));
	for (size_t i = 0; i < results; i++) {
		buf_varint(&bytes, i + 1);
		buf_varint(&bytes, i + 1);
		buf_append(&bytes, &figures, sizeof(figures));
	}
	stream_put_text(&records, R_STATE, STATE_AUDITS, bytes.data, bytes.len);
	apply(heap, &records);
	buf_release(&bytes);
	buf_release(&records);
}

static void no_more_audits_than_are_kept(void **state)
{
	struct heap heap;

	(void)state;
	heap_init(&heap);
	for (size_t i = 0; i < 3; i++)
		put_audits(&heap, AUDIT_LIMIT);
	assert_int_equal(heap.audits.count, AUDIT_LIMIT);
	heap_release(&heap);
}

static int keep(void *user, struct record *records, size_t count, struct err *err)
{
	(void)err;
	buf_append(user, records, count * sizeof(*records));
	return 0;
}

/* In the middle of the second collection. */
static void make_half_collected(struct heap *heap)
{
	const uint64_t gc = (uint64_t)F_GC << 32;

	for (uint64_t i = 1; i <= 3; i++)
		apply_one(heap, record_head(R_ALLOC_MALLOC, i * PAGE), i * 100 << 32);
	apply_one(heap, record_head(R_GC, R_GC_UNKNOWN), 0);
	apply_one(heap, record_head(R_FREE, PAGE), gc);
	apply_one(heap, record_head(R_GC, 1 | R_GC_END | 9 << R_GC_TIME_SHIFT), 1);
	apply_one(heap, record_head(R_GC, R_GC_UNKNOWN), 0);
	apply_one(heap, record_head(R_FREE, 2 * PAGE), gc);
}

static void a_collection_goes_on(void **state)
{
	struct buf records = {0};
	struct heap heap, other;
	struct err err;

	(void)state;
	heap_init(&heap);
	heap_init(&other);
	make_half_collected(&heap);
	assert_int_equal(heap_state_write(&heap, &(struct state_sink){keep, &records}, &err),
			 0);
	apply(&other, &records);
	assert_memory_equal(other.garbage.sums, heap.garbage.sums, sizeof(heap.garbage.sums));
	assert_int_equal(other.garbage.sums[1].took_ns, 9);
	assert_int_equal(other.sites.site[0].gc_freed_bytes, 300);
	apply_one(&other, record_head(R_GC, 2 | R_GC_END), 0);
	assert_int_equal(other.sites.site[0].gc_freed_bytes, 100);
	assert_int_equal(other.sites.site[0].gc_freed_blocks, 1);
	heap_release(&heap);
	heap_release(&other);
	buf_release(&records);
}

static void put_look(struct buf *records, uint64_t time_ns, uint32_t stack)
{
	const struct stream_resident look = {.time_ns = time_ns};
	const struct stream_mapped mapped = {.time_ns = time_ns,
					     .bytes = 9 * PAGE,
					     .resident_bytes = time_ns,
					     .stack = stack,
					     .part = RESIDENT_FILES};

	stream_put_group(records, record_head(R_RESIDENT, 0), 0, &look, sizeof(look));
	stream_put_group(records, record_head(R_MAPPED, 0), 0, &mapped, sizeof(mapped));
}

static void looks_and_what_was_mapped(void **state)
{
	struct buf looks = {0}, records = {0};
	struct heap heap, other;
	struct err err;

	(void)state;
	heap_init(&heap);
	heap_init(&other);
	put_look(&looks, 5, STREAM_OTHER_STACKS);
	/* A stack that nobody has defined. */
	put_look(&looks, 6, 77);
	apply(&heap, &looks);
	assert_int_equal(heap_state_write(&heap, &(struct state_sink){keep, &records}, &err),
			 0);
	apply(&other, &records);
	assert_int_equal(other.residents.count, 2);
	assert_int_equal(other.residents.mapped_count, 2);
	assert_memory_equal(other.residents.mapped, heap.residents.mapped,
			    2 * sizeof(*heap.residents.mapped));
	assert_int_equal(other.residents.mapped[0].stack, STREAM_OTHER_STACKS);
	assert_int_equal(other.residents.mapped[1].stack, 0);
	assert_int_equal(other.residents.mapped[1].resident_bytes, 6);
	heap_release(&heap);
	heap_release(&other);
	buf_release(&looks);
	buf_release(&records);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_freed_block_without_an_address),
		cmocka_unit_test(origins_that_would_wrap_round),
		cmocka_unit_test(windows_that_were_not),
		cmocka_unit_test(no_more_audits_than_are_kept),
		cmocka_unit_test(a_collection_goes_on),
		cmocka_unit_test(looks_and_what_was_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
