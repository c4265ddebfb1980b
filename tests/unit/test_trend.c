/* Slopes and chances against worked examples, and against many random series. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../reporter/trend.h"

static double uniform(uint64_t *random)
{
	*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(*random >> 11) / (double)(1ULL << 53);
}

static void near(double got, double wanted, double off)
{
	if (fabs(got - wanted) > off)
		fail_msg("%.9g is not within %g of %.9g", got, off, wanted);
}

/* By hand: of 15 pairs 13 rise and 2 fall. */
static void a_series_worked_out_by_hand(void **state)
{
	const double x[] = {0, 1, 2, 3, 4, 5}, y[] = {10, 12, 11, 15, 14, 20};
	struct trend trend;

	(void)state;
	assert_true(trend_find(x, y, 6, &trend));
	/* -1 -1 1/2 2/3 1 3/2 3/2, and then 5/3, the eighth of fifteen. */
	near(trend.slope, 5.0 / 3, 1e-9);
	/* S = 11, variance 6*5*17/18; (11 - 1) / 5.3229 = 1.8787 standard deviations. */
	near(trend.p, 0.030144, 1e-5);
}

static void ties_make_it_less_sure(void **state)
{
	const double x[] = {0, 1, 2, 3, 4, 5, 6}, y[] = {1, 1, 1, 1, 2, 2, 2};
	struct trend trend;

	(void)state;
	assert_true(trend_find(x, y, 7, &trend));
	/* S = 12; (7*6*19 - 4*3*13 - 3*2*11) / 18 = 32; 11 / sqrt(32) = 1.9445. */
	near(trend.p, 0.025917, 1e-5);
	assert_true(trend.low <= trend.slope && trend.slope <= trend.high);
}

static void nothing_rises(void **state)
{
	const double x[] = {0, 1, 2, 3, 4, 5}, flat[6] = {7, 7, 7, 7, 7, 7};
	const double falls[] = {6, 5, 4, 3, 2, 1};
	struct trend trend;

	(void)state;
	assert_true(trend_find(x, flat, 6, &trend));
	near(trend.p, 1, 0);
	near(trend.slope, 0, 0);
	assert_true(trend_find(x, falls, 6, &trend));
	near(trend.p, 1, 0);
	near(trend.slope, -1, 1e-12);
	assert_false(trend_find(x, flat, 5, &trend));
}

/* A straight line with a value that is far off. */
static void one_value_far_off(void **state)
{
	double x[20], y[20];
	struct trend trend;

	(void)state;
	for (int i = 0; i < 20; i++) {
		x[i] = i * 0.5;
		y[i] = 3 * x[i] + 100;
	}
	y[10] = 1e9;
	assert_true(trend_find(x, y, 20, &trend));
	near(trend.slope, 3, 0.01);
	assert_true(trend.p < 1e-6);
}

/* Of series without a trend one in twenty has p below 0.05, and the bounds hold the slope. */
static void as_often_as_it_says(void **state)
{
	enum { RUNS = 4000, COUNT = 24 };
	uint64_t random = 7;
	double x[COUNT], y[COUNT];
	int surprising = 0, above_low = 0, below_high = 0;

	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct trend trend;

		for (int i = 0; i < COUNT; i++) {
			x[i] = i;
			y[i] = uniform(&random);
		}
		assert_true(trend_find(x, y, COUNT, &trend));
		surprising += trend.p < 0.05;
		for (int i = 0; i < COUNT; i++)
			y[i] = 0.02 * i + uniform(&random);
		assert_true(trend_find(x, y, COUNT, &trend));
		above_low += trend.low <= 0.02;
		below_high += trend.high >= 0.02;
	}
	/* Four standard deviations of a binomial count. */
	assert_in_range(surprising, 145, 255);
	assert_in_range(above_low, 3745, 3860);
	assert_in_range(below_high, 3745, 3860);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_series_worked_out_by_hand),
		cmocka_unit_test(ties_make_it_less_sure),
		cmocka_unit_test(nothing_rises),
		cmocka_unit_test(one_value_far_off),
		cmocka_unit_test(as_often_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
