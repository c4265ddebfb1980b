/* Single rules of the heap, one short stream each (random ones: test_heap_random.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/buf.h"
#include "../../collector/heap.h"
#include "../../collector/mem.h"

enum { MIB = 1 << 20, POOL = 16384, GC_SLOT = 5 };

#define ARENA 0x7f5500000000u
#define FIRST (ARENA + POOL_HEADER_BYTES)

static void feed(struct heap *heap, enum record_kind kind, uint64_t a, uint64_t b)
{
	struct record r = {record_head(kind, a), b};

	heap_apply(heap, &r, 1);
}

static void feed_small(struct heap *heap, uint64_t address, uint32_t stack, uint64_t bytes,
		       uint64_t class)
{
	feed(heap, R_SMALL_OBJECT, address, stack | bytes << 32 | class << 48);
}

/* Three stacks, one arena. */
static int setup(void **state)
{
	struct heap *heap = mem_alloc(sizeof(*heap));

	heap_init(heap);
	for (uint32_t id = 1; id <= 3; id++) {
		struct record node[2] = {
			{record_head(R_NODE, id),
			 (id - 1) | (uint64_t)STREAM_CODE_TRUNCATED << 32},
			{record_head(R_DATA, 0), 0},
		};
		heap_apply(heap, node, 2);
	}
	feed(heap, R_ARENA, ARENA, 1 | (uint64_t)MIB << 32);
	*state = heap;
	return 0;
}

static int teardown(void **state)
{
	struct heap *heap = *state;
	struct err err = {{0}};
	int failed = heap_check(heap, &err);

	if (failed)
		print_error("%s\n", err.text);
	heap_release(heap);
	free(heap);
	return failed;
}

static void test_the_address_decides(void **state)
{
	struct heap *heap = *state;

	feed_small(heap, FIRST, 1, 30, 2);
	/* PYTHONMALLOC=malloc, or a realloc that stayed where it was. */
	feed_small(heap, 0x600010, 1, 30, 2);
	feed(heap, R_ALLOC_OBJECT, FIRST + 64, 1 | (uint64_t)600 << 32);
	assert_int_equal(heap->arenas.arenas[0].live_blocks, 1);
	assert_int_equal(heap->blocks.count, 1);
	assert_int_equal(heap->arenas.misplaced, 1);
	assert_int_equal(heap->domain_bytes[DOMAIN_OBJECT], 60);
	assert_int_equal(heap->counts.allocations, 2);
	feed(heap, R_FREE, FIRST, 0);
	feed(heap, R_FREE, 0x600010, 0);
	feed(heap, R_FREE, FIRST + 64, 0);
	assert_int_equal(heap->counts.unknown_frees, 1);
	assert_int_equal(heap->sites.live_bytes, 0);
}

static void test_wide_sizes(void **state)
{
	struct heap *heap = *state;
	uint64_t bytes = (uint64_t)5 << 32;
	struct record wide[2] = {
		{record_head(R_ALLOC_MALLOC, 0x600000), 2 | (uint64_t)STREAM_SIZE_WIDE << 32},
		{record_head(R_DATA, bytes & 0xffffffffffff), bytes >> 48},
	};

	heap_apply(heap, wide, 2);
	assert_int_equal(heap->sites.site[2].live_bytes, bytes);
	feed(heap, R_ALLOC_MALLOC, 0x700000, 2 | (uint64_t)0xfffffffe << 32);
	assert_int_equal(heap->sites.live_bytes, bytes + 0xfffffffe);
}

