/* Slices of random runs against the figures of every point, kept one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../reporter/history.h"

enum { STACKS = 12, GROUPS = 4, MOMENTS = 130, CHANGES = MOMENTS * STACKS, RUNS = 60 };

struct made {
	struct profile profile;
	struct lines lines;
	struct grouping grouping;
	struct profile_point points[MOMENTS];
	struct profile_point_change point_changes[CHANGES];
	struct profile_mark marks[MOMENTS];
	struct profile_change changes[CHANGES];
	uint32_t trace_of[STACKS + 1], of_trace[STACKS + 1];
	/* By moment: what is live of each group, and in all. */
	uint64_t bytes[MOMENTS][GROUPS], blocks[MOMENTS][GROUPS], total[MOMENTS];
	size_t moments;
	uint64_t seed;
};

static uint64_t pick(struct made *made, uint64_t count)
{
	made->seed = made->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (made->seed >> 33) % count;
}

/* One stack in five is left out, as by --ignore. */
static void make_groups(struct made *made)
{
	for (uint32_t i = 0; i <= STACKS; i++) {
		made->trace_of[i] = i;
		made->of_trace[i] = i % 5 == 4 ? GROUPING_NONE : i % GROUPS;
	}
	made->profile.node_count = STACKS;
	made->lines.profile = &made->profile;
	made->lines.trace_of = made->trace_of;
	made->lines.trace_count = STACKS + 1;
	made->grouping = (struct grouping){
		.lines = &made->lines, .count = GROUPS, .of_trace = made->of_trace};
}

static void sum_up(struct made *made, size_t moment, const uint64_t *bytes,
		   const uint64_t *blocks)
{
	for (uint32_t i = 0; i <= STACKS; i++) {
		made->total[moment] += bytes[i];
		if (made->of_trace[i] == GROUPING_NONE)
			continue;
		made->bytes[moment][made->of_trace[i]] += bytes[i];
		made->blocks[moment][made->of_trace[i]] += blocks[i];
	}
}

/* The same moments as points, one a second, and as marks. */
static void make(struct made *made, uint64_t seed, const char *names)
{
	uint64_t bytes[STACKS + 1] = {0}, blocks[STACKS + 1] = {0};
	size_t changes = 0;

	*made = (struct made){.seed = seed};
	make_groups(made);
	made->moments = pick(made, MOMENTS) + 1;
	for (size_t i = 0; i < made->moments; i++) {
		const size_t first = changes;

		for (uint32_t stack = 0; stack <= STACKS; stack++) {
			if (pick(made, 3))
				continue;
			bytes[stack] = pick(made, 1000);
			blocks[stack] = pick(made, 10);
			made->changes[changes] = (struct profile_change){stack, 0, bytes[stack],
									 blocks[stack]};
			made->point_changes[changes++] = (struct profile_point_change){
				stack, 0, bytes[stack], blocks[stack], 0};
		}
		made->points[i] = (struct profile_point){.time_ms = (i + 1) * 1000,
							 .rss_bytes = 1 << 20,
							 .change_start = first,
							 .change_count = changes - first};
		made->marks[i] = (struct profile_mark){
			.change_start = first, .change_count = changes - first, .base = 1};
		made->marks[i].figures.time_ns = (i + 1) * 1000000000;
		sum_up(made, i, bytes, blocks);
	}
	made->profile.points = made->points;
	made->profile.point_count = made->moments;
	made->profile.point_changes = made->point_changes;
	made->profile.marks = made->marks;
	made->profile.mark_count = made->moments;
	made->profile.changes = made->changes;
	made->profile.strings = (char *)(uintptr_t)names;
	made->profile.strings_bytes = 16;
}

/* Of the moments that lie in a slice, the one in which the group had least. */
static void same_slice(const struct made *made, const struct history *history, size_t first,
		       size_t items, size_t slice)
{
	const size_t begin = (slice * items + history->count - 1) / history->count;
	const size_t end = ((slice + 1) * items + history->count - 1) / history->count;

	assert_true(begin < end);
	for (size_t g = 0; g < GROUPS; g++) {
		uint64_t least = UINT64_MAX;

		for (size_t i = begin; i < end; i++)
			if (made->bytes[first + i][g] < least)
				least = made->bytes[first + i][g];
		assert_int_equal(history_bytes(history, g)[slice], least);
	}
	if (end - begin == 1)
		for (size_t g = 0; g < GROUPS; g++)
			assert_int_equal(history_blocks(history, g)[slice],
					 made->blocks[first + begin][g]);
	assert_true(history->seconds[slice] == (double)(first + end));
}

static void check(struct made *made, bool by_marks)
{
	const size_t first = pick(made, made->moments);
	const size_t last = first + pick(made, made->moments - first);
	const struct moment from = {.seconds = (double)(first + 1)},
			    to = {.seconds = (double)(last + 1)};
	const size_t items = last - first + 1;
	struct history history;

	history_compute(&made->grouping, &from, &to, &history);
	assert_int_equal(history.by_marks, by_marks && items >= HISTORY_FEWEST_MARKS);
	assert_int_equal(history.count,
			 items < HISTORY_MOST_SLICES ? items : HISTORY_MOST_SLICES);
	for (size_t i = 0; i < history.count; i++)
		same_slice(made, &history, first, items, i);
	if (items <= HISTORY_MOST_SLICES)
		for (size_t i = 0; i < items; i++)
			assert_int_equal(history.total_bytes[i], made->total[first + i]);
	history_release(&history);
}

static void slices_are_the_least_of_their_points(void **state)
{
	struct made *made = malloc(sizeof(*made));

	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		make(made, seed, "\0other\0\0\0\0\0\0\0\0\0");
		check(made, false);
		make(made, seed, "\0iteration\0\0\0\0\0");
		check(made, true);
	}
	free(made);
}

static void a_profile_without_points(void **state)
{
	struct made *made = malloc(sizeof(*made));
	const struct moment from = {.seconds = 0}, to = {.seconds = 100};
	struct history history;

	(void)state;
	make(made, 1, "\0other\0\0\0\0\0\0\0\0\0");
	made->profile.point_count = 0;
	history_compute(&made->grouping, &from, &to, &history);
	assert_int_equal(history.count, 0);
	history_release(&history);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_the_least_of_their_points),
		cmocka_unit_test(a_profile_without_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
