/* A baseline that is brought up to date changes where something changed, and a ratchet goes down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../reporter/gate_ratchet.h"
#include "gate_result_by_chance.h"

enum { KIB = 1 << 10, MIB = 1 << 20 };

struct one_site {
	const char *key;
	double bytes;
};

static struct gate_result result_of(double live, const struct one_site *sites, size_t count)
{
	struct gate_result result = {
		.environment = environment_by_hand(),
		.sites = mem_alloc(count * sizeof result.sites[0]),
		.site_count = count,
	};
	result.metrics[GATE_LIVE_END] = measure_of(live, 0, 1);
	for (size_t i = 0; i < count; i++)
		site_init(&result.sites[i], sites[i].key, sites[i].bytes, 10);
	return result;
}

/* What becomes of a baseline of the first result at the second; false: nothing. */
static bool merged(struct gate_result *before, const struct gate_result *now,
		   enum gate_update how, struct gate_baseline *ret_merged)
{
	struct gate_baseline old;
	gate_baseline_of(before, &old);
	const bool changed = gate_ratchet_merge(&gate_comparison_default, &old, now, how,
						ret_merged);
	gate_baseline_release(&old);
	return changed;
}

static double bytes_of(const struct gate_baseline *baseline, const char *key)
{
	const struct gate_baseline_site *site = gate_baseline_find(baseline, key);
	return site ? site->live_bytes.median : -1;
}

static const struct one_site old_sites[] = {
	{"same", 500000},      {"lower", 3 * MIB}, {"higher", MIB},        {"gone", MIB},
	{"main > f.put", MIB}, {"light", 5000},    {"hardly heavy", 4096},
};
static const struct one_site new_sites[] = {
	{"same", 505000}, {"lower", 2 * MIB},         {"higher", 2 * MIB},
	{"new", 9 * MIB}, {"run > g.put", MIB + KIB}, {"hardly new", 8000},
};

static void all_is_as_now_but_for_what_hardly_differs(void **state)
{
	(void)state;
	struct gate_result before = result_of(10 * MIB, old_sites, 7);
	struct gate_result now = result_of(12 * MIB, new_sites, 6);
	struct gate_baseline baseline;
	assert_true(merged(&before, &now, GATE_UPDATE_ALL, &baseline));
	assert_true(baseline.metrics[GATE_LIVE_END].median == 12 * MIB);
	assert_int_equal(baseline.metrics[GATE_PEAK_LIVE].runs, 0);
	assert_true(bytes_of(&baseline, "same") == 500000);
	assert_true(bytes_of(&baseline, "lower") == 2 * MIB);
	assert_true(bytes_of(&baseline, "higher") == 2 * MIB);
	assert_true(bytes_of(&baseline, "new") == 9 * MIB);
	assert_true(bytes_of(&baseline, "run > g.put") == MIB);
	assert_true(bytes_of(&baseline, "main > f.put") == -1);
	assert_true(bytes_of(&baseline, "gone") == -1);
	assert_true(bytes_of(&baseline, "hardly new") == -1);
	assert_true(bytes_of(&baseline, "light") == -1);
	assert_true(bytes_of(&baseline, "hardly heavy") == 4096);
	gate_baseline_release(&baseline);
	gate_result_release(&before);
	gate_result_release(&now);
}

static void a_ratchet_takes_what_became_less(void **state)
{
	(void)state;
	struct gate_result before = result_of(10 * MIB, old_sites, 7);
	struct gate_result now = result_of(12 * MIB, new_sites, 6);
	struct gate_baseline baseline;
	now.metrics[GATE_ALLOCATIONS] = measure_of(77, 0, 1);
	assert_true(merged(&before, &now, GATE_UPDATE_RATCHET, &baseline));
	assert_true(baseline.metrics[GATE_LIVE_END].median == 10 * MIB);
	/* What wasn't known wasn't less. */
	assert_true(baseline.metrics[GATE_ALLOCATIONS].median == 77);
	assert_true(bytes_of(&baseline, "same") == 500000);
	assert_true(bytes_of(&baseline, "lower") == 2 * MIB);
	assert_true(bytes_of(&baseline, "higher") == MIB);
	assert_true(bytes_of(&baseline, "new") == -1);
	assert_true(bytes_of(&baseline, "run > g.put") == MIB);
	assert_true(bytes_of(&baseline, "main > f.put") == -1);
	assert_true(bytes_of(&baseline, "gone") == -1);
	gate_baseline_release(&baseline);
	gate_result_release(&before);
	gate_result_release(&now);
}