/* A failed realloc: everything but the count of records is as if it had not been called. */
static void test_restore_is_exact(void **state)
{
	struct heap *heap = *state;

	feed_small(heap, FIRST + 16, 2, 30, 4); /* by the debug allocator's address */
	feed(heap, R_ALLOC_MEM, 0x600000, 3 | (uint64_t)700 << 32);
	feed(heap, R_TICK, 5000, 0);
	struct site before = heap->sites.site[2];
	uint64_t frees = heap->counts.frees;
	uint64_t slot = (uint64_t)GC_SLOT << 40, flags = (uint64_t)(F_REALLOC | F_GC) << 32;

	feed(heap, R_FREE, FIRST, flags | slot); /* named by its beginning */
	feed(heap, R_FREE, 0x600000, (uint64_t)F_REALLOC << 32);
	assert_int_equal(heap->sites.live_blocks, 0);
	feed(heap, R_RESTORE, FIRST, 0); /* another thread's slot, another address */
	assert_int_equal(heap->sites.live_blocks, 0);
	feed(heap, R_RESTORE, FIRST, GC_SLOT);
	feed(heap, R_RESTORE, 0x600000, 0);
	feed(heap, R_RESTORE, 0x600000, 0);
	assert_memory_equal(&heap->sites.site[2], &before, offsetof(struct site, peak_epoch));
	assert_int_equal(heap->sites.site[2].gc_freed_bytes, 0);
	assert_int_equal(heap->counts.frees, frees);
	assert_true(heap_knows(heap, FIRST + 16));
	assert_false(heap_knows(heap, FIRST));
	const struct large_block *large = block_table_find(&heap->blocks, 0x600000);
	assert_int_equal(large->window, 0);
	assert_int_equal(large->domain, DOMAIN_MEM);
	assert_int_equal(large->bytes, 700);
}

static void test_restore_of_an_unknown_block(void **state)
{
	struct heap *heap = *state;

	feed(heap, R_FREE, 0x600000, (uint64_t)F_REALLOC << 32);
	assert_int_equal(heap->counts.unknown_frees, 1);
	feed(heap, R_RESTORE, 0x600000, 0);
	assert_int_equal(heap->counts.unknown_frees, 0);
	feed(heap, R_RESTORE, 0x600000, UINT64_MAX);
	assert_int_equal(heap->sites.live_blocks, 0);
}

/* Where the block lay, an arena may lie by the time it comes back. */
static void test_restore_into_a_new_arena(void **state)
{
	struct heap *heap = *state;
	uint64_t address = ARENA + 8 * MIB + POOL_HEADER_BYTES;

	feed(heap, R_ALLOC_MALLOC, address, 1 | (uint64_t)700 << 32);
	feed(heap, R_FREE, address, (uint64_t)F_REALLOC << 32);
	feed(heap, R_ARENA, ARENA + 8 * MIB, 1 | (uint64_t)MIB << 32);
	feed(heap, R_RESTORE, address, 0);
	assert_int_equal(heap->sites.live_blocks, 0);
	assert_int_equal(heap->arenas.misplaced, 1);
}

/* The block is the new stack's, born now; all that is live is as much as before. */
static void test_a_block_from_a_free_list(void **state)
{
	struct heap *heap = *state;

	feed_small(heap, FIRST + 16, 2, 30, 4); /* by the debug allocator's address */
	feed(heap, R_ALLOC_OBJECT, 0x600000, 2 | (uint64_t)700 << 32);
	feed(heap, R_TICK, 5000, 0);
	uint64_t peak_ms = heap->sites.peak_ms;
	feed(heap, R_RETAG, FIRST + 16, 3);
	feed(heap, R_RETAG, 0x600000, 3);
	feed(heap, R_RETAG, 0x700000, 3); /* nothing lives there */
	feed(heap, R_RETAG, FIRST + 16384, 3);
	assert_int_equal(heap->sites.site[2].live_blocks, 0);
	assert_int_equal(heap->sites.site[2].freed_bytes, 730);
	assert_int_equal(heap->sites.site[3].live_bytes, 730);
	assert_int_equal(heap->sites.site[3].total_blocks, 2);
	assert_int_equal(heap->sites.live_bytes, 730);
	assert_int_equal(heap->sites.peak_bytes, 730);
	assert_int_equal(heap->sites.peak_ms, peak_ms);
	assert_int_equal(heap->counts.retags, 2);
	assert_int_equal(heap->counts.unknown_retags, 2);
	uint32_t class, window = block_table_find(&heap->blocks, 0x600000)->window;
	uint64_t address;
	const struct block *block = arena_map_find(&heap->arenas, FIRST, &class, &address);
	assert_int_equal(address, FIRST + 16);
	assert_int_equal(block->stack, 3);
	assert_int_equal(block->window, window);
	assert_int_not_equal(window, 0);
}

