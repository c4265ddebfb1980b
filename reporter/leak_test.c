#include "leak_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

const char *const leak_kind_names[] = {"none", "too short", "fills", "grows", "leaks"};

static const double rate_of_false_ones = 0.05, most_chance_of_late_rise = 0.01;

enum {
	WARM_UP_PART = 5,  /* one of so many */
	SLOWER = 4,        /* so many times */
	STEP_PART = 2,     /* of a rise, in one window: a step */
	TOTAL_PART = 1000, /* of all that is live, growth that is worth a test */
	STILL_PART = 10,   /* of the usual rise: none */
	OLD_PART = 100,    /* one of so many freed blocks became older */
	AGES = PROFILE_AGES + 1,
};

/* The windows, in what is left of a history: slice `first` and those behind it. */
struct windowing {
	const struct history *history;
	size_t first, slices, windows;
	double clock[LEAK_WINDOWS]; /* seconds, or marks */
};

static double length_of(const struct history *history, size_t first)
{
	return history->seconds[history->count - 1] - history->seconds[first];
}

static struct windowing windowing_of(const struct history *history)
{
	struct windowing windowing = {.history = history,
				      .first = history->count / WARM_UP_PART};
	windowing.slices = history->count - windowing.first;
	windowing.windows = windowing.slices < LEAK_WINDOWS ? windowing.slices : LEAK_WINDOWS;
	if (!history->by_marks && windowing.slices) {
		const double seconds = length_of(history, windowing.first);
		if (seconds < (double)windowing.windows)
			windowing.windows = (size_t)seconds;
	}
	const double *clock = history->by_marks ? history->marks : history->seconds;
	for (size_t i = 0; i < windowing.slices; i++)
		windowing.clock[i * windowing.windows / windowing.slices] =
			clock[windowing.first + i];
	return windowing;
}

/* The least of each window. */
static void least_of(const struct windowing *windowing, const uint64_t *slices,
		     double *ret_least)
{
	for (size_t i = 0; i < windowing->slices; i++) {
		const size_t window = i * windowing->windows / windowing->slices;
		const bool first = i == 0 ||
				   (i - 1) * windowing->windows / windowing->slices != window;
		const double value = (double)slices[windowing->first + i];
		if (first || value < ret_least[window])
			ret_least[window] = value;
	}
}

/*
 * Blocks of one group by how old they became, or are; [0]: freed in the window of their birth.
 */
struct ages {
	uint64_t freed[AGES], live[AGES];
};

static void add_lifetime(struct ages *ages, const struct profile_lifetime *lifetime)
{
	uint64_t old = 0;
	for (size_t i = 0; i < PROFILE_AGES; i++) {
		ages->freed[i + 1] += lifetime->freed[i];
		ages->live[i + 1] += lifetime->live[i];
		old += lifetime->freed[i];
	}
	if (lifetime->freed_blocks > old)
		ages->freed[0] += lifetime->freed_blocks - old;
}

static struct ages *ages_by_group(const struct grouping *grouping, const struct moment *to)
{
	const struct profile *profile = grouping->lines->profile;
	struct ages *ages = mem_alloc(grouping->count * sizeof ages[0]);
	if (!moment_is_end(profile, to))
		return ages;
	for (size_t i = 0; i < profile->lifetime_count; i++) {
		const struct profile_lifetime *lifetime = &profile->lifetimes[i];
		const uint32_t trace = grouping->lines->trace_of[lifetime->stack];
		if (grouping->of_trace[trace] != GROUPING_NONE)
			add_lifetime(&ages[grouping->of_trace[trace]], lifetime);
	}
	return ages;
}

/* The age that all but a hundredth of the freed blocks didn't outlive. */
static size_t usual_age(const struct ages *ages)
{
	uint64_t all = 0, older;
	size_t age = 0;
	for (size_t i = 0; i < AGES; i++)
		all += ages->freed[i];
	older = all - ages->freed[0];
	while (age + 1 < AGES && older > all / OLD_PART)
		older -= ages->freed[++age];
	return age;
}

static double chance_of_staying(const struct ages *ages)
{
	double live = 0, all = 0;
	for (size_t i = usual_age(ages) + 1; i < AGES; i++) {
		live += (double)ages->live[i];
		all += (double)ages->live[i] + (double)ages->freed[i];
	}
	return all > 0 ? (live + 1) / (all + 2) : NAN;
}

