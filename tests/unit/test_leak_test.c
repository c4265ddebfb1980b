/* Series of a known kind, with noise, must be told for what they are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../reporter/leak_test.h"

enum { SERIES = 200, SLICES = HISTORY_MOST_SLICES, MIB = 1 << 20 };

static uint64_t seed;

static double uniform(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(seed >> 11) / (double)(1ULL << 53);
}

/* As many groups as series, each of one stack. */
struct made {
	struct profile profile;
	struct lines lines;
	struct grouping grouping;
	struct history history;
	struct leak_tests tests;
	struct profile_lifetime lifetimes[SERIES];
	uint32_t same[SERIES + 1];
	uint64_t bytes[SERIES * SLICES], blocks[SERIES * SLICES], born[SERIES * SLICES];
};

static void make(struct made *made, size_t slices, double seconds)
{
	*made = (struct made){.history = {.count = slices, .group_count = SERIES}};
	for (uint32_t i = 0; i <= SERIES; i++)
		made->same[i] = i;
	for (uint32_t i = 0; i < SERIES; i++)
		made->lifetimes[i].stack = i;
	for (size_t i = 0; i < SERIES * SLICES; i++)
		made->born[i] = 100;
	for (size_t i = 0; i < slices; i++) {
		made->history.seconds[i] = seconds * (double)(i + 1) / (double)slices;
		made->history.marks[i] = (double)(i + 1);
	}
	made->history.bytes = made->bytes;
	made->history.blocks = made->blocks;
	made->profile.lifetimes = made->lifetimes;
	made->profile.lifetime_count = SERIES;
	made->profile.node_count = SERIES;
	made->lines.profile = &made->profile;
	made->lines.trace_of = made->same;
	made->lines.trace_count = SERIES;
	made->grouping = (struct grouping){
		.lines = &made->lines, .count = SERIES, .of_trace = made->same};
}

static void test(struct made *made)
{
	const struct moment end = {.kind = MOMENT_LAST};

	const struct births births = {
		.slices = made->history.count, .group_count = SERIES, .born = made->born};

	leak_tests_compute(&made->grouping, &made->history, &births, &end, &made->tests);
}

static size_t count_of(const struct made *made, enum leak_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < SERIES; i++)
		count += made->tests.items[i].kind == kind;
	return count;
}

/* What was live by its kind, x from 0 to 1. */
typedef double series(double x);

static double leak(double x)
{
	return 4.0 * MIB * x;
}

static double cache(double x)
{
	return 4.0 * MIB * (1 - exp(-8 * x));
}

/* Fills a little at its very end yet. */
static double slow_cache(double x)
{
	return 4.0 * MIB * (1 - exp(-4 * x));
}

/* A hash table's own memory, twice as large from time to time. */
static double doubled(double x)
{
	return MIB * (x < 0.1 ? 0.5 : x < 0.3 ? 1 : x < 0.8 ? 2 : 4);
}

static double sawtooth(double x)
{
	return 4.0 * MIB * fmod(9 * x, 1);
}

static double warm_up(double x)
{
	return 4.0 * MIB * fmin(1, x * 8);
}

static double steady(double x)
{
	(void)x;
	return 4.0 * MIB;
}

static double goes(double x)
{
	return 4.0 * MIB * (1 - x);
}

/* All groups alike, each with noise of its own of so many bytes. */
static void fill(struct made *made, series *shape, double noise)
{
	for (size_t g = 0; g < SERIES; g++)
		for (size_t s = 0; s < made->history.count; s++) {
			double x = (double)s / (double)(made->history.count - 1);

			made->bytes[g * made->history.count + s] =
				(uint64_t)(shape(x) + noise * uniform());
		}
}

/* Full after nine tenths of the time. */
static double full_late(double x)
{
	return 4.0 * MIB * fmin(1, x / 0.9);
}

/* Rises every fourth slice, and none of the last ones is one. */
static double seldom(double x)
{
	return 0.3 * MIB * floor(x * (SLICES - 1) / 4 + 1e-9);
}

/* Blocks are freed in the window of their birth, but for those that stay. */
static void stay(struct made *made)
{
	for (size_t i = 0; i < SERIES; i++) {
		made->lifetimes[i].freed_blocks = 1000;
		made->lifetimes[i].live[4] = 50;
		made->lifetimes[i].live[5] = 30;
	}
}