static void test_a_missed_free(void **state)
{
	struct heap *heap = *state;

	feed_small(heap, FIRST, 1, 30, 2);
	feed_small(heap, FIRST, 2, 20, 2);
	feed(heap, R_ALLOC_MALLOC, 0x600000, 1 | (uint64_t)100 << 32);
	feed(heap, R_ALLOC_MALLOC, 0x600000, 2 | (uint64_t)50 << 32);
	assert_int_equal(heap->counts.replaced, 2);
	assert_int_equal(heap->sites.site[1].live_blocks, 0);
	assert_int_equal(heap->sites.site[1].freed_bytes, 130);
	assert_int_equal(heap->sites.site[2].live_bytes, 70);
	/* The old ones go first: 20 + 100 was the most at one time. */
	assert_int_equal(heap->sites.peak_bytes, 120);
}

static void test_chunks_that_are_no_arenas(void **state)
{
	struct heap *heap = *state;

	feed(heap, R_ARENA, ARENA + 4 * MIB, 2 | (uint64_t)POOL << 32);
	assert_int_equal(heap->arenas.live_arenas, 1);
	assert_int_equal(heap->domain_bytes[DOMAIN_MAPPING], POOL);
	assert_int_equal(heap->sites.site[2].live_blocks, 1);
	feed(heap, R_ARENA_FREE, ARENA + 4 * MIB, (uint64_t)POOL << 32);
	assert_int_equal(heap->domain_blocks[DOMAIN_MAPPING], 0);
}

static void test_an_arena_that_goes_with_blocks(void **state)
{
	struct heap *heap = *state;

	feed_small(heap, FIRST, 1, 30, 2);
	feed_small(heap, FIRST + POOL, 2, 500, 32);
	feed(heap, R_ARENA_FREE, ARENA, (uint64_t)MIB << 32);
	assert_int_equal(heap->sites.live_blocks, 0);
	assert_int_equal(heap->counts.frees, 2);
	assert_int_equal(heap->arenas.arena_bytes, 0);
	feed(heap, R_FREE, FIRST, 0);
	assert_int_equal(heap->counts.unknown_frees, 1);
}

static void test_mappings_piece_by_piece(void **state)
{
	struct heap *heap = *state;

	feed(heap, R_MAP_ANON, 0x10000000, 1 | (uint64_t)10 << 32);
	feed(heap, R_MAP_FILE, 0x20000000, 1 | (uint64_t)10 << 32);
	assert_int_equal(heap->sites.site[1].live_bytes, 40960);
	feed(heap, R_UNMAP, 0x10000000 + 3 * 4096, (uint64_t)2 << 32);
	assert_int_equal(heap->sites.site[1].live_bytes, 8 * 4096);
	assert_int_equal(heap->sites.site[1].live_blocks, 1);
	assert_int_equal(heap->counts.frees, 0);
	feed(heap, R_UNMAP, 0x10000000, (uint64_t)0xffffffff << 32);
	assert_int_equal(heap->sites.site[1].live_blocks, 0);
	assert_int_equal(heap->mappings.count, 0);
	assert_int_equal(heap->counts.frees, 1);
}

static void free_in_collection(struct heap *heap, uint64_t address)
{
	feed(heap, R_FREE, address, (uint64_t)F_GC << 32);
}

/* Two blocks of 40 bytes of stack 1, one of 32 of stack 2, one larger one of stack 3. */
static void make_garbage(struct heap *heap)
{
	feed_small(heap, FIRST, 1, 40, 3);
	feed_small(heap, FIRST + 48, 1, 40, 3);
	feed_small(heap, FIRST + POOL, 2, 32, 2);
	feed(heap, R_ALLOC_MALLOC, 0x1000, 3 | (uint64_t)5000 << 32);
}

static void test_what_a_collection_freed_is_garbage(void **state)
{
	struct heap *heap = *state;
	const struct garbage_sum *sum = &heap->garbage.sums[1];

	make_garbage(heap);
	feed(heap, R_GC, R_GC_UNKNOWN, 0);
	free_in_collection(heap, FIRST);
	free_in_collection(heap, 0x1000);
	feed(heap, R_FREE, FIRST + 48, 0);
	feed(heap, R_GC, 1 | R_GC_END | (uint64_t)700 << R_GC_TIME_SHIFT, 2);
	assert_int_equal(heap->sites.site[1].gc_freed_bytes, 40);
	assert_int_equal(heap->sites.site[1].gc_freed_blocks, 1);
	assert_int_equal(heap->sites.site[3].gc_freed_bytes, 5000);
	assert_int_equal(sum->collections, 1);
	assert_int_equal(sum->objects, 2);
	assert_int_equal(sum->freed.bytes, 5040);
	assert_int_equal(sum->freed.blocks, 2);
	/* Without a beginning: no event fell in it. */
	feed(heap, R_GC, 1 | R_GC_END | (uint64_t)300 << R_GC_TIME_SHIFT, 0);
	assert_int_equal(heap->sites.site[1].gc_freed_bytes, 40);
	assert_int_equal(sum->collections, 2);
	assert_int_equal(sum->freed.blocks, 2);
	assert_int_equal(sum->timed, 2);
	assert_int_equal(sum->took_ns, 1000);
	assert_int_equal(sum->longest_ns, 700);
	feed(heap, R_GC, 1 | R_GC_END, 0);
	assert_int_equal(sum->collections, 3);
	assert_int_equal(sum->timed, 2);
}