static void one_site_is_change_enough(void **state)
{
	(void)state;
	for (int how = GATE_UPDATE_ALL; how <= GATE_UPDATE_RATCHET; how++) {
		struct one_site site = {"main > put", MIB};
		struct gate_result before = result_of(10 * MIB, &site, 1);
		site.bytes = 900 * KIB;
		struct gate_result now = result_of(10 * MIB, &site, 1);
		struct gate_baseline baseline;
		assert_true(merged(&before, &now, how, &baseline));
		assert_true(bytes_of(&baseline, "main > put") == 900 * KIB);
		gate_baseline_release(&baseline);
		gate_result_release(&before);
		gate_result_release(&now);
	}
}

/* Many that are new would otherwise make room for what is as heavy as the largest left out. */
static void a_ratchet_leaves_no_more_out(void **state)
{
	(void)state;
	enum { COUNT = 1100 };
	struct gate_result before = result_of(10 * MIB, old_sites, 7), now = {0};
	struct gate_baseline baseline;
	now.environment = environment_by_hand();
	now.sites = mem_alloc(COUNT * sizeof now.sites[0]);
	now.site_count = COUNT;
	for (int i = 0; i < COUNT; i++) {
		char key[32];
		snprintf(key, sizeof key, "main > f%d", i);
		site_init(&now.sites[i], key, 300 * KIB, 10);
	}
	assert_true(merged(&before, &now, GATE_UPDATE_ALL, &baseline));
	assert_int_equal(baseline.left_out_sites, 100);
	assert_true(baseline.left_out_largest == 300 * KIB);
	gate_baseline_release(&baseline);
	assert_true(merged(&before, &now, GATE_UPDATE_RATCHET, &baseline));
	assert_int_equal(baseline.left_out_sites, 0);
	assert_true(baseline.left_out_largest == 0);
	gate_baseline_release(&baseline);
	gate_result_release(&before);
	gate_result_release(&now);
}

/* The same program again, every figure a little off. */
static struct gate_result jittered(const struct gate_result *from, uint64_t *seed)
{
	struct gate_result result = {
		.environment = environment_by_hand(),
		.sites = mem_alloc(from->site_count * sizeof result.sites[0]),
		.site_count = from->site_count,
	};
	for (int i = 0; i < GATE_METRIC_COUNT; i++) {
		const double part = (double)(xorshift(seed) % 39) / 1000 - 0.019;
		result.metrics[i] = from->metrics[i];
		result.metrics[i].median *= 1 + part;
	}
	for (size_t i = 0; i < from->site_count; i++) {
		const struct gate_site *site = &from->sites[i];
		const double part = (double)(xorshift(seed) % 39) / 1000 - 0.019;
		site_init(&result.sites[i], site->key, site->live_bytes.median * (1 + part),
			  site->live_blocks.median);
		result.sites[i].live_bytes.runs = site->live_bytes.runs;
	}
	return result;
}

static void nothing_changes_while_nothing_happens(void **state)
{
	(void)state;
	uint64_t seed = 41;
	for (int round = 0; round < 300; round++) {
		/* Now and then more sites than are kept. */
		const size_t count = round % 50 ? xorshift(&seed) % 60 : 1200;
		struct gate_result before = result_by_chance(&seed, count);
		struct gate_result again = jittered(&before, &seed);
		const enum gate_update how = round % 2 ? GATE_UPDATE_ALL : GATE_UPDATE_RATCHET;
		struct gate_baseline baseline;
		assert_false(merged(&before, &before, how, &baseline));
		assert_false(merged(&before, &again, how, &baseline));
		gate_result_release(&before);
		gate_result_release(&again);
	}
}

