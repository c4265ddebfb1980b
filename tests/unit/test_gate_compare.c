/* What is worse than its baseline is told from what isn't, and from chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "../../reporter/gate_compare.h"
#include "../../reporter/gate_noise.h"
#include "gate_result_by_chance.h"

enum { KIB = 1 << 10, MIB = 1 << 20 };

struct one_site {
	const char *key;
	double bytes;
};

/* A result of one run with these sites; live_end and peak_live are `live`. */
static struct gate_result result_of(double live, const struct one_site *sites, size_t count)
{
	struct gate_result result = {
		.environment = environment_by_hand(),
		.baseline_path = mem_text("memory.json"),
		.sites = mem_alloc(count * sizeof result.sites[0]),
		.site_count = count,
	};
	result.metrics[GATE_LIVE_END] = measure_of(live, 0, 1);
	result.metrics[GATE_PEAK_LIVE] = measure_of(live, 0, 1);
	for (size_t i = 0; i < count; i++)
		site_init(&result.sites[i], sites[i].key, sites[i].bytes, 10);
	return result;
}

static const struct gate_check *check_of_metric(const struct gate_result *result,
						enum gate_metric metric)
{
	for (size_t i = 0; i < result->check_count; i++)
		if (result->checks[i].kind == GATE_CHECK_BUDGET &&
		    result->checks[i].metric == metric)
			return &result->checks[i];
	fail_msg("no check of %s", gate_metrics[metric].key);
	return NULL;
}

/* NULL: the site isn't among the checks. */
static const struct gate_check *check_of_site(const struct gate_result *result, const char *key)
{
	for (size_t i = 0; i < result->check_count; i++)
		if (result->checks[i].kind == GATE_CHECK_NEW_SITE && result->checks[i].site &&
		    strcmp(result->checks[i].site->key, key) == 0)
			return &result->checks[i];
	return NULL;
}

static enum gate_outcome outcome_of(struct gate_measure before, struct gate_measure now,
				    struct gate_compare_budget budget)
{
	const struct gate_comparison comparison = {&budget, 1, MIB, NULL};
	struct gate_result then = result_of(0, NULL, 0), result = result_of(0, NULL, 0);
	struct gate_baseline baseline;
	then.metrics[budget.metric] = before;
	result.metrics[budget.metric] = now;
	gate_baseline_of(&then, &baseline);
	gate_compare(&comparison, &baseline, &result);
	const struct gate_check *check = check_of_metric(&result, budget.metric);
	const enum gate_outcome outcome = check->outcome;
	assert_int_equal(result.status, outcome == GATE_FAILED ? GATE_REGRESSION : GATE_FINE);
	assert_true(check->measured == now.median);
	assert_true(check->baseline == before.median);
	/* Nothing up to the limit is ever worse than a warning. */
	assert_true(outcome != GATE_FAILED || check->measured > check->limit);
	assert_true(outcome != GATE_PASSED || check->measured <= check->limit);
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	gate_result_release(&result);
	return outcome;
}

