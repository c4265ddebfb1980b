/*
 * When leaks, fragmentation and caches are found, and that what is advised follows from the
 * figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../../reporter/verdict.h"

enum { MIB = 1 << 20 };

/* 100 arenas, half of whose bytes are free; `a.py:1` holds 60 alone, `b.py:2` 20. */
struct made {
	struct profile profile;
	struct profile_mark mark;
	struct fragmentation fragmentation;
	struct pinning pinning;
	struct pinning_row rows[12];
	struct c_heap heap;
	/* Without rows that grow, unless a test makes some. */
	struct growth growth;
	struct growth_row grown[3];
	struct leak_tests leaks;
	struct leak_test tested[3];
	struct verdict_query query;
};

static void make(struct made *made)
{
	*made = (struct made){
		.mark.figures = {.rss_bytes = 150 * MIB},
		.fragmentation = {.known = true,
				  .arenas = 100,
				  .bytes = 100 * MIB,
				  .blocks = 1000,
				  .block_bytes = 50 * MIB,
				  .free_bytes = 50 * MIB,
				  .pinned_bytes = 50 * MIB},
		.pinning = {.known = true, .row_count = 12},
		.rows = {{.group = {.file = "/w/a.py", .line = 1},
			  .figures = {600, 30 * MIB, 0, 30 * MIB, 70, 60, 60 * MIB}},
			 {.group = {.file = "/w/b.py", .line = 2},
			  .figures = {200, 10 * MIB, 0, 10 * MIB, 40, 20, 20 * MIB}}},
	};
	for (size_t i = 2; i < 12; i++)
		made->rows[i].group = (struct group){.file = "/w/c.py", .line = (int32_t)i};
	for (uint32_t i = 0; i < 12; i++)
		made->pinning.release.order[i] = i;
	made->pinning.release.step_count = 2;
	made->pinning.release.steps[0] = (struct release_step){1, 60, 60 * MIB, 30 * MIB};
	made->pinning.release.steps[1] = (struct release_step){2, 80, 80 * MIB, 40 * MIB};
	made->pinning.rows = made->rows;
	made->profile.marks = &made->mark;
	made->profile.mark_count = 1;
	made->query = (struct verdict_query){
		.profile = &made->profile,
		.moment = {.kind = MOMENT_MARK},
		.fragmentation = &made->fragmentation,
		.heap = &made->heap,
		.pinning = &made->pinning,
		.growth = &made->growth,
		.leaks = &made->leaks,
		.folder = {"/w/"},
	};
}

static struct verdict find(const struct made *made)
{
	struct verdict verdict;
	verdict_find(&made->query, &verdict);
	return verdict;
}

static void it_names_the_line_and_what_it_gives_back(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	struct verdict verdict = find(&made);
	assert_int_equal(verdict.kind, VERDICT_FRAGMENTATION);
	assert_int_equal(verdict.confidence, VERDICT_HIGH);
	assert_non_null(strstr(verdict.reasons[0], "50.0 MiB of the 100 MiB in 100 arenas"));
	assert_non_null(strstr(verdict.reasons[1], "a.py:1: 600 blocks of 30.0 MiB hold 60 "));
	assert_string_equal(verdict.advice[0], "freeing the blocks of a.py:1 gives back"
					       " 60.0 MiB: 60 of the 100 arenas");
	assert_null(verdict.advice[1]);
	assert_int_equal(verdict.returned_bytes, 60 * MIB);
	verdict_release(&verdict);
}

static bool found(const struct made *made)
{
	struct verdict verdict = find(made);
	const bool result = verdict.kind == VERDICT_FRAGMENTATION;
	verdict_release(&verdict);
	return result;
}

static bool nothing_found(const struct made *made)
{
	struct verdict verdict = find(made);
	const bool result = verdict.kind == VERDICT_NONE;
	verdict_release(&verdict);
	return result;
}