/* Two versions of a program by chance: some sites are in both, and have any figure. */
static struct gate_result another_version(const struct gate_result *from, uint64_t *seed)
{
	struct gate_result result = result_by_chance(seed, from->site_count);
	for (size_t i = 0; i < result.site_count; i++) {
		if (xorshift(seed) % 3 == 0)
			continue;
		free(result.sites[i].key);
		result.sites[i].key = mem_text(from->sites[i].key);
	}
	return result;
}

static void assert_nothing_rose(const struct gate_baseline *old,
				const struct gate_baseline *baseline)
{
	for (int i = 0; i < GATE_METRIC_COUNT; i++)
		if (old->metrics[i].runs)
			assert_true(baseline->metrics[i].median <= old->metrics[i].median);
	for (size_t i = 0; i < baseline->site_count; i++) {
		const struct gate_baseline_site *site = &baseline->sites[i];
		const double before = bytes_of(old, site->key);
		assert_true(before < 0 || site->live_bytes.median <= before);
	}
	assert_true(baseline->site_count <= old->site_count);
	assert_true(baseline->left_out_largest <=
		    (old->left_out_largest > GATE_BASELINE_LEAST_BYTES
			     ? old->left_out_largest
			     : GATE_BASELINE_LEAST_BYTES));
}

static void a_ratchet_never_raises_and_comes_to_rest(void **state)
{
	(void)state;
	uint64_t seed = 43;
	size_t changes = 0;
	for (int round = 0; round < 500; round++) {
		struct gate_result before = result_by_chance(&seed, 1 + xorshift(&seed) % 60);
		struct gate_result now = another_version(&before, &seed);
		struct gate_baseline old, baseline, again;
		gate_baseline_of(&before, &old);
		if (gate_ratchet_merge(&gate_comparison_default, &old, &now,
				       GATE_UPDATE_RATCHET, &baseline)) {
			changes++;
			assert_nothing_rose(&old, &baseline);
			assert_false(gate_ratchet_merge(&gate_comparison_default, &baseline,
							&now, GATE_UPDATE_RATCHET, &again));
			gate_baseline_release(&baseline);
		}
		gate_baseline_release(&old);
		gate_result_release(&before);
		gate_result_release(&now);
	}
	assert_true(changes > 300);
}

/* What was asked for to be the baseline passes against it. */
static void what_was_taken_over_passes(void **state)
{
	(void)state;
	uint64_t seed = 47;
	for (int round = 0; round < 500; round++) {
		struct gate_result before = result_by_chance(&seed, 1 + xorshift(&seed) % 60);
		struct gate_result now = another_version(&before, &seed);
		struct gate_baseline baseline, again;
		/* Metrics that aren't known are told elsewhere. */
		for (int i = 0; i < GATE_METRIC_COUNT; i++)
			if (now.metrics[i].runs == 0 || before.metrics[i].runs == 0)
				now.metrics[i] = before.metrics[i] = measure_of(7, 0, 1);
		if (merged(&before, &now, GATE_UPDATE_ALL, &baseline)) {
			gate_compare(&gate_comparison_default, &baseline, &now);
			assert_int_equal(now.status, GATE_FINE);
			assert_false(gate_ratchet_merge(&gate_comparison_default, &baseline,
							&now, GATE_UPDATE_ALL, &again));
			gate_baseline_release(&baseline);
		}
		gate_result_release(&before);
		gate_result_release(&now);
	}
}

