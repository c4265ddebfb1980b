/* Pools as CPython lays them out, made by hand: whole ones, and lists that lead anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/pool.h"

enum { BYTES = POOL_MOST_BYTES, CLASS = 4, BLOCK = CLASS * POOL_CLASS_STEP_BYTES, CARVED = 20 };

static char *memory;

static struct pool_header *header(void)
{
	return (struct pool_header *)(void *)memory;
}

static uint64_t block_at(uint32_t index)
{
	return (uintptr_t)memory + sizeof(struct pool_header) + (uint64_t)index * BLOCK;
}

/* A pool of CARVED blocks with those of the list free, which ends with `last`. */
static void lay_out(const uint32_t *list, size_t count, uint64_t last)
{
	memset(memory, 0xa5, BYTES);
	*header() = (struct pool_header){
		.live = CARVED - (uint32_t)count,
		.free_block = count ? block_at(list[0]) : last,
		.class_index = CLASS - 1,
		.next_offset = sizeof(struct pool_header) + CARVED * BLOCK,
	};
	for (size_t i = 0; i < count; i++) {
		uint64_t next = i + 1 < count ? block_at(list[i + 1]) : last;

		memcpy((void *)(uintptr_t)block_at(list[i]), &next, sizeof(next));
	}
}

static uint32_t live_bits(void)
{
	uint8_t bits[POOL_BITS_BYTES] = {0};
	struct pool pool;

	assert_true(pool_read((uintptr_t)memory, BYTES, &pool));
	assert_int_equal(pool.class, CLASS);
	assert_int_equal(pool_live_bits(&pool, bits), (CARVED + 7) / 8);
	return bits[0] | (uint32_t)bits[1] << 8 | (uint32_t)bits[2] << 16;
}

static void free_blocks_are_those_on_the_list(void **state)
{
	static const uint32_t few[] = {3}, many[] = {0, 19, 7, 1, 2, 3, 4, 5, 6, 8, 9, 10};
	const uint32_t all = (1u << CARVED) - 1;

	(void)state;
	lay_out(NULL, 0, 0);
	assert_int_equal(live_bits(), all);
	lay_out(few, 1, 0);
	assert_int_equal(live_bits(), all & ~(1u << 3));
	lay_out(many, 12, 0);
	assert_int_equal(live_bits(), 0x7f800);
}

static void a_damaged_list_ends_where_it_leaves_the_pool(void **state)
{
	static const uint32_t list[] = {5, 6};
	const uint32_t without = ((1u << CARVED) - 1) & ~(3u << 5);

	(void)state;
	const uint64_t strays[] = {block_at(5),
				   block_at(6),
				   block_at(7) + 8,
				   block_at(CARVED),
				   8,
				   UINT64_MAX,
				   (uintptr_t)memory,
				   block_at(0) - BLOCK,
				   block_at(0) + (1ULL << 32)};

	for (size_t i = 0; i < sizeof(strays) / sizeof(*strays); i++) {
		lay_out(list, 2, strays[i]);
		assert_int_equal(live_bits(), without);
	}
}

static void what_is_no_pool_is_passed_over(void **state)
{
	struct pool pool;

	(void)state;
	lay_out(NULL, 0, 0);
	header()->live = 0;
	assert_false(pool_read((uintptr_t)memory, BYTES, &pool));
	lay_out(NULL, 0, 0);
	header()->live = 1 << 16;
	assert_false(pool_read((uintptr_t)memory, BYTES, &pool));
	lay_out(NULL, 0, 0);
	header()->class_index = POOL_CLASSES;
	assert_false(pool_read((uintptr_t)memory, BYTES, &pool));
	lay_out(NULL, 0, 0);
	header()->next_offset = BYTES + 1;
	assert_false(pool_read((uintptr_t)memory, BYTES, &pool));
	header()->next_offset = 47;
	assert_false(pool_read((uintptr_t)memory, BYTES, &pool));
}

static void a_full_pool_has_as_many_as_fit(void **state)
{
	struct pool pool;

	(void)state;
	lay_out(NULL, 0, 0);
	assert_true(pool_read((uintptr_t)memory, BYTES, &pool));
	assert_false(pool_is_full(&pool));
	header()->live = (BYTES - 48) / BLOCK;
	assert_true(pool_read((uintptr_t)memory, BYTES, &pool));
	assert_true(pool_is_full(&pool));
	assert_int_equal(pool_bytes_in(256 << 10), 4096);
	assert_int_equal(pool_bytes_in(1 << 20), 16384);
	assert_int_equal(pool_bytes_in(2 << 20), 16384);
}

static int make_memory(void **state)
{
	(void)state;
	memory = aligned_alloc(BYTES, BYTES);
	return memory ? 0 : -1;
}

static int drop_memory(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_blocks_are_those_on_the_list),
		cmocka_unit_test(a_damaged_list_ends_where_it_leaves_the_pool),
		cmocka_unit_test(what_is_no_pool_is_passed_over),
		cmocka_unit_test(a_full_pool_has_as_many_as_fit),
	};

	return cmocka_run_group_tests(tests, make_memory, drop_memory);
}
