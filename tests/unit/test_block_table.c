/* The table against a plain array; growth and memory a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/block_table.h"

enum { ADDRESSES = 700, STEPS = 80000 };

static uint64_t address_of(uint32_t i)
{
	return 0x555500000000u + (uint64_t)i * 48;
}

static void test_equals_an_array(void **state)
{
	static uint64_t want[ADDRESSES]; /* bytes, 0: free */
	struct block_table table;
	uint64_t random = 9;

	(void)state;
	block_table_init(&table);
	for (uint32_t step = 1; step <= STEPS; step++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint32_t i = (uint32_t)(random >> 33) % ADDRESSES;
		struct large_block old = {0}, block = {.address = address_of(i),
						       .bytes = step,
						       .stack = i};
		if (random >> 63) {
			assert_int_equal(block_table_put(&table, block, &old), want[i] == 0);
			assert_true(old.bytes == want[i]);
			want[i] = step;
		} else {
			assert_int_equal(block_table_take(&table, address_of(i), &old),
					 want[i] != 0);
			assert_true(old.bytes == want[i]);
			want[i] = 0;
		}
		if (step % 997)
			continue;
		for (uint32_t k = 0; k < ADDRESSES; k++) {
			const struct large_block *found = block_table_find(&table,
									   address_of(k));
			assert_int_equal(found ? found->bytes : 0, want[k]);
			assert_true(!found || found->stack == k);
		}
	}
	block_table_release(&table);
}

/* What the goal for the collector's memory allows. */
static void test_at_most_forty_bytes_a_block(void **state)
{
	struct block_table table;

	(void)state;
	block_table_init(&table);
	for (uint32_t i = 0; i < 1500000; i++) {
		assert_true(block_table_put(
			&table, (struct large_block){.address = address_of(i)}, NULL));
		assert_true(table.capacity * sizeof(*table.slots) <=
			    (size_t)(i + 1) * 40 + (12 << 20));
	}
	for (uint32_t i = 0; i < 1500000; i++)
		assert_non_null(block_table_find(&table, address_of(i)));
	assert_int_equal(table.count, 1500000);
	block_table_release(&table);
}

static void test_empty_table(void **state)
{
	struct block_table table;
	struct large_block block;

	(void)state;
	block_table_init(&table);
	assert_null(block_table_find(&table, 16));
	assert_false(block_table_take(&table, 16, &block));
	block_table_put(&table, (struct large_block){.address = 16}, NULL);
	assert_null(block_table_find(&table, 0));
	assert_false(block_table_take(&table, 0, &block));
	block_table_release(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_an_array),
		cmocka_unit_test(test_at_most_forty_bytes_a_block),
		cmocka_unit_test(test_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
