/* The table against a plain array, with keys that differ in few bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/u64map.h"

enum { KEYS = 500, STEPS = 60000 };

static uint64_t key_of(uint32_t i, unsigned int shift)
{
	return ((uint64_t)i + 1) << shift;
}

/* Every key is where the array says, with its value; no others are. */
static void assert_same(const struct u64map *map, const uint64_t *want, unsigned int shift)
{
	size_t live = 0;

	for (uint32_t i = 0; i < KEYS; i++) {
		const uint64_t *value = u64map_get(map, key_of(i, shift));
		assert_int_equal(value != NULL, want[i] != 0);
		if (value)
			assert_true(*value == want[i]);
		live += want[i] != 0;
	}
	assert_int_equal(map->count, live);
}

static void churn(unsigned int shift)
{
	uint64_t want[KEYS] = {0}, random = shift + 1, value;
	struct u64map map;

	u64map_init(&map);
	for (uint32_t step = 1; step <= STEPS; step++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint32_t i = (uint32_t)(random >> 33) % KEYS;
		if (random >> 63) {
			uint64_t *slot = u64map_put(&map, key_of(i, shift));
			assert_true(*slot == want[i]);
			*slot = want[i] = step;
		} else {
			value = 0;
			assert_int_equal(u64map_remove(&map, key_of(i, shift), &value),
					 want[i] != 0);
			assert_true(value == want[i]);
			want[i] = 0;
		}
		if (step % 1000 == 0)
			assert_same(&map, want, shift);
	}
	assert_true(map.count * 4 <= map.capacity * 3);
	u64map_release(&map);
}

static void test_equals_an_array(void **state)
{
	(void)state;
	churn(0);
	churn(4);
	churn(12);
	churn(54);
}

static void test_empty_map(void **state)
{
	struct u64map map;

	(void)state;
	u64map_init(&map);
	assert_null(u64map_get(&map, 1));
	assert_false(u64map_remove(&map, 1, NULL));
	assert_int_equal(*u64map_put(&map, UINT64_MAX), 0);
	assert_true(u64map_remove(&map, UINT64_MAX, NULL));
	assert_int_equal(map.count, 0);
	u64map_release(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_an_array),
		cmocka_unit_test(test_empty_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
