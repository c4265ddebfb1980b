/*
 * Pins against a slow model: arenas with random holders, whose files are found one by one and
 * added up by name; and what a release gives back, by looking at each arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/mem.h"
#include "../../reporter/pinning.h"
#include "xorshift.h"

enum {
	FILES = 6,
	STACKS = 20, /* stack i is in file i % FILES */
	ARENAS = 40,
	HOLDERS = 4,
	ROUNDS = 60,
	MIB = 1 << 20,
	NAME_BYTES = 8,
	SECONDS = 100,
};

struct made {
	struct profile profile;
	char strings[1 + FILES * NAME_BYTES];
	struct profile_code codes[FILES];
	struct profile_node nodes[STACKS];
	struct profile_window windows[2];
	struct held_arena items[ARENAS];
	struct arena_holder holders[ARENAS * HOLDERS];
	struct arenas arenas;
	uint64_t seed;
};

static uint64_t pick(struct made *made, uint64_t count)
{
	return xorshift(&made->seed) % count;
}

static void make_profile(struct made *made)
{
	static char path[] = "made.memtrace";
	for (uint32_t i = 0; i < FILES; i++) {
		snprintf(made->strings + 1 + i * NAME_BYTES, NAME_BYTES, "/%u.py", i);
		made->codes[i].file = 1 + i * NAME_BYTES;
	}
	for (uint32_t i = 0; i < STACKS; i++)
		made->nodes[i].code = STREAM_CODE_FIRST + i % FILES;
	made->windows[1].start_ms = 60000;
	made->profile = (struct profile){
		.path = path,
		.strings = made->strings,
		.strings_bytes = sizeof made->strings,
		.codes = made->codes,
		.code_count = FILES,
		.nodes = made->nodes,
		.node_count = STACKS,
		.windows = made->windows,
		.window_count = 2,
	};
}

static void add_holder(struct made *made, struct held_arena *arena, uint32_t stack,
		       uint32_t blocks)
{
	made->holders[made->arenas.holder_count++] = (struct arena_holder){
		.stack = stack,
		.blocks = blocks,
		.block_bytes = 32 * blocks,
		.bytes = 30 * blocks,
		.oldest = 0,
		.newest = stack % 2,
	};
	arena->holder_count++;
	arena->live_blocks += blocks;
	arena->block_bytes += 32 * blocks;
}

static struct held_arena *add_arena(struct made *made)
{
	struct held_arena *arena = &made->items[made->arenas.count++];
	*arena = (struct held_arena){
		.address = made->arenas.count * MIB,
		.bytes = MIB,
		.holder_start = made->arenas.holder_count,
	};
	return arena;
}

static void end_arena(struct held_arena *arena)
{
	arena->live_blocks += arena->other_blocks;
	arena->block_bytes += arena->other_block_bytes;
	arena->free_bytes = arena->bytes - arena->block_bytes;
}

static struct made *make(uint64_t seed)
{
	struct made *made = mem_alloc(sizeof *made);
	made->seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	make_profile(made);
	made->arenas = (struct arenas){
		.known = true,
		.holders_known = true,
		.requested_known = true,
		.items = made->items,
		.holders = made->holders,
	};
	return made;
}

static void fill(struct made *made)
{
	for (size_t i = 0; i < ARENAS; i++) {
		struct held_arena *arena = add_arena(made);
		const uint64_t first = pick(made, STACKS);
		for (uint64_t j = 0; j < pick(made, HOLDERS + 1); j++)
			add_holder(made, arena, 1 + (uint32_t)((first + j) % STACKS),
				   1 + (uint32_t)pick(made, 1000));
		if (pick(made, 5) == 0) {
			arena->other_stacks = 2;
			arena->other_blocks = 1 + pick(made, 50);
			arena->other_block_bytes = 512 * arena->other_blocks;
		}
		end_arena(arena);
	}
}

static uint32_t file_of(uint32_t stack)
{
	return (stack - 1) % FILES;
}

static uint32_t row_file(const struct pinning_row *row)
{
	return (uint32_t)(row->group.file[1] - '0');
}

/* The model: which files hold an arena, as bits; 1 << FILES: others, or a file left out. */
static uint32_t held_by(const struct made *made, const struct held_arena *arena,
			uint32_t left_out)
{
	uint32_t files = arena->other_blocks ? 1u << FILES : 0;
	for (size_t i = 0; i < arena->holder_count; i++) {
		const uint32_t file = file_of(made->holders[arena->holder_start + i].stack);
		files |= file == left_out ? 1u << FILES : 1u << file;
	}
	return files;
}