static void limits_decide(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	made.fragmentation.pinned_bytes = 25 * MIB;
	assert_true(found(&made));
	made.fragmentation.pinned_bytes--;
	assert_false(found(&made));

	make(&made);
	made.fragmentation.bytes = 20 * MIB;
	made.fragmentation.pinned_bytes = 8 * MIB;
	made.mark.figures.rss_bytes = 100 * MIB;
	assert_true(found(&made));
	made.fragmentation.pinned_bytes--;
	assert_false(found(&made));
	made.fragmentation.pinned_bytes++;
	made.mark.figures.rss_bytes += 8;
	assert_false(found(&made));
	/* What isn't known is no reason against it. */
	made.mark.figures.rss_bytes = UINT64_MAX;
	assert_true(found(&made));
	made.fragmentation.known = false;
	assert_false(found(&made));
}

static void rows_that_go_together_are_named_together(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	made.pinning.release.step_count = 1;
	made.pinning.release.steps[0] = (struct release_step){2, 80, 80 * MIB, 40 * MIB};
	struct verdict verdict = find(&made);
	assert_non_null(strstr(verdict.advice[0], "blocks of a.py:1 and b.py:2 gives back"));
	verdict_release(&verdict);
	made.pinning.release.steps[0].rows = 5;
	verdict = find(&made);
	assert_non_null(
		strstr(verdict.advice[0], "a.py:1, b.py:2 and 3 more lines gives back"));
	verdict_release(&verdict);
}

/* Ten rows that give back less than a tenth of what is free leave one way only. */
static void restarting_is_advised_when_nothing_else_helps(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	made.pinning.release.steps[0] = (struct release_step){1, 5, 5 * MIB, 4 * MIB};
	made.pinning.release.steps[1] = (struct release_step){11, 90, 90 * MIB, 45 * MIB};
	struct verdict verdict = find(&made);
	assert_non_null(strstr(verdict.advice[0], "the first 10 gives back 4.0 MiB"));
	assert_non_null(strstr(verdict.advice[0], "restarting the process"));
	assert_int_equal(verdict.returned_bytes, 0);
	verdict_release(&verdict);

	made.pinning.release.steps[0].free_bytes = 5 * MIB;
	verdict = find(&made);
	assert_null(strstr(verdict.advice[0], "restarting"));
	verdict_release(&verdict);

	/* Whose blocks have no name might be one line's. */
	made.pinning.release.steps[0].free_bytes = 4 * MIB;
	made.pinning.others.blocks = 1;
	verdict = find(&made);
	assert_null(strstr(verdict.advice[0], "restarting"));
	assert_int_equal(verdict.confidence, VERDICT_MEDIUM);
	verdict_release(&verdict);
}

static void lost_events_lower_confidence(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	made.profile.run.lost_slots = 1;
	struct verdict verdict = find(&made);
	assert_int_equal(verdict.confidence, VERDICT_LOW);
	verdict_release(&verdict);
}

static void the_c_heap_is_a_remedy_of_its_own(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	made.heap = (struct c_heap){.known = true, .bytes = 200 * MIB, .free_bytes = 30 * MIB};
	struct verdict verdict = find(&made);
	assert_string_equal(verdict.advice[1],
			    "malloc_trim(0) gives back at most 30.0 MiB of the C heap");
	assert_null(verdict.reasons[2]);
	verdict_release(&verdict);

	/* Fragmented by itself, whatever the arenas are. */
	made.fragmentation.arenas = made.fragmentation.bytes = made.fragmentation.pinned_bytes =
		0;
	assert_false(found(&made));
	made.heap.free_bytes = 150 * MIB;
	made.heap.detailed = true;
	made.heap.trim_bytes = 140 * MIB;
	verdict = find(&made);
	assert_int_equal(verdict.kind, VERDICT_FRAGMENTATION);
	assert_int_equal(verdict.confidence, VERDICT_HIGH);
	assert_string_equal(verdict.reasons[0],
			    "150 MiB of the C heap's 200 MiB is free (75 %)");
	assert_string_equal(verdict.advice[0],
			    "malloc_trim(0) gives back about 140 MiB of the C heap");
	verdict_release(&verdict);

	made.heap.trim_bytes = 0;
	verdict = find(&made);
	assert_non_null(strstr(verdict.advice[0], "gives back only about 0 B of"));
	verdict_release(&verdict);
}

