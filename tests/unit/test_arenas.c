/*
 * The arenas of a profile as of a moment, out of arrays that are filled by hand: what they hold
 * was added up on paper.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../reporter/arenas.h"

enum { KIB = 1 << 10, MIB = 1 << 20, FIRST = 16 * MIB, SECOND = 32 * MIB, THIRD = 48 * MIB };

/* Two arenas at the end, three moments before: `early`, `late`, and the tracer's own `end`. */
struct made {
	struct profile profile;
	struct profile_mark marks[3];
	struct profile_arena arenas[2];
	struct profile_pool pools[3];
	struct profile_pin pins[3];
	struct profile_arena_mark summaries[6];
	struct profile_holder holders[5];
	struct profile_mark_class classes[3];
};

static char strings[] = "\0end\0early\0late";

static struct made make(void)
{
	struct made made = {
		.marks = {{.name = 5, .base = 5, .arena_count = 2},
			  {.name = 11, .base = 11, .arena_count = 2},
			  {.name = 1, .base = 1, .arena_count = 2}},
		.arenas = {{FIRST, MIB, 700, 10, 1, 3, 0}, {SECOND, MIB, 4000, 8, 2, 4, 0}},
		/* 7 blocks of 32 bytes and 3 of 160, 8 of 512. */
		.pools = {{FIRST + 16 * KIB, 2, 7}, {FIRST + 64 * KIB, 10, 3}, {SECOND, 32, 8}},
		.pins = {{0, 1, 6, 6 * 32, 180, 0, 1},
			 {0, 2, 4, 32 + 3 * 160, 520, 1, 2},
			 {1, 2, 8, 8 * 512, 4000, 0, 4}},
		.summaries = {{FIRST, MIB, 90, 96, 0, 3, 1, 0, 1, 0},
			      {SECOND, MIB, 64, 64, 0, 4, 1, 1, 1, 1},
			      {FIRST, 0, 0, 0, 1, 0, 0, 0, 0, 0},
			      {THIRD, MIB, 480, 512, 1, 1, 1, 2, 1, 0},
			      {SECOND, MIB, 32, 32, PROFILE_PEAK, 1, 1, 3, 1, 0},
			      {THIRD, MIB, 1024, 1024, PROFILE_PEAK, 2, 2, 4, 1, 0}},
		.holders = {{1, 3, 96, 0, 0},
			    {2, 3, 48, 0, 0},
			    {3, 1, 512, 1, 1},
			    {1, 1, 32, 0, 1},
			    {2, 2, 1024, 0, 2}},
		.classes = {{0, 2, 2, 7}, {1, 1, 1, 4}, {1, 32, 1, 1}},
	};
	return made;
}

static struct profile *as_profile(struct made *made)
{
	made->profile = (struct profile){
		.run = {.pool_bytes = 16 * KIB, .arena_count = 2, .most_arenas = 2},
		.strings = strings,
		.strings_bytes = sizeof strings,
		.marks = made->marks,
		.mark_count = 3,
		.arenas = made->arenas,
		.arena_count = 2,
		.pools = made->pools,
		.pool_count = 3,
		.pins = made->pins,
		.pin_count = 3,
		.arena_marks = made->summaries,
		.arena_mark_count = 6,
		.holders = made->holders,
		.holder_count = 5,
		.mark_classes = made->classes,
		.mark_class_count = 3,
	};
	return &made->profile;
}

static void check_sums(const struct arenas *arenas)
{
	for (size_t i = 0; i < arenas->count; i++) {
		const struct held_arena *arena = &arenas->items[i];
		uint64_t blocks = arena->other_blocks;
		for (size_t j = 0; j < arena->holder_count; j++)
			blocks += arenas->holders[arena->holder_start + j].blocks;
		assert_int_equal(blocks, arena->live_blocks);
		assert_int_equal(arena->bytes,
				 arena->block_bytes + arena->header_bytes + arena->free_bytes);
	}
	assert_int_equal(arenas->bytes,
			 arenas->block_bytes + arenas->header_bytes + arenas->free_bytes);
}

static void the_end_comes_block_by_block(void **state)
{
	(void)state;
	struct made made = make();
	const struct moment last = {.kind = MOMENT_LAST};
	struct arenas arenas;
	arenas_at(as_profile(&made), &last, &arenas);
	assert_true(arenas.known && arenas.holders_known && arenas.requested_known);
	assert_int_equal(arenas.count, 2);
	assert_int_equal(arenas.items[0].block_bytes, 7 * 32 + 3 * 160);
	assert_int_equal(arenas.items[0].header_bytes, 2 * 48);
	assert_int_equal(arenas.items[0].free_bytes, MIB - 704 - 96);
	assert_int_equal(arenas.items[0].live_bytes, 700);
	assert_int_equal(arenas.items[0].window, 3);
	assert_int_equal(arenas.items[0].other_blocks, 0);
	assert_int_equal(arenas.items[1].holder_count, 1);
	assert_int_equal(arenas.holders[arenas.items[1].holder_start].stack, 2);
	assert_int_equal(arenas.holders[arenas.items[1].holder_start].bytes, 4000);
	assert_int_equal(arenas.classes[10].blocks, 3);
	assert_int_equal(arenas.live_blocks, 18);
	check_sums(&arenas);
	arenas_release(&arenas);
}

