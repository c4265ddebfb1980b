/* Geometry of arenas, pools and blocks, by numbers that obmalloc.c gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/arena_map.h"
#include "../../preload/stream.h"

enum { MIB = 1 << 20, POOL = 16384, SMALL_POOL = 4096 };

#define BASE 0x7f5500000000u

static struct block block_of(uint32_t stack, uint32_t bytes)
{
	return (struct block){.stack = stack, .bytes = bytes & 1023};
}

static enum arena_answer alloc(struct arena_map *map, uint64_t address, uint32_t class,
			       uint32_t bytes)
{
	struct block old;

	return arena_map_alloc(map, address, class, block_of(1, bytes), &old);
}

/* Every block of a pool of every class, and nothing beside them. */
static void fill_pools(uint32_t arena_bytes, uint32_t pool_bytes)
{
	struct arena_map map;
	struct block freed;

	arena_map_init(&map);
	assert_true(arena_map_add(&map, BASE, arena_bytes, 0, 0));
	for (uint32_t class = 1; class <= POOL_CLASSES; class++) {
		uint64_t first = BASE + class * pool_bytes + POOL_HEADER_BYTES;
		uint32_t size = class * 16, many = (pool_bytes - 48) / size;
		for (uint32_t i = 0; i < many; i++)
			assert_int_equal(alloc(&map, first + i * size, class, size),
					 ARENA_DONE);
		assert_int_equal(alloc(&map, first + many * size, class, size),
				 ARENA_MISPLACED);
		assert_int_equal(alloc(&map, first - 16, class, size), ARENA_MISPLACED);
		assert_int_equal(pool_capacity(&map, class), many);
		assert_int_equal(map.arenas[0].live_blocks, many);
		assert_int_equal(map.arenas[0].live_bytes, (uint64_t)many * size);
		for (uint32_t i = many; i-- > 0;) {
			assert_int_equal(arena_map_free(&map, first + i * size, &freed),
					 ARENA_DONE);
			assert_int_equal(freed.bytes, size);
			assert_int_equal(arena_map_free(&map, first + i * size, &freed),
					 ARENA_MISPLACED);
		}
	}
	assert_int_equal(map.misplaced, 2 * POOL_CLASSES);
	arena_map_release(&map);
}

static void test_every_block_of_every_class(void **state)
{
	(void)state;
	fill_pools(MIB, POOL);
	fill_pools(256 << 10, SMALL_POOL);
	/* Of an interpreter built to use huge pages. */
	fill_pools(2 * MIB, POOL);
}

/* 63 whole pools; the odd ends belong to the arena, but hold no blocks. */
static void test_unaligned_arena(void **state)
{
	uint64_t start = BASE + 4096, end = start + MIB;
	struct arena_map map;

	(void)state;
	arena_map_init(&map);
	assert_true(arena_map_add(&map, start, MIB, 0, 0));
	assert_int_equal(map.arenas[0].pool_count, 63);
	assert_int_equal(map.arenas[0].first_pool, BASE + POOL);
	assert_false(arena_map_covers(&map, start - 1));
	assert_true(arena_map_covers(&map, start));
	assert_true(arena_map_covers(&map, end - 1));
	assert_false(arena_map_covers(&map, end));
	assert_int_equal(alloc(&map, start + 48, 1, 16), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, end - 64, 1, 16), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, start - 64, 1, 16), ARENA_OUTSIDE);
	assert_int_equal(alloc(&map, BASE + POOL + 48, 1, 16), ARENA_DONE);

	/* A neighbour whose beginning shares the piece that this one ends in. */
	assert_true(arena_map_add(&map, end, MIB, 0, 0));
	assert_true(arena_map_covers(&map, end));
	assert_false(arena_map_add(&map, end - 4096, MIB, 0, 0));
	assert_true(arena_map_remove(&map, start, NULL, NULL));
	assert_false(arena_map_covers(&map, end - 1));
	assert_true(arena_map_covers(&map, end));
	assert_true(arena_map_remove(&map, end, NULL, NULL));
	assert_int_equal(map.arena_bytes, 0);
	assert_int_equal(map.most_arenas, 2);
	arena_map_release(&map);
}

