/* When a collection may begin: the countdown never misses the object that sets one off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "../../preload/gc_clock.h"

/* An interpreter of which nothing is known but its counts, and the hooks that count with it. */
struct interpreter {
	struct gc_young young;
	struct thread thread;
	uint64_t looks;
	uint32_t random;
};

static void begin(struct interpreter *interpreter, int32_t threshold)
{
	*interpreter = (struct interpreter){.young.threshold = threshold, .random = 1};
	interpreter->thread.objects_left = &gc_clock.objects_left;
	gc_clock_forget();
}

static bool often(struct interpreter *interpreter, uint32_t percent)
{
	interpreter->random = interpreter->random * 1664525 + 1013904223;
	return (interpreter->random >> 8) % 100 < percent;
}

/* Whether that starts a collection, as up to 3.11. */
static bool allocate(struct interpreter *interpreter, bool is_container)
{
	struct gc_young *young = &interpreter->young;

	if (gc_clock_count(&interpreter->thread)) {
		interpreter->looks++;
		gc_clock_expect(&interpreter->thread, young);
	}
	if (gc_clock.watching)
		gc_clock_start(&interpreter->thread);
	if (!is_container || ++young->count <= young->threshold)
		return false;
	young->count = 0;
	return true;
}

static void every_collection_is_timed(void **state)
{
	static const int32_t thresholds[] = {1, 2, 5, 50, 700, 2000, 100000};
	struct interpreter interpreter;

	(void)state;
	for (size_t i = 0; i < sizeof(thresholds) / sizeof(thresholds[0]); i++) {
		uint64_t collections = 0, objects = 0;

		begin(&interpreter, thresholds[i]);
		for (; collections < 20; objects++) {
			if (often(&interpreter, 30) && interpreter.young.count)
				interpreter.young.count--;
			if (!allocate(&interpreter, often(&interpreter, 80)))
				continue;
			collections++;
			assert_true(gc_clock_took(&interpreter.thread) > 0);
			gc_clock_forget();
		}
		/* Few are looked at, or the quick way would be none. */
		assert_true(thresholds[i] < 700 || interpreter.looks < objects / 20);
	}
}

static void nothing_is_waited_for_while_it_is_off(void **state)
{
	struct interpreter interpreter;

	(void)state;
	begin(&interpreter, 0);
	interpreter.young.count = -5000;
	for (unsigned i = 0; i < 4000; i++)
		assert_false(allocate(&interpreter, true));
	assert_false(gc_clock.watching);
	assert_int_equal(gc_clock_took(&interpreter.thread), 0);
	assert_true(interpreter.looks < 10);
}

static void a_long_wait_is_looked_at_now_and_then(void **state)
{
	struct interpreter interpreter;
	bool watched = false;

	(void)state;
	begin(&interpreter, 10);
	for (unsigned i = 0; i < 10; i++)
		allocate(&interpreter, true);
	/* The next container would start it; what comes are strings. */
	for (unsigned i = 0; i < 10000; i++) {
		assert_false(allocate(&interpreter, false));
		watched |= gc_clock.watching;
	}
	assert_true(watched);
	assert_false(gc_clock.watching);
	assert_true(interpreter.looks > 10000 / 64 && interpreter.looks < 10000 / 16);
	assert_true(allocate(&interpreter, true));
	assert_true(gc_clock_took(&interpreter.thread) > 0);
}

static void sleep_is_no_part_of_it(void **state)
{
	const struct timespec second = {.tv_sec = 1};
	struct thread other = {0};
	struct interpreter interpreter;

	(void)state;
	begin(&interpreter, 10);
	gc_clock_start(&interpreter.thread);
	nanosleep(&second, NULL);
	assert_in_range(gc_clock_took(&interpreter.thread), 1, 900000000);
	/* What another one computed nobody knows here. */
	assert_in_range(gc_clock_took(&other), 1000000000, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_collection_is_timed),
		cmocka_unit_test(nothing_is_waited_for_while_it_is_off),
		cmocka_unit_test(a_long_wait_is_looked_at_now_and_then),
		cmocka_unit_test(sleep_is_no_part_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
