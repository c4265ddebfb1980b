/*
 * Text in a fixed buffer: what fits stands there, what doesn't is cut, and the end is always
 * marked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/words.h"

static void test_pieces_follow_each_other(void **state)
{
	char buffer[64];
	struct words words = words_over(buffer, sizeof(buffer));

	(void)state;
	assert_string_equal(buffer, "");
	words_add(&words, "/proc/");
	words_number(&words, 4711);
	words_char(&words, '/');
	words_bytes(&words, "maps and more", 4);
	assert_string_equal(buffer, "/proc/4711/maps");
	assert_int_equal(words.len, strlen(buffer));
	assert_false(words.cut);
}

static void test_numbers_are_printfs(void **state)
{
	static const uint64_t numbers[] = {
		0, 9, 10, 99, 100, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
	char buffer[32], wanted[32];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct words words = words_over(buffer, sizeof(buffer));

		words_number(&words, numbers[i]);
		snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)numbers[i]);
		assert_string_equal(buffer, wanted);
	}
}

/* In every room from the smallest on, with a guard behind it. */
static void test_what_does_not_fit_is_cut(void **state)
{
	static const char text[] = "twelve bytes";
	const size_t len = sizeof(text) - 1;
	char buffer[32];

	(void)state;
	for (size_t capacity = 1; capacity <= len + 3; capacity++) {
		memset(buffer, '#', sizeof(buffer));
		struct words words = words_over(buffer, capacity);
		size_t kept = len < capacity ? len : capacity - 1;

		words_add(&words, text);
		assert_int_equal(words.len, kept);
		assert_memory_equal(buffer, text, kept);
		assert_int_equal(buffer[kept], '\0');
		assert_int_equal(buffer[capacity], '#');
		assert_int_equal(words.cut, kept < len);
		/* Full stays full. */
		words_char(&words, '!');
		assert_int_equal(words.len, kept + 1 < capacity ? kept + 1 : capacity - 1);
		assert_int_equal(buffer[capacity], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_follow_each_other),
		cmocka_unit_test(test_numbers_are_printfs),
		cmocka_unit_test(test_what_does_not_fit_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