/* Three percent at a time: what is kept is where it began, so that the sum is seen. */
static void small_steps_add_up(void **state)
{
	(void)state;
	struct gate_result first = result_of(100 * MIB, NULL, 0);
	struct gate_baseline old, unused;
	gate_baseline_of(&first, &old);
	double live = 100 * MIB;
	int steps = 0;
	for (; steps < 9; steps++) {
		struct gate_result now = result_of(live *= 1.005, NULL, 0);
		const bool changed = gate_ratchet_merge(&gate_comparison_default, &old, &now,
							GATE_UPDATE_ALL, &unused);
		gate_result_release(&now);
		if (changed) {
			gate_baseline_release(&unused);
			break;
		}
	}
	assert_int_equal(steps, 3);
	gate_baseline_release(&old);
	gate_result_release(&first);
}

static void noise_that_becomes_known_is_taken_over(void **state)
{
	(void)state;
	struct gate_result before = result_of(10 * MIB, NULL, 0);
	struct gate_result now = result_of(10 * MIB, NULL, 0);
	struct gate_baseline baseline;
	now.metrics[GATE_LIVE_END] = measure_of(10 * MIB + 1, 500, 3);
	assert_false(merged(&before, &now, GATE_UPDATE_RATCHET, &baseline));
	assert_true(merged(&before, &now, GATE_UPDATE_ALL, &baseline));
	assert_true(baseline.metrics[GATE_LIVE_END].mad == 500);
	gate_baseline_release(&baseline);
	gate_result_release(&before);
	gate_result_release(&now);
}

static int update(const char *path, const struct gate_result *result, enum gate_update how,
		  bool *ret_written, struct err *err)
{
	return gate_ratchet_update(path, &gate_comparison_default, result, how, ret_written,
				   err);
}

static void a_file_is_left_alone_or_written(void **state)
{
	(void)state;
	char folder[] = "/tmp/test-gate-ratchet-XXXXXX", path[64];
	struct gate_result result = result_of(10 * MIB, old_sites, 7);
	struct stat first, second;
	struct err err;
	bool written = false;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/b.json", folder);
	assert_int_equal(update(path, &result, GATE_UPDATE_RATCHET, &written, &err), -1);
	assert_non_null(strstr(err.text, "there is no such baseline"));
	assert_int_equal(update(path, &result, GATE_UPDATE_ALL, &written, &err), 0);
	assert_true(written);
	assert_int_equal(stat(path, &first), 0);

	/* Another file would have another number. */
	result.metrics[GATE_LIVE_END].median += 1000;
	assert_int_equal(update(path, &result, GATE_UPDATE_ALL, &written, &err), 0);
	assert_false(written);
	assert_int_equal(stat(path, &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);

	result.environment.arena_bytes = 256 * KIB;
	assert_int_equal(update(path, &result, GATE_UPDATE_RATCHET, &written, &err), -1);
	assert_non_null(strstr(err.text, "arena size"));
	assert_int_equal(update(path, &result, GATE_UPDATE_ALL, &written, &err), 0);
	assert_true(written);

	/* What can't be read is no reason not to make it anew. */
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs("<<<<<<<", out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(update(path, &result, GATE_UPDATE_RATCHET, &written, &err), -1);
	assert_int_equal(update(path, &result, GATE_UPDATE_ALL, &written, &err), 0);
	assert_int_equal(update(path, &result, GATE_UPDATE_RATCHET, &written, &err), 0);
	assert_false(written);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	gate_result_release(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_as_now_but_for_what_hardly_differs),
		cmocka_unit_test(a_ratchet_takes_what_became_less),
		cmocka_unit_test(one_site_is_change_enough),
		cmocka_unit_test(a_ratchet_leaves_no_more_out),
		cmocka_unit_test(nothing_changes_while_nothing_happens),
		cmocka_unit_test(a_ratchet_never_raises_and_comes_to_rest),
		cmocka_unit_test(what_was_taken_over_passes),
		cmocka_unit_test(small_steps_add_up),
		cmocka_unit_test(noise_that_becomes_known_is_taken_over),
		cmocka_unit_test(a_file_is_left_alone_or_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