/* Of the last age nobody knows the end. */
static void find_survival(const struct ages *ages, struct leak_test *test)
{
	double there = 0, part = 1;
	for (size_t i = 0; i < AGES; i++)
		there += (double)ages->freed[i] + (double)ages->live[i];
	for (size_t i = 0; i < LEAK_AGES && there > 0; i++) {
		part *= 1 - (double)ages->freed[i] / there;
		there -= (double)ages->freed[i] + (double)ages->live[i];
		test->survival[i] = part;
		test->survival_count = i + 1;
	}
}

/* With few windows the last half is too short to be asked by itself. */
static bool still_rises(const struct windowing *windowing, const double *least)
{
	const size_t half = windowing->windows / 2;
	struct trend late;
	return !trend_find(windowing->clock + half, least + half, windowing->windows - half,
			   &late) ||
	       late.p <= most_chance_of_late_rise;
}

/* What the slope is at least, where there are values enough to tell. */
static double sure_slope(const double *clock, const double *least, size_t count)
{
	struct trend trend;
	return trend_find(clock, least, count, &trend) ? trend.low
						       : trend_slope(clock, least, count);
}

/*
 * The values, without their largest rise where that is more than half of what they rise in
 * all: a table that is made larger at times is no trend.
 */
static void without_step(const double *least, size_t count, double *ret_without)
{
	const double all = least[count - 1] - least[0];
	size_t behind = 0;
	double largest = 0;
	for (size_t i = 1; i < count; i++)
		if (least[i] - least[i - 1] > largest) {
			largest = least[i] - least[i - 1];
			behind = i;
		}
	if (largest * STEP_PART <= all)
		largest = 0;
	for (size_t i = 0; i < count; i++)
		ret_without[i] = least[i] - (i >= behind ? largest : 0);
}

/* The last third, or as many as a slope's bounds want, but no more than half. */
static size_t late_windows(size_t windows)
{
	const size_t third = windows / 3;
	const size_t wanted = windows / 2 < TREND_FEWEST ? windows / 2 : TREND_FEWEST;
	return third > wanted ? third : wanted;
}

/* Of the first third, or on the whole where that is more. */
static double early_slope(const struct windowing *windowing, const double *least)
{
	const size_t last = windowing->windows - 1;
	const double *clock = windowing->clock;
	const double early = trend_slope(clock, least, windowing->windows / 3);
	const double whole = (least[last] - least[0]) / (clock[last] - clock[0]);
	return early > whole ? early : whole;
}

static bool slows_down(const struct windowing *windowing, const double *least)
{
	const size_t count = late_windows(windowing->windows);
	const size_t first = windowing->windows - count;
	double steady[LEAK_WINDOWS];
	without_step(least + first, count, steady);
	const double late = sure_slope(windowing->clock + first, steady, count);
	return late <= early_slope(windowing, least) / SLOWER || !still_rises(windowing, least);
}

static bool stands_still(const uint64_t *slices, size_t slice, double usual)
{
	return (double)slices[slice] - (double)slices[slice - 1] < usual / STILL_PART;
}

/* Blocks allocated in those slices, on the average. */
static double births_of(const uint64_t *born, size_t first, size_t last)
{
	double all = 0;
	for (size_t i = first; i < last; i++)
		all += (double)born[i];
	return last > first ? all / (double)(last - first) : 0;
}

/* By Laplace's rule from how often it stood still before. */
static bool has_stopped(const struct windowing *windowing, const uint64_t *slices,
			const uint64_t *born)
{
	const size_t first = windowing->first, count = first + windowing->slices;
	const double usual = ((double)slices[count - 1] - (double)slices[first]) /
			     (double)(windowing->slices - 1);
	size_t end = count;
	double earlier = 0;
	while (end - 1 > first && stands_still(slices, end - 1, usual))
		end--;
	for (size_t i = first + 1; i < end; i++)
		earlier += stands_still(slices, i, usual);
	const double chance = (earlier + 1) / ((double)(end - first) + 1);
	return pow(chance, (double)(count - end)) <= most_chance_of_late_rise &&
	       births_of(born, end, count) >= births_of(born, first, end) / 2;
}

static double least_growth(const struct history *history)
{
	const double part = (double)history->total_bytes[history->count - 1] / TOTAL_PART;
	return part > LEAK_FLOOR_BYTES ? part : LEAK_FLOOR_BYTES;
}

static double marks_per_second(const struct windowing *windowing)
{
	const struct history *history = windowing->history;
	if (!history->by_marks)
		return 0;
	const double marks = history->marks[history->count - 1] -
			     history->marks[windowing->first];
	const double seconds = length_of(history, windowing->first);
	return seconds > 0 ? marks / seconds : 0;
}