static void test_what_a_collection_of_nothing_freed_is_no_garbage(void **state)
{
	struct heap *heap = *state;

	make_garbage(heap);
	feed(heap, R_GC, R_GC_UNKNOWN, 0);
	free_in_collection(heap, FIRST);
	feed(heap, R_GC, 2 | R_GC_END, 1);
	feed(heap, R_GC, R_GC_UNKNOWN, 0);
	free_in_collection(heap, FIRST + 48);
	free_in_collection(heap, FIRST + POOL);
	feed(heap, R_GC, 2 | R_GC_END, 0);
	assert_int_equal(heap->sites.site[1].gc_freed_bytes, 40);
	assert_int_equal(heap->sites.site[1].gc_freed_blocks, 1);
	assert_int_equal(heap->sites.site[1].freed_blocks, 2);
	assert_int_equal(heap->sites.site[2].gc_freed_bytes, 0);
	assert_int_equal(heap->sites.site[2].gc_freed_blocks, 0);
	assert_int_equal(heap->garbage.sums[2].freed.bytes, 40);
}

static void mark(struct heap *heap, const char *name, uint32_t origin)
{
	struct stream_mark figures = {.origin = origin};
	struct buf text = {0}, records = {0};

	buf_append(&text, &figures, sizeof(figures));
	buf_append(&text, name, strlen(name));
	stream_put_text(&records, R_MARK, 0, text.data, text.len);
	heap_apply(heap, (const struct record *)(const void *)records.data,
		   records.len / sizeof(struct record));
	buf_release(&text);
	buf_release(&records);
}

static void test_nothing_is_garbage_once_the_interpreter_ends(void **state)
{
	struct heap *heap = *state;

	make_garbage(heap);
	/* The program may call a mark of its own the same. */
	mark(heap, "end", MARK_PROGRAM);
	feed(heap, R_GC, R_GC_UNKNOWN, 0);
	free_in_collection(heap, FIRST);
	feed(heap, R_GC, 2 | R_GC_END, 1);
	assert_int_equal(heap->sites.site[1].gc_freed_blocks, 1);
	mark(heap, "end", MARK_TRACER);
	feed(heap, R_GC, R_GC_UNKNOWN, 0);
	free_in_collection(heap, FIRST + 48);
	feed(heap, R_GC, 2 | R_GC_END, 1);
	assert_int_equal(heap->sites.site[1].gc_freed_blocks, 1);
	assert_int_equal(heap->garbage.sums[2].collections, 1);
	assert_int_equal(heap->counts.collections[2], 2);
	/* Another interpreter in the same process. */
	mark(heap, "start", MARK_TRACER);
	feed(heap, R_GC, R_GC_UNKNOWN, 0);
	free_in_collection(heap, FIRST + POOL);
	feed(heap, R_GC, 2 | R_GC_END, 1);
	assert_int_equal(heap->sites.site[2].gc_freed_blocks, 1);
}

static void test_collections_and_counts(void **state)
{
	struct heap *heap = *state;

	feed(heap, R_GC, 2, 0);
	feed(heap, R_GC, 2 | R_GC_END, 77);
	feed(heap, R_GC, 200 | R_GC_END, 5);
	feed(heap, R_TEMP, 3, 640 | (uint64_t)10 << 40);
	feed(heap, R_LOST, 4, 99);
	feed(heap, R_COUNTS, 11, 12);
	feed(heap, R_NONE, 0, 0);
	assert_int_equal(heap->counts.collections[2], 1);
	assert_int_equal(heap->counts.collected[2], 77);
	assert_int_equal(heap->counts.cancelled_pairs, 10);
	assert_int_equal(heap->sites.site[3].temporary_bytes, 640);
	assert_int_equal(heap->counts.lost_slots, 4);
	assert_int_equal(heap->counts.dropped_events, 11);
	assert_int_equal(heap->counts.waited_ns, 12);
	assert_int_equal(heap->counts.records, 3 * 2 + 1 + 7);
}