/* An arena that didn't change since the mark before is as it was there. */
static void a_mark_rests_on_those_before_it(void **state)
{
	(void)state;
	struct made made = make();
	const struct moment early = {.kind = MOMENT_MARK, .mark = 0};
	const struct moment late = {.kind = MOMENT_MARK, .mark = 1};
	struct arenas arenas;
	arenas_at(as_profile(&made), &early, &arenas);
	assert_int_equal(arenas.count, 2);
	assert_int_equal(arenas.items[1].other_blocks, 1);
	assert_int_equal(arenas.items[1].other_block_bytes, 16);
	assert_int_equal(arenas.items[1].other_stacks, 1);
	assert_int_equal(arenas.classes[2].blocks, 7);
	check_sums(&arenas);
	arenas_release(&arenas);

	arenas_at(as_profile(&made), &late, &arenas);
	assert_int_equal(arenas.count, 2);
	assert_int_equal(arenas.items[0].address, SECOND);
	assert_int_equal(arenas.items[0].live_blocks, 4);
	assert_int_equal(arenas.items[1].address, THIRD);
	assert_int_equal(arenas.items[1].window, ARENAS_NO_WINDOW);
	assert_int_equal(arenas.classes[2].blocks, 0);
	assert_int_equal(arenas.classes[32].pools, 1);
	assert_false(arenas.requested_known);
	check_sums(&arenas);
	arenas_release(&arenas);
}

static void the_peak_stands_alone(void **state)
{
	(void)state;
	struct made made = make();
	struct arenas arenas;
	arenas_at_peak(as_profile(&made), &arenas);
	assert_true(arenas.known);
	assert_int_equal(arenas.count, 2);
	assert_int_equal(arenas.items[0].live_blocks, 1);
	assert_int_equal(arenas.items[1].live_blocks, 2);
	check_sums(&arenas);
	arenas_release(&arenas);
}

/*
 * The tracer's own `end` is what the map of the end was taken at; a program's `end` is a mark.
 */
static void the_mark_end_is_the_end(void **state)
{
	(void)state;
	struct made made = make();
	const struct moment end = {.kind = MOMENT_MARK, .mark = 2};
	struct profile *profile = as_profile(&made);
	assert_false(arenas_exact(profile, &end));
	profile->run.flags = PROFILE_AT_END;
	assert_true(arenas_exact(profile, &end));
	made.marks[2].figures.origin = MARK_PROGRAM;
	assert_false(arenas_exact(profile, &end));
}

static void nothing_is_there_at_the_start(void **state)
{
	(void)state;
	struct made made = make();
	const struct moment start = {.kind = MOMENT_START};
	struct arenas arenas;
	arenas_at(as_profile(&made), &start, &arenas);
	assert_true(arenas.known && arenas.holders_known);
	assert_int_equal(arenas.count, 0);
	assert_int_equal(arenas.bytes, 0);
	arenas_release(&arenas);
}

/* As in files from before there were summaries, or where they can't be read. */
static void what_isnt_told_isnt_known(void **state)
{
	(void)state;
	struct made made = make();
	const struct moment early = {.kind = MOMENT_MARK, .mark = 0};
	const struct moment last = {.kind = MOMENT_LAST};
	struct profile *profile = as_profile(&made);
	struct arenas arenas;
	profile->arena_mark_count = profile->pin_count = 0;
	arenas_at(profile, &early, &arenas);
	assert_false(arenas.known);
	arenas_release(&arenas);
	arenas_at(profile, &last, &arenas);
	assert_true(arenas.known);
	assert_false(arenas.holders_known);
	assert_int_equal(arenas.items[0].other_blocks, 10);
	check_sums(&arenas);
	arenas_release(&arenas);
	profile->arena_count = 0;
	arenas_at(profile, &last, &arenas);
	assert_false(arenas.known);
	arenas_release(&arenas);
}

static void contradictions_are_settled(void **state)
{
	(void)state;
	struct made made = make();
	const struct moment last = {.kind = MOMENT_LAST};
	const struct moment early = {.kind = MOMENT_MARK, .mark = 0};
	struct arenas arenas;
	made.pins[0].blocks = made.pins[1].blocks = UINT32_MAX;
	made.pins[0].block_bytes = made.pins[1].block_bytes = UINT32_MAX;
	made.pools[2].live_blocks = UINT32_MAX;
	made.summaries[0].pools = UINT32_MAX;
	arenas_at(as_profile(&made), &last, &arenas);
	assert_int_equal(arenas.items[0].live_blocks, 2ULL * UINT32_MAX);
	check_sums(&arenas);
	arenas_release(&arenas);
	arenas_at(as_profile(&made), &early, &arenas);
	check_sums(&arenas);
	arenas_release(&arenas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_comes_block_by_block),
		cmocka_unit_test(a_mark_rests_on_those_before_it),
		cmocka_unit_test(the_peak_stands_alone),
		cmocka_unit_test(the_mark_end_is_the_end),
		cmocka_unit_test(nothing_is_there_at_the_start),
		cmocka_unit_test(what_isnt_told_isnt_known),
		cmocka_unit_test(contradictions_are_settled),
	};
	return cmocka_run_group_tests_name("arenas", tests, NULL, NULL);
}