static void each_kind_is_told(void **state)
{
	static const struct {
		series *shape;
		enum leak_kind kind;
	} cases[] = {{leak, LEAK_LEAKS},    {cache, LEAK_FILLS},   {slow_cache, LEAK_FILLS},
		     {doubled, LEAK_FILLS}, {sawtooth, LEAK_NONE}, {warm_up, LEAK_NONE},
		     {steady, LEAK_NONE},   {goes, LEAK_NONE}};
	struct made *made = malloc(sizeof(*made));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t slices = 16; slices <= SLICES; slices += 16) {
			make(made, slices, 100);
			fill(made, cases[i].shape, 0.3 * MIB);
			stay(made);
			test(made);
			/* A cache's noise may hide that it fills: at most one in twenty. */
			if (count_of(made, cases[i].kind) < SERIES - SERIES / 20 ||
			    (i > 0 && count_of(made, LEAK_LEAKS) > SERIES / 100))
				fail_msg("case %zu, %zu slices: %zu of %d, %zu leaks", i,
					 slices, count_of(made, cases[i].kind), SERIES,
					 count_of(made, LEAK_LEAKS));
			leak_tests_release(&made->tests);
		}
	free(made);
}

/*
 * What stands still at last while it is used is full; while nothing happens that isn't
 * known.
 */
static void a_cache_that_was_full_at_last(void **state)
{
	struct made *made = malloc(sizeof(*made));

	(void)state;
	for (int rests = 0; rests < 2; rests++) {
		make(made, SLICES, 100);
		fill(made, full_late, 0);
		stay(made);
		for (size_t i = 0; rests && i < SERIES * SLICES; i++)
			if (i % SLICES > SLICES * 9 / 10)
				made->born[i] = 0;
		test(made);
		assert_int_equal(count_of(made, rests ? LEAK_LEAKS : LEAK_FILLS), SERIES);
		leak_tests_release(&made->tests);
	}
	make(made, SLICES, 100);
	fill(made, seldom, 0);
	stay(made);
	test(made);
	assert_int_equal(count_of(made, LEAK_LEAKS), SERIES);
	leak_tests_release(&made->tests);
	free(made);
}

static void the_slope_is_in_its_bounds(void **state)
{
	struct made *made = malloc(sizeof(*made));
	size_t low = 0;

	(void)state;
	make(made, SLICES, 100);
	fill(made, leak, 0.3 * MIB);
	stay(made);
	test(made);
	for (size_t i = 0; i < SERIES; i++) {
		const struct leak_test *one = &made->tests.items[i];

		assert_true(one->score > 0 && one->score < 0.05 * MIB);
		low += one->trend.low <= 4.0 * MIB / 100 * 48 / 47;
	}
	assert_in_range(low, SERIES * 9 / 10, SERIES);
	leak_tests_release(&made->tests);
	free(made);
}

/* They grow, but what was old went: 900 of 1000 blocks that outlived the others. */
static void what_goes_when_old_is_no_leak(void **state)
{
	struct made *made = malloc(sizeof(*made));

	(void)state;
	make(made, SLICES, 100);
	fill(made, leak, 0.1 * MIB);
	for (size_t i = 0; i < SERIES; i++) {
		made->lifetimes[i].freed_blocks = 100000;
		made->lifetimes[i].freed[3] = 900;
		made->lifetimes[i].live[3] = 100;
	}
	test(made);
	assert_int_equal(count_of(made, LEAK_GROWS), SERIES);
	assert_true(fabs(made->tests.items[0].chance - 101.0 / 1002) < 1e-12);
	leak_tests_release(&made->tests);
	free(made);
}

static void too_short_to_tell(void **state)
{
	struct made *made = malloc(sizeof(*made));

	(void)state;
	make(made, SLICES, 6);
	fill(made, leak, 0);
	test(made);
	assert_true(made->tests.too_short);
	assert_int_equal(count_of(made, LEAK_TOO_SHORT), SERIES);
	leak_tests_release(&made->tests);
	/* Marks are windows however fast they come. */
	made->history.by_marks = true;
	stay(made);
	test(made);
	assert_int_equal(count_of(made, LEAK_LEAKS), SERIES);
	leak_tests_release(&made->tests);
	make(made, 6, 100);
	fill(made, leak, 0);
	test(made);
	assert_true(made->tests.too_short);
	leak_tests_release(&made->tests);
	make(made, 0, 100);
	test(made);
	assert_true(made->tests.too_short);
	leak_tests_release(&made->tests);
	free(made);
}