static void test_what_is_no_arena(void **state)
{
	struct arena_map map;

	(void)state;
	arena_map_init(&map);
	assert_false(arena_map_add(&map, BASE, 16384, 0, 0));
	assert_false(arena_map_add(&map, BASE, 512 << 10, 0, 0));
	assert_false(arena_map_add(&map, BASE, 3 * MIB, 0, 0));
	assert_false(arena_map_add(&map, BASE, 1u << 31, 0, 0));
	assert_false(arena_map_add(&map, BASE + 8, MIB, 0, 0));
	assert_false(arena_map_add(&map, 0, MIB, 0, 0));
	assert_false(arena_map_add(&map, ((uint64_t)1 << 48) - MIB / 2, MIB, 0, 0));
	assert_true(arena_map_add(&map, BASE, MIB, 0, 0));
	assert_false(arena_map_add(&map, BASE + MIB, 256 << 10, 0, 0));
	assert_false(arena_map_add(&map, BASE, MIB, 0, 0));
	assert_false(arena_map_remove(&map, BASE + POOL, NULL, NULL));
	assert_false(arena_map_remove(&map, UINT64_MAX, NULL, NULL));
	assert_int_equal(map.live_arenas, 1);
	arena_map_release(&map);
}

/* Both ends of the address space that a record can name. */
static void test_whole_address_space(void **state)
{
	uint64_t last = ((uint64_t)1 << 48) - MIB;
	struct arena_map map;

	(void)state;
	arena_map_init(&map);
	assert_false(arena_map_covers(&map, BASE));
	assert_true(arena_map_add(&map, MIB, MIB, 0, 0));
	assert_true(arena_map_add(&map, last, MIB, 0, 0));
	assert_int_equal(alloc(&map, MIB + 48, 32, 512), ARENA_DONE);
	assert_int_equal(alloc(&map, last + MIB - POOL + 48, 32, 512), ARENA_DONE);
	assert_false(arena_map_covers(&map, UINT64_MAX));
	assert_int_equal(alloc(&map, UINT64_MAX - 15, 32, 512), ARENA_OUTSIDE);
	arena_map_release(&map);
}

static void test_classes_of_a_pool(void **state)
{
	uint64_t first = BASE + POOL_HEADER_BYTES;
	struct arena_map map;
	struct block freed;

	(void)state;
	arena_map_init(&map);
	arena_map_add(&map, BASE, MIB, 0, 0);
	assert_int_equal(alloc(&map, first, STREAM_CLASS_KEPT, 16), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, first, 0, 16), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, first, 33, 16), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, first, 255, 16), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, first, 3, 49), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, first, 3, 48), ARENA_DONE);
	assert_int_equal(alloc(&map, first + 64, 4, 64), ARENA_MISPLACED);
	assert_int_equal(alloc(&map, first + 48, STREAM_CLASS_KEPT, 20), ARENA_DONE);
	assert_int_equal(arena_map_free(&map, first, &freed), ARENA_DONE);
	assert_int_equal(arena_map_free(&map, first + 48, &freed), ARENA_DONE);
	assert_int_equal(freed.bytes, 20);
	/* Emptied, the pool takes another class, but keeps the last one for a realloc. */
	assert_int_equal(alloc(&map, first + 48, STREAM_CLASS_KEPT, 20), ARENA_DONE);
	assert_int_equal(arena_map_free(&map, first + 48, &freed), ARENA_DONE);
	assert_int_equal(alloc(&map, first + 64, 4, 64), ARENA_DONE);
	assert_int_equal(map.misplaced, 6);
	arena_map_release(&map);
}

