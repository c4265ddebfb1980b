/* Births and survivors by slice, against a list of blocks gone through one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../reporter/births.h"

enum { RUNS = 300, STACKS = 9, GROUPS = 3, BLOCKS = 400, SECONDS = 40, SLICES = 8 };

struct made {
	uint64_t seed;
	struct profile profile;
	struct lines lines;
	struct grouping grouping;
	struct history history;
	uint32_t trace_of[STACKS + 1], of_trace[STACKS + 1];
	struct profile_point points[SECONDS];
	struct profile_point_change changes[SECONDS * (STACKS + 1)];
	struct profile_window windows[SECONDS];
	struct profile_block blocks[BLOCKS];
	uint64_t born[GROUPS][SLICES], living[GROUPS][SLICES];
	double from;
};

static uint64_t pick(struct made *made, uint64_t below)
{
	made->seed = made->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (made->seed >> 33) % below;
}

/* A point at each second's end tells of what was born in the second; windows begin there. */
static void make_profile(struct made *made)
{
	made->profile.node_count = STACKS;
	made->profile.points = made->points;
	made->profile.point_count = SECONDS;
	made->profile.point_changes = made->changes;
	made->profile.windows = made->windows;
	made->profile.window_count = SECONDS;
	made->profile.blocks = made->blocks;
	for (uint32_t i = 0; i <= STACKS; i++) {
		made->trace_of[i] = i;
		made->of_trace[i] = i % 4 == 3 ? GROUPING_NONE : i % 4;
	}
	for (size_t i = 0; i < SECONDS; i++) {
		made->windows[i].start_ms = i * 1000;
		made->points[i].time_ms = (i + 1) * 1000;
		made->points[i].change_start = i * (STACKS + 1);
		made->points[i].change_count = STACKS + 1;
	}
	made->lines.profile = &made->profile;
	made->lines.trace_of = made->trace_of;
	made->grouping = (struct grouping){
		.lines = &made->lines, .count = GROUPS, .of_trace = made->of_trace};
}

static void make_slices(struct made *made)
{
	double end = (double)pick(made, 5);

	made->from = end;
	made->history.count = 1 + pick(made, SLICES);
	for (size_t i = 0; i < made->history.count; i++)
		made->history.seconds[i] = end += 1 + (double)pick(made, 4);
}

/* The model: one block of a stack is born, in that second. */
static void give_birth(struct made *made, uint32_t stack, size_t second, bool lives)
{
	const uint32_t group = made->of_trace[stack];

	for (size_t i = second; i < SECONDS; i++)
		made->changes[i * (STACKS + 1) + stack].total_blocks++;
	if (lives)
		made->blocks[made->profile.block_count++] =
			(struct profile_block){.stack = stack, .window = (uint16_t)second};
	for (size_t s = 0; s < made->history.count; s++) {
		const double begin = s ? made->history.seconds[s - 1] : made->from;

		if (group == GROUPING_NONE || (double)second < begin ||
		    (double)second >= made->history.seconds[s])
			continue;
		made->born[group][s]++;
		made->living[group][s] += lives;
	}
}

static void make(struct made *made, uint64_t seed)
{
	*made = (struct made){.seed = seed};
	make_profile(made);
	make_slices(made);
	for (size_t i = 0; i < SECONDS; i++)
		for (uint32_t stack = 0; stack <= STACKS; stack++)
			made->changes[i * (STACKS + 1) + stack].stack = stack;
	for (size_t i = 0; i < BLOCKS; i++)
		give_birth(made, (uint32_t)pick(made, STACKS + 1), pick(made, SECONDS),
			   pick(made, 3) == 0);
}

static void they_are_those_of_the_blocks(void **state)
{
	struct made *made = malloc(sizeof(*made));
	struct births births;

	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		make(made, seed);
		const struct moment from = {.seconds = made->from};
		births_compute(&made->grouping, &made->history, &from, &births);
		assert_false(births.living_known);
		births_find_living(&births, &made->grouping, &made->history, &from,
				   &made->profile);
		assert_true(births.living_known);
		for (size_t g = 0; g < GROUPS; g++)
			for (size_t s = 0; s < made->history.count; s++) {
				assert_int_equal(births_born(&births, g)[s], made->born[g][s]);
				assert_int_equal(births_living(&births, g)[s],
						 made->living[g][s]);
			}
		births_release(&births);
	}
	free(made);
}

/* One by one they would take too long. */
static void too_many_to_look_at(void **state)
{
	struct made *made = malloc(sizeof(*made));
	const struct moment from = {.seconds = 0};
	struct births births;

	(void)state;
	make(made, 1);
	made->profile.run.block_count = BIRTHS_MOST_LIVING + 1;
	births_compute(&made->grouping, &made->history, &from, &births);
	births_find_living(&births, &made->grouping, &made->history, &from, &made->profile);
	assert_false(births.living_known);
	births_release(&births);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_those_of_the_blocks),
		cmocka_unit_test(too_many_to_look_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