static void blocks_at_each_mark(void **state)
{
	struct made *made = malloc(sizeof(*made));

	(void)state;
	make(made, 40, 4);
	made->history.by_marks = true;
	fill(made, leak, 0);
	stay(made);
	for (size_t g = 0; g < SERIES; g++)
		for (size_t s = 0; s < 40; s++)
			made->blocks[g * 40 + s] = 7 + 3 * s;
	test(made);
	for (size_t i = 0; i < SERIES; i++)
		assert_true(fabs(made->tests.items[i].blocks_per_mark - 3) < 1e-9);
	leak_tests_release(&made->tests);
	free(made);
}

/* Iterations that take longer and longer: by marks it grows evenly all the same. */
static void marks_are_the_clock(void **state)
{
	struct made *made = malloc(sizeof(*made));

	(void)state;
	for (int by_marks = 0; by_marks < 2; by_marks++) {
		make(made, SLICES, 100);
		made->history.by_marks = by_marks;
		for (size_t i = 0; i < SLICES; i++)
			made->history.seconds[i] = exp((double)i / 8);
		fill(made, leak, 0.1 * MIB);
		stay(made);
		test(made);
		assert_int_equal(count_of(made, by_marks ? LEAK_LEAKS : LEAK_FILLS), SERIES);
		leak_tests_release(&made->tests);
	}
	free(made);
}

/* The example of Benjamini and Hochberg's paper of 1995: four of fifteen. */
static void a_worked_example_of_false_discoveries(void **state)
{
	const double chances[] = {0.0344, 0.0001, 0.0459, 0.0004, 0.3240,
				  0.0019, 0.4262, 0.0095, 0.5719, 0.0201,
				  0.6528, 0.0278, 0.7590, 0.0298, 1.0000};
	bool believed[15];
	size_t count = 0;

	(void)state;
	leak_tests_believe(chances, 15, 0.05, believed);
	for (size_t i = 0; i < 15; i++) {
		assert_int_equal(believed[i], chances[i] <= 0.0095);
		count += believed[i];
	}
	assert_int_equal(count, 4);
}

/*
 * Weeks of remission with 6-mercaptopurine (Freireich and others 1963; in every textbook, such
 * as Kalbfleisch and Prentice): each age stands for one of the weeks that occur.
 */
static void a_worked_example_of_survival(void **state)
{
	static const struct profile_lifetime weeks = {
		.stack = 1,
		.freed_blocks = 9,
		/* 6, 7, 9, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 34, 35 */
		.freed = {3, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0},
		.live = {1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 2, 1, 1},
	};
	static const double expected[] = {1,     0.857, 0.807, 0.807, 0.753, 0.753,
					  0.690, 0.627, 0.627, 0.627, 0.627, 0.538,
					  0.448, 0.448, 0.448, 0.448};
	static struct made made;

	(void)state;
	make(&made, SLICES, 100);
	made.lifetimes[1] = weeks;
	/* Half are gone in the window of their birth, a quarter within two seconds. */
	made.lifetimes[2].freed_blocks = 6;
	made.lifetimes[2].freed[0] = 2;
	made.lifetimes[2].live[0] = 2;
	test(&made);
	const struct leak_test *tests = made.tests.items;
	assert_int_equal(tests[1].survival_count, LEAK_AGES);
	for (size_t i = 0; i < LEAK_AGES; i++)
		assert_float_equal(tests[1].survival[i], expected[i], 0.0005);
	assert_int_equal(tests[2].survival_count, 2);
	assert_float_equal(tests[2].survival[0], 0.5, 1e-9);
	assert_float_equal(tests[2].survival[1], 0.25, 1e-9);
	assert_int_equal(tests[3].survival_count, 0);
	leak_tests_release(&made.tests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_told),
		cmocka_unit_test(a_cache_that_was_full_at_last),
		cmocka_unit_test(the_slope_is_in_its_bounds),
		cmocka_unit_test(what_goes_when_old_is_no_leak),
		cmocka_unit_test(too_short_to_tell),
		cmocka_unit_test(blocks_at_each_mark),
		cmocka_unit_test(marks_are_the_clock),
		cmocka_unit_test(a_worked_example_of_false_discoveries),
		cmocka_unit_test(a_worked_example_of_survival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