static void test_ends(void **state)
{
	struct heap *heap = *state;

	feed(heap, R_EXEC, 0, 0);
	assert_int_equal(heap->end, HEAP_EXEC);
	feed(heap, R_EXEC, 0, 2);
	assert_int_equal(heap->end, HEAP_RUNNING);
	feed(heap, R_EXEC, 0, 0);
	feed(heap, R_DIED, 0, 0);
	assert_int_equal(heap->end, HEAP_EXEC);
	feed(heap, R_END, END_UNDERSCORE_EXIT, 3);
	assert_int_equal(heap->end, HEAP_UNDERSCORE_EXIT);
	assert_int_equal(heap->end_status, 3);
	feed(heap, R_END, END_EXIT, 0);
	feed(heap, R_DIED, 0, 0);
	feed(heap, R_EXEC, 0, 0);
	assert_int_equal(heap->end, HEAP_UNDERSCORE_EXIT);
	feed_small(heap, FIRST, 1, 30, 2); /* teardown goes on */
	assert_int_equal(heap->sites.live_bytes, 30);
}

static void test_dying(void **state)
{
	struct heap *heap = *state;

	feed(heap, R_DIED, 0, 0);
	assert_int_equal(heap->end, HEAP_DIED);
	feed(heap, R_END, END_EXIT, 0);
	assert_int_equal(heap->end, HEAP_DIED);
}

static void test_undefined_stacks_are_the_unknown_one(void **state)
{
	struct heap *heap = *state;

	feed(heap, R_ALLOC_MALLOC, 0x600000, UINT32_MAX | (uint64_t)100 << 32);
	feed(heap, R_TEMP, 0xffffffffffff, 1);
	assert_int_equal(heap->sites.site[0].live_bytes, 100);
	assert_int_equal(heap->sites.count, 1);
}

/* The check looks at the maps, not only at the books. */
static void test_check_finds_what_is_wrong(void **state)
{
	struct heap *heap = *state;
	struct err err;

	feed_small(heap, FIRST, 1, 30, 2);
	feed(heap, R_ALLOC_MALLOC, 0x600000, 2 | (uint64_t)100 << 32);
	feed(heap, R_MAP_ANON, 0x10000000, 1 | (uint64_t)10 << 32);
	assert_int_equal(heap_check(heap, &err), 0);
	struct block *block = &heap->arenas.arenas[0].pools[0]->blocks[0];
	block->bytes++;
	assert_int_equal(heap_check(heap, &err), -1);
	assert_non_null(strstr(err.text, "arena"));
	block->bytes--;
	block->stack = 2;
	assert_int_equal(heap_check(heap, &err), -1);
	block->stack = 3;
	assert_int_equal(heap_check(heap, &err), -1);
	block->stack = 1;
	block->object = 0;
	assert_int_equal(heap_check(heap, &err), -1);
	assert_non_null(strstr(err.text, "domain"));
	block->object = 1;
	heap->mappings.items[0].bytes--;
	assert_int_equal(heap_check(heap, &err), -1);
	heap->mappings.items[0].bytes++;
	heap->counts.frees++;
	assert_int_equal(heap_check(heap, &err), -1);
	heap->counts.frees--;
	assert_int_equal(heap_check(heap, &err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_address_decides),
		TEST(test_wide_sizes),
		TEST(test_restore_is_exact),
		TEST(test_restore_of_an_unknown_block),
		TEST(test_restore_into_a_new_arena),
		TEST(test_a_block_from_a_free_list),
		TEST(test_a_missed_free),
		TEST(test_chunks_that_are_no_arenas),
		TEST(test_an_arena_that_goes_with_blocks),
		TEST(test_mappings_piece_by_piece),
		TEST(test_what_a_collection_freed_is_garbage),
		TEST(test_what_a_collection_of_nothing_freed_is_no_garbage),
		TEST(test_nothing_is_garbage_once_the_interpreter_ends),
		TEST(test_collections_and_counts),
		TEST(test_ends),
		TEST(test_dying),
		TEST(test_undefined_stacks_are_the_unknown_one),
		TEST(test_check_finds_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