static void check_row(const struct made *made, const struct pinning_row *row, uint32_t left_out)
{
	const uint32_t file = row_file(row);
	struct pinning_figures sum = {.blocks = 0};
	double pinned = 0;
	assert_int_not_equal(file, left_out);
	for (size_t i = 0; i < made->arenas.count; i++) {
		const struct held_arena *arena = &made->items[i];
		const uint32_t files = held_by(made, arena, left_out);
		sum.arenas += (files & 1u << file) != 0;
		sum.exclusive_bytes += files == 1u << file ? arena->bytes : 0;
		for (size_t j = 0; j < arena->holder_count; j++) {
			const struct arena_holder *holder =
				&made->holders[arena->holder_start + j];
			if (file_of(holder->stack) != file)
				continue;
			sum.blocks += holder->blocks;
			pinned += (double)arena->free_bytes * holder->blocks /
				  (double)arena->live_blocks;
		}
	}
	assert_int_equal(row->figures.blocks, sum.blocks);
	assert_int_equal(row->figures.live_bytes, 32 * sum.blocks);
	assert_int_equal(row->figures.rounding_bytes, 2 * sum.blocks);
	assert_int_equal(row->figures.arenas, sum.arenas);
	assert_int_equal(row->figures.exclusive_bytes, sum.exclusive_bytes);
	assert_int_equal(row->figures.exclusive_arenas * MIB, sum.exclusive_bytes);
	/* Each share of an arena is within a byte of the exact part. */
	assert_true(fabs((double)row->figures.pinned_bytes - pinned) <
		    (double)(HOLDERS * ARENAS));
}

static void check_release(const struct made *made, const struct pinning *pinning,
			  uint32_t left_out)
{
	size_t next = 0;
	uint32_t released = 0;
	for (size_t i = 0; i < pinning->release.step_count; i++) {
		const struct release_step *step = &pinning->release.steps[i];
		uint64_t arenas = 0, free_bytes = 0;
		for (; next < step->rows; next++) {
			const uint32_t bit =
				1u << row_file(&pinning->rows[pinning->release.order[next]]);
			assert_false(released & bit);
			released |= bit;
		}
		for (size_t j = 0; j < made->arenas.count; j++) {
			const uint32_t files = held_by(made, &made->items[j], left_out);
			arenas += files && !(files & ~released);
			if (files && !(files & ~released))
				free_bytes += made->items[j].free_bytes;
		}
		assert_int_equal(step->arenas, arenas);
		assert_int_equal(step->free_bytes, free_bytes);
		assert_int_equal(step->bytes, arenas * MIB);
		assert_true(arenas > (i ? pinning->release.steps[i - 1].arenas : 0));
	}
	/* With all rows released nothing is left that could have been. */
	uint64_t arenas = 0;
	for (size_t j = 0; j < made->arenas.count; j++) {
		const uint32_t files = held_by(made, &made->items[j], left_out);
		arenas += files && !(files & 1u << FILES);
	}
	const size_t steps = pinning->release.step_count;
	assert_int_equal(steps ? pinning->release.steps[steps - 1].arenas : 0, arenas);
}

static void check(const struct made *made, struct grouping *grouping, uint32_t left_out)
{
	struct pinning pinning;
	uint64_t pinned = 0, held = 0;
	grouping_compute(grouping);
	pinning_compute(&made->arenas, grouping, SECONDS, &pinning);
	for (size_t i = 0; i < pinning.row_count; i++) {
		check_row(made, &pinning.rows[i], left_out);
		pinned += pinning.rows[i].figures.pinned_bytes;
		if (i)
			assert_true(pinning_compare(&pinning.rows[i - 1], &pinning.rows[i]) <
				    0);
	}
	for (size_t i = 0; i < made->arenas.count; i++)
		if (made->items[i].live_blocks)
			held += made->items[i].free_bytes;
	assert_int_equal(pinned, pinning.total.pinned_bytes);
	assert_int_equal(pinned + pinning.others.pinned_bytes, held);
	check_release(made, &pinning, left_out);
	pinning_release(&pinning);
	grouping_release(grouping);
}

