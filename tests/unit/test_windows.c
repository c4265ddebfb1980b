/* Lengths and numbers of windows over a long run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/windows.h"

static void tick(struct windows *windows, uint64_t now_ms)
{
	windows_tick(windows, now_ms, now_ms + 1, now_ms + 2, now_ms + 3, now_ms + 4);
}

static void test_seconds_at_first(void **state)
{
	struct windows windows;

	(void)state;
	windows_init(&windows);
	assert_int_equal(windows_current(&windows), 0);
	tick(&windows, 999);
	assert_int_equal(windows_current(&windows), 0);
	tick(&windows, 1000);
	assert_int_equal(windows_current(&windows), 1);
	assert_int_equal(windows.items[0].rss_bytes, 1000);
	assert_int_equal(windows.items[1].start_ms, 1000);
	tick(&windows, 4095999);
	assert_int_equal(windows_current(&windows), 4095);
	windows_release(&windows);
}

/* 4,096 seconds, then 1,024 windows of 2 s, 1,024 of 4 s, ... */
static void test_then_twice_as_long(void **state)
{
	struct windows windows;
	uint64_t start = 4096 * 1000ull;

	(void)state;
	windows_init(&windows);
	for (uint32_t group = 0; group < 12; group++) {
		uint64_t length = 2000ull << group;
		tick(&windows, start);
		assert_int_equal(windows_current(&windows), 4096 + group * 1024);
		tick(&windows, start + length - 1);
		assert_int_equal(windows_current(&windows), 4096 + group * 1024);
		tick(&windows, start + length);
		assert_int_equal(windows_current(&windows), 4096 + group * 1024 + 1);
		start += length * 1024;
	}
	assert_true(start / 86400000 == 97);
	tick(&windows, start);
	assert_int_equal(windows_current(&windows), WINDOW_LIMIT - 1);
	tick(&windows, UINT64_MAX);
	assert_int_equal(windows_current(&windows), WINDOW_LIMIT - 1);
	assert_int_equal(windows.count, WINDOW_LIMIT);
	windows_release(&windows);
}

static void test_time_never_goes_back(void **state)
{
	struct windows windows;

	(void)state;
	windows_init(&windows);
	tick(&windows, 5000);
	tick(&windows, 3000);
	assert_int_equal(windows.now_ms, 5000);
	assert_int_equal(windows_current(&windows), 5);
	windows_release(&windows);
}

/* Nothing is known of a window without a tick but what was known before. */
static void test_windows_without_a_tick(void **state)
{
	struct windows windows;

	(void)state;
	windows_init(&windows);
	tick(&windows, 500);
	tick(&windows, 3500);
	assert_int_equal(windows.items[0].live_bytes, 502);
	assert_int_equal(windows.items[1].live_bytes, 502);
	assert_int_equal(windows.items[2].arena_bytes, 504);
	assert_int_equal(windows.items[3].live_blocks, 3503);
	windows_release(&windows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seconds_at_first),
		cmocka_unit_test(test_then_twice_as_long),
		cmocka_unit_test(test_time_never_goes_back),
		cmocka_unit_test(test_windows_without_a_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
