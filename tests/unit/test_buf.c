/* Bytes there and back; cursors over short and odd input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/buf.h"
#include "../../collector/err.h"
#include "../../collector/mem.h"

static void test_varints_of_every_length(void **state)
{
	struct buf buf;

	(void)state;
	for (unsigned int bits = 0; bits < 64; bits++) {
		uint64_t value = (uint64_t)1 << bits;
		buf_init(&buf);
		buf_varint(&buf, value);
		buf_varint(&buf, value - 1);
		assert_true(buf.len == bits / 7 + 1 + (bits == 0 ? 1 : (bits - 1) / 7 + 1));
		struct cursor c = cursor_over(buf.data, buf.len);
		assert_true(cursor_varint(&c) == value);
		assert_true(cursor_varint(&c) == value - 1);
		assert_false(c.failed);
		assert_ptr_equal(c.at, c.end);
		buf_release(&buf);
	}
}

static void test_varints_too_long_or_cut(void **state)
{
	static const uint8_t most[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 1};
	static const uint8_t wide[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 2};
	static const uint8_t endless[11] = {128, 128, 128, 128, 128, 128,
					    128, 128, 128, 128, 0};

	(void)state;
	struct cursor c = cursor_over(most, sizeof(most));
	assert_true(cursor_varint(&c) == UINT64_MAX);
	assert_false(c.failed);
	c = cursor_over(wide, sizeof(wide));
	assert_true(cursor_varint(&c) == 0 && c.failed);
	c = cursor_over(endless, sizeof(endless));
	assert_true(cursor_varint(&c) == 0 && c.failed);
	c = cursor_over(most, 4);
	assert_true(cursor_varint(&c) == 0 && c.failed);
	c = cursor_over(NULL, 0);
	assert_true(cursor_varint(&c) == 0 && c.failed);
}

static void test_a_failed_cursor_stays_failed(void **state)
{
	static const uint8_t bytes[4] = {1, 2, 3, 4};
	struct cursor c = cursor_over(bytes, sizeof(bytes));

	(void)state;
	assert_null(cursor_bytes(&c, 5));
	assert_true(c.failed);
	assert_null(cursor_bytes(&c, 1));
	assert_true(cursor_varint(&c) == 0);
	assert_null(cursor_text(&c));
	c = cursor_over(bytes, sizeof(bytes));
	assert_null(cursor_bytes(&c, SIZE_MAX));
	assert_true(c.failed);
}

static void test_texts_end_with_their_nul(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	buf_text(&buf, "one");
	buf_text(&buf, "");
	buf_append(&buf, "tail", 4);
	struct cursor c = cursor_over(buf.data, buf.len);
	assert_string_equal(cursor_text(&c), "one");
	assert_string_equal(cursor_text(&c), "");
	assert_null(cursor_text(&c));
	assert_true(c.failed);
	buf_release(&buf);
}

static void test_printf_appends_without_nul(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	buf_append(&buf, "a", 1);
	buf_printf(&buf, "%s-%d", "b", 42);
	buf_printf(&buf, "%*d", 5000, 7);
	assert_int_equal(buf.len, 5 + 5000);
	assert_memory_equal(buf.data, "ab-42 ", 6);
	assert_int_equal(buf.data[buf.len - 1], '7');
	buf_release(&buf);
}

static void test_err_prefix_keeps_the_front(void **state)
{
	struct err err;
	char longer[2000];

	(void)state;
	assert_int_equal(err_set(&err, "offset %d is wrong", 7), -1);
	assert_int_equal(err_prefix(&err, "file %s", "x"), -1);
	assert_string_equal(err.text, "file x: offset 7 is wrong");
	err_set(&err, "twice: %s", err.text);
	assert_string_equal(err.text, "twice: file x: offset 7 is wrong");
	memset(longer, 'p', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	err_prefix(&err, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(err.text[0], 'p');
	assert_int_equal(err_set(NULL, "nobody listens"), -1);
	assert_int_equal(err_prefix(NULL, "nobody listens"), -1);
}

static void test_grown_arrays_have_room(void **state)
{
	size_t capacity = 0;
	uint32_t *items = NULL;

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		size_t before = capacity;
		items = mem_grow(items, &capacity, i + 1, sizeof(*items));
		assert_true(capacity > i);
		assert_true(capacity == before || capacity >= before + before / 2);
		items[i] = (uint32_t)i;
	}
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_varints_of_every_length),
		cmocka_unit_test(test_varints_too_long_or_cut),
		cmocka_unit_test(test_a_failed_cursor_stays_failed),
		cmocka_unit_test(test_texts_end_with_their_nul),
		cmocka_unit_test(test_printf_appends_without_nul),
		cmocka_unit_test(test_err_prefix_keeps_the_front),
		cmocka_unit_test(test_grown_arrays_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