static void rows_are_what_their_blocks_hold(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct made *made = make(round);
		fill(made);
		struct lines *lines = lines_new(&made->profile, false);
		struct grouping grouping = {.lines = lines, .by = GROUPING_BY_FILE};
		check(made, &grouping, FILES);
		lines_free(lines);
		free(made);
	}
}

/* What is left out is no row, and still holds its arenas. */
static void what_is_left_out_holds_on(void **state)
{
	(void)state;
	regex_t pattern;
	assert_int_equal(regcomp(&pattern, "/2[.]py", REG_EXTENDED | REG_NOSUB), 0);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct made *made = make(round);
		fill(made);
		struct lines *lines = lines_new(&made->profile, false);
		struct grouping grouping = {
			.lines = lines, .by = GROUPING_BY_FILE, .ignore = &pattern};
		check(made, &grouping, 2);
		lines_free(lines);
		free(made);
	}
	regfree(&pattern);
}

/*
 * File 0 holds three arenas alone, of which little is free; 1 and 2 hold ten together; 3, 4 and
 * 5 hold four, one of them with a stack that isn't named.
 */
static struct made *make_known(void)
{
	struct made *made = make(1);
	for (size_t i = 0; i < 17; i++) {
		struct held_arena *arena = add_arena(made);
		const uint32_t first = i < 3 ? 0 : i < 13 ? 1 : 3;
		const uint32_t last = i < 3 ? 0 : i < 13 ? 2 : 5;
		for (uint32_t file = first; file <= last; file++)
			add_holder(made, arena, 1 + file, file ? 1 : 20000);
		arena->other_blocks = arena->other_stacks = i == 16;
		arena->other_block_bytes = 32 * arena->other_blocks;
		end_arena(arena);
	}
	return made;
}

static void rows_that_hold_together_go_together(void **state)
{
	(void)state;
	struct made *made = make_known();
	struct lines *lines = lines_new(&made->profile, false);
	struct grouping grouping = {.lines = lines, .by = GROUPING_BY_LINE};
	struct pinning pinning;
	grouping_compute(&grouping);
	pinning_compute(&made->arenas, &grouping, SECONDS, &pinning);
	assert_int_equal(pinning.row_count, 6);
	assert_string_equal(pinning.rows[0].group.file, "/0.py");
	assert_int_equal(pinning.rows[0].figures.exclusive_bytes, 3 * MIB);
	assert_int_equal(pinning.rows[1].figures.exclusive_bytes, 0);
	const struct release *release = &pinning.release;
	assert_int_equal(release->step_count, 3);
	for (size_t i = 0; i < 3; i++) {
		static const size_t rows[] = {2, 3, 6}, arenas[] = {10, 13, 16};
		assert_int_equal(release->steps[i].rows, rows[i]);
		assert_int_equal(release->steps[i].arenas, arenas[i]);
		assert_int_equal(release->steps[i].bytes, arenas[i] * MIB);
	}
	pinning_release(&pinning);
	grouping_release(&grouping);
	lines_free(lines);
	free(made);
}

static void ages_go_back_to_the_window(void **state)
{
	(void)state;
	struct made *made = make(1);
	struct held_arena *arena = add_arena(made);
	add_holder(made, arena, 1, 5); /* from the first window to the second */
	add_holder(made, arena, 2, 5); /* of the first alone */
	end_arena(arena);
	struct lines *lines = lines_new(&made->profile, false);
	struct grouping grouping = {.lines = lines, .by = GROUPING_BY_FILE};
	struct pinning pinning;
	grouping_compute(&grouping);
	pinning_compute(&made->arenas, &grouping, SECONDS, &pinning);
	for (size_t i = 0; i < 2; i++) {
		assert_true(pinning.rows[i].oldest_seconds == SECONDS);
		assert_true(pinning.rows[i].newest_seconds ==
			    (row_file(&pinning.rows[i]) ? SECONDS : SECONDS - 60));
	}
	pinning_release(&pinning);
	grouping_release(&grouping);
	lines_free(lines);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_what_their_blocks_hold),
		cmocka_unit_test(what_is_left_out_holds_on),
		cmocka_unit_test(rows_that_hold_together_go_together),
		cmocka_unit_test(ages_go_back_to_the_window),
	};
	return cmocka_run_group_tests_name("pinning", tests, NULL, NULL);
}