/* c.py:1 and c.py:2 leak, the second faster; c.py:3 filled up. */
static void make_growth(struct made *made)
{
	for (uint32_t i = 0; i < 3; i++) {
		made->grown[i] = (struct growth_row){
			.group = {.file = "/w/c.py", .line = (int32_t)i + 1},
			.index = i,
			.figures = {.size_bytes = 3 * MIB, .count = 7}};
		made->tested[i] = (struct leak_test){.kind = i < 2 ? LEAK_LEAKS : LEAK_FILLS,
						     .tested = true,
						     .blocks_per_mark = NAN,
						     .chance = 0.99};
		made->tested[i].trend = (struct trend){
			.slope = (i + 1) * 1024.0, .low = (i + 1) * 512.0, .p = 0.0001};
		made->tested[i].score = made->tested[i].trend.low * 0.99;
	}
	made->growth = (struct growth){.rows = made->grown, .row_count = 3};
	made->leaks = (struct leak_tests){.items = made->tested, .count = 3};
}

static void leaks_come_first(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	make_growth(&made);
	struct verdict verdict = find(&made);
	assert_int_equal(verdict.kind, VERDICT_LEAK);
	assert_int_equal(verdict.confidence, VERDICT_HIGH);
	assert_int_equal(verdict.leaks, 2);
	assert_int_equal(verdict.caches, 1);
	assert_string_equal(verdict.reasons[0],
			    "c.py:2 grows by 2048 B a second (at least 1024 B),"
			    " and did not slow down");
	assert_non_null(strstr(verdict.reasons[1], "c.py:1 grows by 1024 B a second"));
	assert_non_null(strstr(verdict.reasons[2], "in 100 arenas"));
	assert_non_null(strstr(verdict.reasons[4], "c.py:3 filled up: 3.0 MiB in 7 blocks"));
	/* 2^30 bytes at 1,536 a second: 699,051 seconds. */
	assert_non_null(strstr(verdict.advice[1], units_seconds(699051).text));
	assert_non_null(strstr(verdict.advice[2], "freeing the blocks of a.py:1"));
	verdict_release(&verdict);
	made.tested[1].chance = 0.6;
	verdict = find(&made);
	assert_int_equal(verdict.confidence, VERDICT_MEDIUM);
	verdict_release(&verdict);
	made.profile.run.dropped_events = 1;
	verdict = find(&made);
	assert_int_equal(verdict.confidence, VERDICT_LOW);
	verdict_release(&verdict);
}

static bool says(char *const *sentences, const char *text)
{
	for (size_t i = 0; i < VERDICT_MAX_SENTENCES; i++)
		if (sentences[i] && strstr(sentences[i], text))
			return true;
	return false;
}