/* By marks the clock is theirs. */
static void scale_to_seconds(const struct windowing *windowing, struct trend *trend)
{
	const double scale = marks_per_second(windowing);
	if (!windowing->history->by_marks)
		return;
	trend->slope *= scale;
	trend->low *= scale;
	trend->high *= scale;
}

static void test_group(struct leak_test *test, const struct windowing *windowing, size_t group,
		       const uint64_t *born, const struct ages *ages)
{
	const struct history *history = windowing->history;
	double least[LEAK_WINDOWS], blocks[LEAK_WINDOWS];
	least_of(windowing, history_bytes(history, group), least);
	if (least[windowing->windows - 1] - least[0] < least_growth(history))
		return;
	test->tested = trend_find(windowing->clock, least, windowing->windows, &test->trend);
	scale_to_seconds(windowing, &test->trend);
	test->chance = chance_of_staying(ages);
	/* Births aren't known so closely that they could be told for each mark. */
	const bool fills = slows_down(windowing, least) ||
			   (!history->by_marks &&
			    has_stopped(windowing, history_bytes(history, group), born));
	test->kind = fills                              ? LEAK_FILLS
		     : test->chance < LEAK_LEAST_CHANCE ? LEAK_GROWS
							: LEAK_LEAKS;
	const double low = test->trend.low > 0 ? test->trend.low : 0;
	test->score = low * (isnan(test->chance) ? LEAK_LEAST_CHANCE : test->chance);
	if (!history->by_marks)
		return;
	least_of(windowing, history_blocks(history, group), blocks);
	test->blocks_per_mark = trend_slope(windowing->clock, blocks, windowing->windows);
}

static int by_chance(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

void leak_tests_believe(const double *chances, size_t count, double rate, bool *ret_believed)
{
	__attribute__((cleanup(mem_scope))) double *sorted =
		mem_alloc(count * sizeof sorted[0]);
	double highest = -1;
	for (size_t i = 0; i < count; i++)
		sorted[i] = chances[i];
	if (count)
		qsort(sorted, count, sizeof sorted[0], by_chance);
	for (size_t i = 0; i < count; i++)
		if (sorted[i] <= rate * (double)(i + 1) / (double)count)
			highest = sorted[i];
	for (size_t i = 0; i < count; i++)
		ret_believed[i] = chances[i] <= highest;
}

/* Of all that were tested, those that may be chance are taken back. */
static void take_back_chance(struct leak_tests *tests)
{
	__attribute__((cleanup(mem_scope))) double *chances =
		mem_alloc(tests->count * sizeof chances[0]);
	__attribute__((cleanup(mem_scope))) bool *believed =
		mem_alloc(tests->count * sizeof believed[0]);
	size_t count = 0, at = 0;
	for (size_t i = 0; i < tests->count; i++)
		if (tests->items[i].tested)
			chances[count++] = tests->items[i].trend.p;
	leak_tests_believe(chances, count, rate_of_false_ones, believed);
	for (size_t i = 0; i < tests->count; i++) {
		struct leak_test *test = &tests->items[i];
		if (!test->tested)
			continue;
		if (!believed[at++])
			test->kind = LEAK_NONE;
		else if (test->kind == LEAK_LEAKS && test->trend.low <= 0)
			test->kind = LEAK_GROWS;
	}
}

void leak_tests_compute(const struct grouping *grouping, const struct history *history,
			const struct births *births, const struct moment *to,
			struct leak_tests *ret_tests)
{
	const struct windowing windowing = windowing_of(history);
	struct leak_tests tests = {.by_marks = history->by_marks, .count = grouping->count};
	__attribute__((cleanup(mem_scope))) struct ages *ages = ages_by_group(grouping, to);
	tests.items = mem_alloc(tests.count * sizeof tests.items[0]);
	tests.too_short = windowing.windows < TREND_FEWEST;
	if (!tests.too_short) {
		tests.from_seconds = history->seconds[windowing.first];
		tests.to_seconds = history->seconds[history->count - 1];
		tests.marks_per_second = marks_per_second(&windowing);
	}
	for (size_t i = 0; i < tests.count; i++) {
		struct leak_test *test = &tests.items[i];
		test->chance = test->blocks_per_mark = NAN;
		test->kind = tests.too_short ? LEAK_TOO_SHORT : LEAK_NONE;
		find_survival(&ages[i], test);
		if (!tests.too_short)
			test_group(test, &windowing, i, births_born(births, i), &ages[i]);
	}
	take_back_chance(&tests);
	*ret_tests = tests;
}

void leak_tests_release(struct leak_tests *tests)
{
	free(tests->items);
	*tests = (struct leak_tests){.count = 0};
}