static void the_largest_of_tolerances_and_noise_counts(void **state)
{
	(void)state;
	const struct gate_tolerance two_percent_or_256 = {0.02, 256 * KIB};
	const struct gate_compare_budget live = {GATE_LIVE_END, two_percent_or_256, 0},
					 rss = {GATE_RSS_PEAK, two_percent_or_256, 0},
					 rss_fails = {GATE_RSS_PEAK, two_percent_or_256,
						      GATE_ON_NOISE_FAIL},
					 live_warns = {GATE_LIVE_END, two_percent_or_256,
						       GATE_ON_NOISE_WARN},
					 growth = {GATE_GROWTH_PER_ITERATION, {0, 100}, 0};
	const struct {
		struct gate_measure before, now;
		struct gate_compare_budget budget;
		enum gate_outcome outcome;
	} cases[] = {
		/* 256 KiB is the larger of the two up to 12.5 MiB. */
		{{MIB, 0, 1}, {MIB + 256 * KIB, 0, 1}, live, GATE_PASSED},
		{{MIB, 0, 1}, {MIB + 256 * KIB + 1, 0, 1}, live, GATE_FAILED},
		{{100 * MIB, 0, 1}, {102 * MIB, 0, 1}, live, GATE_PASSED},
		{{100 * MIB, 0, 1}, {102 * MIB + 1, 0, 1}, live, GATE_FAILED},
		{{100 * MIB, 0, 1}, {102 * MIB + 1, 0, 1}, live_warns, GATE_WARNED},
		{{100 * MIB, 0, 1}, {3 * MIB, 0, 1}, live, GATE_PASSED},
		{{0, 0, 1}, {MIB, 0, 1}, live, GATE_FAILED},
		/* Three of 5 MiB, both ways: 21.2 MiB. */
		{{100 * MIB, 5 * MIB, 3}, {121 * MIB, 5 * MIB, 3}, live, GATE_WARNED},
		{{100 * MIB, 5 * MIB, 3}, {122 * MIB, 5 * MIB, 3}, live, GATE_FAILED},
		/* One run has the other side's deviation, two have none to speak of. */
		{{100 * MIB, 0, 1}, {121 * MIB, 5 * MIB, 3}, live, GATE_WARNED},
		{{100 * MIB, 5 * MIB, 3}, {122 * MIB, 0, 1}, live, GATE_FAILED},
		{{100 * MIB, 5 * MIB, 2}, {103 * MIB, 5 * MIB, 2}, live, GATE_FAILED},
		{{100 * MIB, 0, 3}, {116 * MIB, 5 * MIB, 3}, live, GATE_FAILED},
		{{100 * MIB, 0, 3}, {114 * MIB, 5 * MIB, 3}, live, GATE_WARNED},
		/* What isn't counted warns, unless it is told to fail. */
		{{100 * MIB, 0, 1}, {102 * MIB, 0, 1}, rss, GATE_PASSED},
		{{100 * MIB, 0, 1}, {200 * MIB, 0, 1}, rss, GATE_WARNED},
		{{100 * MIB, 0, 1}, {200 * MIB, 0, 1}, rss_fails, GATE_FAILED},
		{{100 * MIB, 5 * MIB, 3}, {121 * MIB, 5 * MIB, 3}, rss_fails, GATE_WARNED},
		/* Less than nothing is a figure too. */
		{{-500, 0, 1}, {-400, 0, 1}, growth, GATE_PASSED},
		{{-500, 0, 1}, {-399, 0, 1}, growth, GATE_FAILED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const enum gate_outcome outcome = outcome_of(cases[i].before, cases[i].now,
							     cases[i].budget);
		if (outcome != cases[i].outcome)
			fail_msg("case %zu: %d", i, outcome);
	}
}

/* A thousand pairs, and what a budget's sentences say of them, step by step. */
static enum gate_outcome model(const struct gate_measure *before,
			       const struct gate_measure *now,
			       const struct gate_compare_budget *budget)
{
	const double grown = now->median - before->median;
	double a = before->mad, b = now->mad;
	if (before->runs < 3)
		a = b;
	if (now->runs < 3)
		b = a;
	if (before->runs < 3 && now->runs < 3)
		a = b = 0;
	if (grown <= budget->tolerance.absolute ||
	    grown <= budget->tolerance.relative * before->median)
		return GATE_PASSED;
	if (grown * grown <= 9 * a * a + 9 * b * b)
		return GATE_WARNED;
	if (budget->on_noise == GATE_ON_NOISE_WARN)
		return GATE_WARNED;
	if (budget->metric == GATE_RSS_PEAK && budget->on_noise != GATE_ON_NOISE_FAIL)
		return GATE_WARNED;
	return GATE_FAILED;
}

static void any_pair_is_judged_as_a_slow_model_does(void **state)
{
	(void)state;
	uint64_t seed = 3;
	size_t seen[4] = {0};
	for (int round = 0; round < 4000; round++) {
		const double live = (double)(xorshift(&seed) % 100) * MIB;
		const double grown = (double)((int64_t)(xorshift(&seed) % 6000) - 1500) * KIB;
		struct gate_measure before = {.median = live}, now = {.median = live + grown};
		struct gate_compare_budget budget = {
			.metric = xorshift(&seed) % GATE_METRIC_COUNT,
		};
		now.median = fmax(now.median, 0);
		before.mad = (double)(xorshift(&seed) % MIB);
		now.mad = (double)(xorshift(&seed) % MIB);
		before.runs = 1 + (unsigned)(xorshift(&seed) % 4);
		now.runs = 1 + (unsigned)(xorshift(&seed) % 4);
		budget.tolerance.relative = (double)(xorshift(&seed) % 8) / 100;
		budget.tolerance.absolute = (double)(xorshift(&seed) % 1000) * KIB;
		budget.on_noise = xorshift(&seed) % 3;
		const enum gate_outcome expected = model(&before, &now, &budget);
		assert_int_equal(outcome_of(before, now, budget), expected);
		seen[expected]++;
	}
	assert_true(seen[GATE_PASSED] > 500 && seen[GATE_WARNED] > 500 &&
		    seen[GATE_FAILED] > 500);
}

/* Compares two lists of sites; the caller releases the result. */
static struct gate_result compared(const struct one_site *before, size_t before_count,
				   const struct one_site *now, size_t count)
{
	struct gate_result then = result_of(10 * MIB, before, before_count);
	struct gate_result result = result_of(10 * MIB, now, count);
	struct gate_baseline baseline;
	gate_baseline_of(&then, &baseline);
	gate_compare(&gate_comparison_default, &baseline, &result);
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	return result;
}

static void a_site_that_is_new_fails_and_is_named(void **state)
{
	(void)state;
	const struct one_site before[] = {{"main > put", MIB}, {"main > old", MIB}};
	const struct one_site now[] = {{"main > put", 9 * MIB},
				       {"main > load", 256 * KIB + 1},
				       {"main > small", 256 * KIB}};
	struct gate_result result = compared(before, 2, now, 3);
	const struct gate_check *check = check_of_site(&result, "main > load");
	assert_non_null(check);
	assert_int_equal(check->outcome, GATE_FAILED);
	assert_string_equal(check->title, "new site: load");
	assert_string_equal(check->message, "load (app.py:3) holds 256 KiB at the end, and the "
					    "baseline doesn't have it; at most 256 KiB may be "
					    "new");
	assert_int_equal(result.status, GATE_REGRESSION);
	assert_null(check_of_site(&result, "main > small"));
	assert_null(check_of_site(&result, "main > put"));
	gate_result_release(&result);
}

static void a_site_that_was_renamed_warns(void **state)
{
	(void)state;
	const struct one_site before[] = {
		{"main > Store.put", MIB},  {"main > Store.add", 1000 * KIB},
		{"main > Other.add", MIB},  {"main > here.get", MIB},
		{"main > shrunk", 4 * MIB},
	};
	const struct one_site now[] = {
		{"run > Shop.put", MIB + 100 * KIB},
		{"run > add", 1015 * KIB},
		{"run > get", MIB},
		{"main > here.get", MIB},
		{"run > shrunk", 3 * MIB},
		{"run > added", MIB},
	};
	struct gate_result result = compared(before, 5, now, 6);
	const struct {
		const char *key;
		enum gate_outcome outcome;
		double before;
	} expected[] = {
		{"run > Shop.put", GATE_WARNED, MIB},
		{"run > add", GATE_WARNED, MIB},    /* the closer one */
		{"run > get", GATE_FAILED, NAN},    /* the one of that name is still there */
		{"run > shrunk", GATE_FAILED, NAN}, /* far from as much */
		{"run > added", GATE_FAILED, NAN},
	};
	for (size_t i = 0; i < 5; i++) {
		const struct gate_check *check = check_of_site(&result, expected[i].key);
		assert_non_null(check);
		assert_int_equal(check->outcome, expected[i].outcome);
		assert_true(isnan(expected[i].before) ? isnan(check->baseline)
						      : check->baseline == expected[i].before);
	}
	assert_non_null(strstr(check_of_site(&result, "run > add")->message,
			       "as \"main > Other.add\" did in the baseline"));
	gate_result_release(&result);
}

/* One that went makes up for one that appeared, and no more. */
static void a_site_is_renamed_once(void **state)
{
	(void)state;
	const struct one_site before[] = {{"main > put", MIB}};
	const struct one_site now[] = {{"a > put", MIB}, {"b > put", MIB}};
	struct gate_result result = compared(before, 1, now, 2);
	assert_int_equal(gate_result_count(&result, GATE_FAILED), 1);
	assert_int_equal(gate_result_count(&result, GATE_WARNED), 1);
	gate_result_release(&result);
}

static void what_may_have_been_left_out_is_not_new(void **state)
{
	(void)state;
	struct gate_result then = result_of(10 * MIB, NULL, 0);
	const struct one_site now[] = {{"as heavy", MIB}, {"heavier", MIB + KIB}};
	struct gate_result result = result_of(10 * MIB, now, 2);
	struct gate_baseline baseline;
	gate_baseline_of(&then, &baseline);
	baseline.left_out_sites = 3;
	baseline.left_out_largest = MIB;
	gate_compare(&gate_comparison_default, &baseline, &result);
	assert_null(check_of_site(&result, "as heavy"));
	assert_int_equal(check_of_site(&result, "heavier")->outcome, GATE_FAILED);
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	gate_result_release(&result);
}

static void what_is_ignored_is_not_judged(void **state)
{
	(void)state;
	struct gate_result then = result_of(10 * MIB, NULL, 0);
	const struct one_site now[] = {{"cache", MIB}, {"leak", MIB}};
	const bool ignored[] = {true, false};
	struct gate_comparison comparison = gate_comparison_default;
	struct gate_result result = result_of(10 * MIB, now, 2);
	struct gate_baseline baseline;
	comparison.ignored = ignored;
	gate_baseline_of(&then, &baseline);
	gate_compare(&comparison, &baseline, &result);
	assert_null(check_of_site(&result, "cache"));
	assert_non_null(check_of_site(&result, "leak"));
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	gate_result_release(&result);
}

static void what_grew_most_is_to_blame(void **state)
{
	(void)state;
	const struct one_site before[] = {{"heavy", 8 * MIB}, {"grows", MIB}};
	const struct one_site now[] = {
		{"heavy", 8 * MIB + KIB}, {"grows", 3 * MIB}, {"new", MIB}};
	struct gate_result then = result_of(9 * MIB, before, 2);
	struct gate_result result = result_of(12 * MIB, now, 3);
	struct gate_baseline baseline;

	gate_baseline_of(&then, &baseline);
	result.sites[2].bytes_per_iteration = 100;
	gate_compare(&gate_comparison_default, &baseline, &result);
	const struct gate_check *check = check_of_metric(&result, GATE_LIVE_END);
	assert_int_equal(check->outcome, GATE_FAILED);
	assert_ptr_equal(check->site, &result.sites[1]);
	assert_string_equal(check->title, "live_end against the baseline");
	assert_string_equal(check->message,
			    "live_end is 12.0 MiB, 3.0 MiB (33.3 %) more than the baseline's "
			    "9.0 MiB; at most 256 KiB more is allowed; most of it grew in "
			    "grows (app.py:3): 2.0 MiB");
	assert_ptr_equal(gate_compare_blame(NULL, &result, GATE_LIVE_END), &result.sites[0]);
	assert_ptr_equal(gate_compare_blame(&baseline, &result, GATE_GROWTH_PER_ITERATION),
			 &result.sites[2]);
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	gate_result_release(&result);
}

static void replace(char **text, const char *other)
{
	free(*text);
	*text = other ? mem_text(other) : NULL;
}

/* The status and how many warnings there are where a run's environment is changed. */
static void assert_environment(struct gate_environment environment, enum gate_status status,
			       size_t warnings, const char *word)
{
	struct gate_result then = result_of(MIB, NULL, 0), result = result_of(MIB, NULL, 0);
	struct gate_baseline baseline;
	gate_baseline_of(&then, &baseline);
	gate_environment_release(&result.environment);
	result.environment = environment;
	gate_compare(&gate_comparison_default, &baseline, &result);
	assert_int_equal(result.status, status);
	assert_int_equal(result.warning_count, warnings);
	if (status == GATE_NO_VERDICT) {
		assert_int_equal(result.check_count, 0);
		assert_non_null(strstr(result.why, word));
		assert_non_null(strstr(result.why, "--update-baseline"));
	} else if (warnings) {
		assert_non_null(strstr(result.warnings[0], word));
	}
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	gate_result_release(&result);
}

static void another_environment_is_refused_or_told(void **state)
{
	(void)state;
	struct gate_environment (*const same)(void) = environment_by_hand;
	struct gate_environment now = same();
	assert_environment(now, GATE_FINE, 0, NULL);
	now = same();
	replace(&now.mode, "sample");
	assert_environment(now, GATE_NO_VERDICT, 0, "mode exact, and this run's is sample");
	now = same();
	replace(&now.allocator, NULL);
	assert_environment(now, GATE_NO_VERDICT, 0, "allocator pymalloc, and");
	now = same();
	now.arena_bytes = 256 * KIB;
	assert_environment(now, GATE_NO_VERDICT, 0,
			   "arena size 1.0 MiB, and this run's is 256");
	now = same();
	replace(&now.python, "3.11.9");
	assert_environment(now, GATE_FINE, 0, NULL);
	now = same();
	replace(&now.python, "3.1.2");
	assert_environment(now, GATE_FINE, 1, "Python 3.11.2, and this run's is 3.1.2");
	now = same();
	replace(&now.python, "3.12.0");
	replace(&now.abi, "cp312");
	assert_environment(now, GATE_FINE, 1, "Python 3.11.2, and this run's is 3.12.0");
	now = same();
	replace(&now.arch, "aarch64");
	replace(&now.libc, "musl");
	replace(&now.hash_seed, "random");
	assert_environment(now, GATE_FINE, 3, "architecture");
}

static void a_metric_that_is_not_known_gives_no_verdict(void **state)
{
	(void)state;
	for (int side = 0; side < 2; side++) {
		struct gate_result then = result_of(MIB, NULL, 0),
				   result = result_of(MIB, NULL, 0);
		struct gate_baseline baseline;
		(side ? &then : &result)->metrics[GATE_PEAK_LIVE].runs = 0;
		gate_baseline_of(&then, &baseline);
		gate_compare(&gate_comparison_default, &baseline, &result);
		assert_int_equal(result.status, GATE_NO_VERDICT);
		assert_non_null(strstr(result.why, "peak_live"));
		gate_baseline_release(&baseline);
		gate_result_release(&then);
		gate_result_release(&result);
	}
}

static double uniform(uint64_t *seed)
{
	return (double)(xorshift(seed) >> 11) * 0x1p-53;
}

/* What sampling makes of blocks: each is found by chance, and stands for those that aren't. */
static void sample(uint64_t *seed, const double *sizes, size_t count, double distance,
		   double *ret_bytes, double *ret_blocks)
{
	*ret_bytes = *ret_blocks = 0;
	for (size_t i = 0; i < count; i++) {
		const double chance = -expm1(-sizes[i] / distance);
		if (uniform(seed) >= chance)
			continue;
		*ret_bytes += sizes[i] / chance;
		*ret_blocks += 1 / chance;
	}
}

/* Small and mixed blocks, and such as vary most, at 1.6 of the distance. */
static size_t make_sizes(uint64_t *seed, int kind, double *ret_sizes)
{
	const size_t count = kind == 2 ? 60 : 3000;
	for (size_t i = 0; i < count; i++)
		ret_sizes[i] = kind == 0   ? 2000
			       : kind == 1 ? 16 * pow(2, uniform(seed) * 17)
					   : 1.6 * 512 * KIB;
	return count;
}

static void the_variance_of_samples_is_not_underrated(void **state)
{
	(void)state;
	enum { DISTANCE = 512 * KIB };
	uint64_t seed = 5;
	double sizes[3000];
	for (int kind = 0; kind < 3; kind++) {
		const size_t count = make_sizes(&seed, kind, sizes);
		/* As many as tell a variance to 3 %, and to 1 % where blocks are few. */
		const int rounds = kind == 2 ? 20000 : 2000;
		double sum = 0, squares = 0, true_bytes = 0, bytes, blocks;
		for (size_t i = 0; i < count; i++)
			true_bytes += sizes[i];
		for (int i = 0; i < rounds; i++) {
			sample(&seed, sizes, count, DISTANCE, &bytes, &blocks);
			sum += bytes;
			squares += bytes * bytes;
		}
		const double seen = squares / rounds - sum / rounds * (sum / rounds);
		const double known = gate_noise_variance(true_bytes, (double)count, 1,
							 DISTANCE);
		const double blind = gate_noise_variance(true_bytes, NAN, 1, DISTANCE);
		assert_true(known > seen * 0.93);
		assert_true(blind >= known);
		/* Of blocks that are alike it is right, not just enough. */
		if (kind != 1)
			assert_true(known < seen * 1.1);
	}
	assert_true(fabs(gate_noise_deviations(1) - 3.0902) < 0.0001);
	assert_true(gate_noise_deviations(1000) > 4.75);
	assert_true(gate_noise_variance(MIB, 10, 1, 0) == 0);
}

static struct gate_result sampled_result(uint64_t *seed, const double *sizes, size_t count)
{
	struct gate_result result = result_of(0, NULL, 0);
	double bytes, blocks;
	sample(seed, sizes, count, 512 * KIB, &bytes, &blocks);
	result.environment.sample_bytes = 512 * KIB;
	result.metrics[GATE_LIVE_END] = result.metrics[GATE_PEAK_LIVE] = measure_of(bytes, 0,
										    1);
	result.sites = mem_resize(result.sites, sizeof result.sites[0]);
	result.site_count = 1;
	site_init(&result.sites[0], "main > put", bytes, blocks);
	return result;
}

static enum gate_status status_of_samples(uint64_t *seed, const double *sizes, size_t before,
					  size_t now)
{
	struct gate_result then = sampled_result(seed, sizes, before);
	struct gate_result result = sampled_result(seed, sizes, now);
	struct gate_baseline baseline;
	gate_baseline_of(&then, &baseline);
	gate_compare(&gate_comparison_default, &baseline, &result);
	const enum gate_status status = result.status;
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	gate_result_release(&result);
	return status;
}

static void samples_fail_where_chance_does_not_explain_them(void **state)
{
	(void)state;
	uint64_t seed = 17;
	double sizes[3000];
	size_t wrong = 0, found = 0;
	for (size_t i = 0; i < 3000; i++)
		sizes[i] = 30000;
	for (int round = 0; round < 1000; round++) {
		wrong += status_of_samples(&seed, sizes, 1500, 1500) != GATE_FINE;
		found += status_of_samples(&seed, sizes, 1500, 3000) != GATE_FINE;
	}
	/* 43 MiB in some 80 samples: one in a thousand, and six deviations of the difference. */
	assert_true(wrong <= 5);
	assert_true(found >= 950);
}

static void sampled_sites_want_more_samples_to_be_new(void **state)
{
	(void)state;
	struct gate_result then = result_of(10 * MIB, NULL, 0);
	const struct one_site now[] = {{"few", 2 * MIB}, {"many", 20 * MIB}};
	struct gate_result result = result_of(10 * MIB, now, 2);
	struct gate_baseline baseline;
	then.environment.sample_bytes = result.environment.sample_bytes = 512 * KIB;
	result.sites[0].live_blocks.median = result.sites[1].live_blocks.median = 1e5;
	gate_baseline_of(&then, &baseline);
	gate_compare(&gate_comparison_default, &baseline, &result);
	/* Four samples, and forty. */
	assert_null(check_of_site(&result, "few"));
	assert_non_null(check_of_site(&result, "many"));
	gate_baseline_release(&baseline);
	gate_result_release(&then);
	gate_result_release(&result);
}

/* Whatever it is given: checks with texts, sites of its own, and nothing left unsaid. */
static void any_result_can_be_compared(void **state)
{
	(void)state;
	uint64_t seed = 29;
	for (int round = 0; round < 200; round++) {
		struct gate_result then = result_by_chance(&seed, xorshift(&seed) % 60);
		struct gate_result now = result_by_chance(&seed, xorshift(&seed) % 60);
		struct gate_baseline baseline;
		then.environment.sample_bytes = now.environment.sample_bytes = round % 2 ? 4096
											 : 0;
		gate_baseline_of(&then, &baseline);
		gate_compare(&gate_comparison_default, &baseline, &now);
		for (size_t i = 0; i < now.check_count; i++) {
			const struct gate_check *check = &now.checks[i];
			assert_non_null(check->title);
			assert_non_null(check->message);
			assert_true(!check->site || (check->site >= now.sites &&
						     check->site < now.sites + now.site_count));
		}
		assert_true(now.status == GATE_FINE || now.status == GATE_REGRESSION ||
			    now.status == GATE_NO_VERDICT);
		assert_int_equal(now.status == GATE_NO_VERDICT, now.why != NULL);
		gate_baseline_release(&baseline);
		gate_result_release(&then);
		gate_result_release(&now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_of_tolerances_and_noise_counts),
		cmocka_unit_test(any_pair_is_judged_as_a_slow_model_does),
		cmocka_unit_test(a_site_that_is_new_fails_and_is_named),
		cmocka_unit_test(a_site_that_was_renamed_warns),
		cmocka_unit_test(a_site_is_renamed_once),
		cmocka_unit_test(what_may_have_been_left_out_is_not_new),
		cmocka_unit_test(what_is_ignored_is_not_judged),
		cmocka_unit_test(what_grew_most_is_to_blame),
		cmocka_unit_test(another_environment_is_refused_or_told),
		cmocka_unit_test(a_metric_that_is_not_known_gives_no_verdict),
		cmocka_unit_test(the_variance_of_samples_is_not_underrated),
		cmocka_unit_test(samples_fail_where_chance_does_not_explain_them),
		cmocka_unit_test(sampled_sites_want_more_samples_to_be_new),
		cmocka_unit_test(any_result_can_be_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