/* 3,072 bytes a second leave (512 - 400 + 16) MiB for 43,691 seconds. */
static void a_leak_meets_the_limit_that_has_least_left(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	make_growth(&made);
	for (size_t i = 0; i < 2; i++)
		made.tested[i].trend.high = (double)(i + 1) * 2048;
	struct stream_resident looks[] = {
		{.time_ns = 9000000000, .machine_bytes = MIB, .machine_available_bytes = 1},
		{.time_ns = 10000000000,
		 .machine_bytes = 4096ULL * MIB,
		 .machine_available_bytes = 256 * MIB,
		 .cgroup_bytes = 400 * MIB,
		 .cgroup_cache_bytes = 16 * MIB,
		 .cgroup_limit_bytes = 512 * MIB},
		{.time_ns = 20000000000, .machine_bytes = MIB, .machine_available_bytes = 2},
	};
	made.profile.residents = looks;
	made.profile.resident_count = 3;
	made.query.moment.seconds = 10;
	struct verdict verdict = find(&made);
	assert_int_equal(verdict.limit.kind, LIMIT_CGROUP);
	assert_int_equal(verdict.limit.left_bytes, 128 * MIB);
	assert_float_equal(verdict.forecast.seconds, 128.0 * MIB / 3072, 1e-6);
	assert_float_equal(verdict.forecast.latest, 128.0 * MIB / 1536, 1e-6);
	assert_float_equal(verdict.forecast.soonest, 128.0 * MIB / 6144, 1e-6);
	assert_true(isnan(verdict.restart_marks));
	assert_true(says(verdict.advice,
			 "128 MiB of the cgroup's limit of 512 MiB are left: at this rate"
			 " they are taken in 12 h 8 min (6 h 4 min to 24 h 16 min)"));
	assert_true(says(verdict.advice, "a restart every 6 h 4 min at the latest"));
	assert_false(says(verdict.advice, "another 1.0 GiB"));
	verdict_release(&verdict);

	/* The machine has less left; two marks a second: at most 8 MiB / 3 KiB of them. */
	looks[1].machine_available_bytes = 8 * MIB;
	made.leaks.by_marks = true;
	made.leaks.marks_per_second = 2;
	verdict = find(&made);
	assert_int_equal(verdict.limit.kind, LIMIT_MACHINE);
	assert_float_equal(verdict.restart_marks, 2730, 0);
	assert_true(says(verdict.advice, "8.0 MiB of the machine's 4.0 GiB are left"));
	assert_true(says(verdict.advice, "a restart after every 2,730 iterations"));
	verdict_release(&verdict);

	/* Sure of nothing: the lower bound may be a fall. */
	made.tested[1].trend.low = -4096;
	verdict = find(&made);
	assert_false(says(verdict.advice, "are left"));
	verdict_release(&verdict);
}

static void a_cache_is_said_to_be_one(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	make_growth(&made);
	made.fragmentation.known = false;
	made.tested[0].kind = made.tested[1].kind = LEAK_GROWS;
	struct verdict verdict = find(&made);
	assert_int_equal(verdict.kind, VERDICT_CACHE);
	assert_non_null(strstr(verdict.reasons[0], "c.py:3 filled up"));
	assert_null(verdict.reasons[1]);
	verdict_release(&verdict);
	made.tested[2].kind = LEAK_NONE;
	verdict = find(&made);
	assert_int_equal(verdict.kind, VERDICT_NONE);
	verdict_release(&verdict);
}

/* 20 looks a second apart, the last at the moment; what grows by 2 MiB each is `part`. */
static struct resident_set make_looks(struct made *made, struct stream_resident *looks,
				      enum resident_part part)
{
	make(made);
	made->fragmentation.known = false;
	made->mark.figures.time_ns = 20ULL * 1000000000;
	made->mark.live_bytes = 30 * MIB;
	made->query.moment.seconds = 20;
	made->profile.residents = looks;
	made->profile.resident_count = 20;
	made->profile.run.peak_bytes = 31 * MIB;
	made->profile.run.peak_ms = 20000;
	for (uint64_t i = 0; i < 20; i++) {
		looks[i] = (struct stream_resident){
			.time_ns = (i + 1) * 1000000000,
			.parts = {[RESIDENT_ARENAS] = 30 * MIB},
			.arena_live_bytes = 30 * MIB,
		};
		looks[i].parts[part] += i * 2 * MIB;
	}
	return resident_set_of(&looks[19]);
}

