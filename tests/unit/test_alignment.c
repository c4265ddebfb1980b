/*
 * Lines side by side, against a model that tries everything: how many can be paired at most,
 * and what the rule for edited lines makes of the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../reporter/alignment.h"

enum { MOST = 9, PRINTS = 3, ROUNDS = 4000 };

static uint64_t seed = 1;

static uint64_t pick(uint64_t count)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % count;
}

static size_t make(struct function_line *lines)
{
	const size_t count = pick(MOST + 1);
	for (size_t i = 0; i < count; i++)
		lines[i] = (struct function_line){(int32_t)i, 0, 100 + pick(PRINTS)};
	return count;
}

/* The longest common subsequence, without remembering anything. */
static size_t model_length(const struct function_line *a, size_t a_count,
			   const struct function_line *b, size_t b_count)
{
	if (!a_count || !b_count)
		return 0;
	if (a[0].print == b[0].print)
		return 1 + model_length(a + 1, a_count - 1, b + 1, b_count - 1);
	const size_t one = model_length(a + 1, a_count - 1, b, b_count);
	const size_t other = model_length(a, a_count, b + 1, b_count - 1);
	return one > other ? one : other;
}

/* Between lines that are the same on both sides: all are paired, or none. */
static void check_gap(const uint32_t *of, size_t start, size_t end, size_t b_start,
		      size_t b_end)
{
	for (size_t i = start; i < end; i++)
		assert_int_equal(of[i], end - start == b_end - b_start ? b_start + (i - start)
								       : ALIGNMENT_NONE);
}

static void check(const struct function_line *a, size_t a_count, const struct function_line *b,
		  size_t b_count)
{
	uint32_t of[MOST + 1];
	size_t equal = 0, gap = 0, b_gap = 0;
	alignment_find(a, a_count, b, b_count, of);
	for (size_t i = 0; i < a_count; i++) {
		if (of[i] == ALIGNMENT_NONE)
			continue;
		assert_true(of[i] < b_count && of[i] >= b_gap);
		if (a[i].print != b[of[i]].print)
			continue;
		equal++;
		check_gap(of, gap, i, b_gap, of[i]);
		gap = i + 1;
		b_gap = of[i] + 1;
	}
	check_gap(of, gap, a_count, b_gap, b_count);
	assert_int_equal(equal, model_length(a, a_count, b, b_count));
}

static void test_random_functions(void **state)
{
	(void)state;
	for (size_t round = 0; round < ROUNDS; round++) {
		struct function_line a[MOST], b[MOST];
		const size_t a_count = make(a), b_count = make(b);
		check(a, a_count, b, b_count);
	}
}

/* As random ones hardly ever are: the same, but for a line that is new. */
static void test_one_new_line(void **state)
{
	(void)state;
	for (size_t round = 0; round < ROUNDS; round++) {
		struct function_line a[MOST], b[MOST + 1];
		uint32_t of[MOST];
		const size_t count = make(a), at = pick(count + 1);
		for (size_t i = 0; i < count; i++)
			b[i + (i >= at)] = a[i];
		b[at] = (struct function_line){0, 0, 7};
		alignment_find(a, count, b, count + 1, of);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(of[i], i + (i >= at));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_functions),
		cmocka_unit_test(test_one_new_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