static void test_debug_allocators(void **state)
{
	uint64_t first = BASE + POOL_HEADER_BYTES, given_out_at;
	struct arena_map map;
	struct block freed;
	uint32_t class;

	(void)state;
	arena_map_init(&map);
	arena_map_add(&map, BASE, MIB, 0, 0);
	assert_int_equal(alloc(&map, first + 5 * 64 + 16, 4, 40), ARENA_DONE);
	assert_int_equal(alloc(&map, first + 5 * 64 + 32, 4, 40), ARENA_MISPLACED);
	const struct block *block = arena_map_find(&map, first + 5 * 64 + 63, &class,
						   &given_out_at);
	assert_non_null(block);
	assert_int_equal(block->shifted, 1);
	assert_int_equal(class, 4);
	assert_int_equal(given_out_at, first + 5 * 64 + 16);
	assert_null(arena_map_find(&map, first + 6 * 64, &class, &given_out_at));
	/* The allocator beneath knows the same block by its beginning. */
	assert_int_equal(arena_map_free(&map, first + 5 * 64, &freed), ARENA_DONE);
	arena_map_release(&map);
}

struct seen {
	uint64_t sum;
	int count;
};

static void see(void *user, uint64_t address, const struct block *block)
{
	struct seen *seen = user;

	seen->sum += address - BASE + block->bytes;
	seen->count++;
}

static void test_an_arena_goes_with_its_blocks(void **state)
{
	uint64_t first = BASE + 3 * POOL + POOL_HEADER_BYTES;
	struct seen seen = {0};
	struct arena_map map;
	struct block freed;

	(void)state;
	arena_map_init(&map);
	arena_map_add(&map, BASE, MIB, 0, 0);
	alloc(&map, first, 1, 10);
	alloc(&map, first + POOL, 32, 500);
	alloc(&map, first + 16, 1, 11);
	arena_map_free(&map, first + 16, &freed);
	assert_true(arena_map_remove(&map, BASE, see, &seen));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.sum, 2 * (first - BASE) + POOL + 510);
	assert_false(arena_map_remove(&map, BASE, see, &seen));
	/* The next one at that place begins empty. */
	assert_true(arena_map_add(&map, BASE, MIB, 0, 0));
	assert_int_equal(arena_map_free(&map, first, &freed), ARENA_MISPLACED);
	assert_int_equal(map.arenas[0].live_blocks, 0);
	arena_map_release(&map);
}

/* Block arrays of emptied pools are given back, but not those of the latest ones. */
static void test_memory_of_emptied_pools(void **state)
{
	struct arena_map map;
	struct block freed;
	size_t kept = 0;

	(void)state;
	arena_map_init(&map);
	for (uint64_t a = 0; a < 20; a++)
		assert_true(arena_map_add(&map, BASE + a * MIB, MIB, 0, 0));
	for (uint64_t a = 0; a < 40; a++) {
		for (uint64_t p = 0; p < 64; p++) {
			uint64_t address = BASE + a % 20 * MIB + p * POOL + POOL_HEADER_BYTES;
			assert_int_equal(alloc(&map, address, 1, 16), ARENA_DONE);
			assert_int_equal(arena_map_free(&map, address, &freed), ARENA_DONE);
		}
	}
	for (size_t a = 0; a < map.arena_count; a++) {
		for (uint32_t p = 0; p < map.arenas[a].pool_count; p++)
			kept += map.arenas[a].pools[p]->blocks != NULL;
	}
	assert_int_equal(kept, ARENA_MAP_IDLE_POOLS);
	/* One that lost its array is as good as any. */
	assert_int_equal(alloc(&map, BASE + POOL_HEADER_BYTES, STREAM_CLASS_KEPT, 16),
			 ARENA_DONE);
	assert_int_equal(arena_map_free(&map, BASE + POOL_HEADER_BYTES, &freed), ARENA_DONE);
	arena_map_release(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_block_of_every_class),
		cmocka_unit_test(test_unaligned_arena),
		cmocka_unit_test(test_what_is_no_arena),
		cmocka_unit_test(test_whole_address_space),
		cmocka_unit_test(test_classes_of_a_pool),
		cmocka_unit_test(test_debug_allocators),
		cmocka_unit_test(test_an_arena_goes_with_its_blocks),
		cmocka_unit_test(test_memory_of_emptied_pools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