static void growth_that_no_block_explains_is_outside(void **state)
{
	(void)state;
	struct stream_resident looks[20];
	struct made made;
	struct resident_set resident = make_looks(&made, looks, RESIDENT_OTHER);
	made.query.resident = &resident;
	struct verdict verdict = find(&made);
	assert_int_equal(verdict.kind, VERDICT_OUTSIDE);
	/* From the fourth second, after the warm-up, to the twentieth. */
	assert_non_null(strstr(verdict.reasons[0], "grows by 2.0 MiB a second"));
	assert_non_null(strstr(verdict.reasons[0], "32.0 MiB in 16.0 s"));
	assert_non_null(strstr(verdict.reasons[1], "unattributed grew most: by +32.0 MiB to "
						   "38.0 MiB"));
	assert_non_null(strstr(verdict.advice[0], units_seconds(512).text));
	verdict_release(&verdict);

	/* Of a large program it is little. */
	resident.bytes = 400 * MIB;
	assert_true(nothing_found(&made));
	resident.bytes = 68 * MIB;
	assert_false(nothing_found(&made));
	/* It became slower, and goes on. */
	for (size_t i = 10; i < 20; i++)
		looks[i].parts[RESIDENT_OTHER] = looks[9].parts[RESIDENT_OTHER] + i * MIB / 4;
	assert_true(nothing_found(&made));
	/* It came to rest half-way. */
	for (size_t i = 10; i < 20; i++)
		looks[i].parts[RESIDENT_OTHER] = looks[9].parts[RESIDENT_OTHER];
	assert_true(nothing_found(&made));
	/* The program's own live memory is no such growth. */
	resident = make_looks(&made, looks, RESIDENT_MAPPINGS);
	made.query.resident = &resident;
	assert_true(nothing_found(&made));
}

static void what_a_peak_left_is_a_high_water_mark(void **state)
{
	(void)state;
	struct stream_resident looks[20];
	struct made made;
	struct resident_set resident = make_looks(&made, looks, RESIDENT_MAPPINGS);
	made.query.resident = &resident;
	made.profile.run.peak_bytes = 60 * MIB;
	made.profile.run.peak_ms = 5000;
	resident.shares[SHARE_PINNED] = 20 * MIB;
	resident.shares[SHARE_ALLOCATOR_FREE] = 10 * MIB;
	resident.bytes = 100 * MIB;
	struct verdict verdict = find(&made);
	assert_int_equal(verdict.kind, VERDICT_HIGH_WATER);
	assert_string_equal(verdict_kind_names[verdict.kind], "high-water");
	assert_non_null(
		strstr(verdict.reasons[0], "60.0 MiB was live at 5.00 s, 30.0 MiB is") ||
				strstr(verdict.reasons[0],
				       "60.0 MiB was live at 5.0 s, 30.0 MiB is")
			? ""
			: NULL);
	assert_non_null(strstr(verdict.reasons[0], "left 30.0 MiB, free in arenas (20.0 MiB)"));
	verdict_release(&verdict);

	/* The peak is now; most of it is live still; it left little. */
	made.profile.run.peak_ms = 19000;
	assert_true(nothing_found(&made));
	made.profile.run.peak_ms = 5000;
	made.profile.run.peak_bytes = 40 * MIB;
	assert_true(nothing_found(&made));
	made.profile.run.peak_bytes = 60 * MIB;
	resident.bytes = 200 * MIB;
	assert_true(nothing_found(&made));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_names_the_line_and_what_it_gives_back),
		cmocka_unit_test(limits_decide),
		cmocka_unit_test(rows_that_go_together_are_named_together),
		cmocka_unit_test(restarting_is_advised_when_nothing_else_helps),
		cmocka_unit_test(lost_events_lower_confidence),
		cmocka_unit_test(the_c_heap_is_a_remedy_of_its_own),
		cmocka_unit_test(leaks_come_first),
		cmocka_unit_test(a_leak_meets_the_limit_that_has_least_left),
		cmocka_unit_test(a_cache_is_said_to_be_one),
		cmocka_unit_test(growth_that_no_block_explains_is_outside),
		cmocka_unit_test(what_a_peak_left_is_a_high_water_mark),
	};
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
