/* Walks over frames made by hand: what is kept of the walk before, and what is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/walk.h"

enum { FRAMES = 40, BYTES = 16 };

struct frame {
	const void *code, *previous, *instr;
};

struct python python;

static struct frame stack[FRAMES];
static struct walk_frame before[1 + WALK_MOST], fresh[1 + WALK_MOST];
static struct walk walk;
/* Code objects and their instructions: only the addresses count. */
static char codes[2 * FRAMES][BYTES], instructions[2 * FRAMES][BYTES];

/* Frame 0 is the outermost. Each runs a code object of its own. */
static int lay_out(void **state)
{
	(void)state;
	memset(before, 0, sizeof(before));
	memset(&walk, 0, sizeof(walk));
	walk.frames = before + 1;
	walk.fresh = fresh;
	python.layout = (struct layout){
		.frame_code = offsetof(struct frame, code),
		.frame_previous = offsetof(struct frame, previous),
		.frame_instr = offsetof(struct frame, instr),
		.frame_owner = LAYOUT_NONE,
		.instr = INSTR_ADDRESS,
	};
	for (int i = 0; i < FRAMES; i++)
		stack[i] = (struct frame){codes[i], i ? &stack[i - 1] : NULL, instructions[i]};
	return 0;
}

/* The walk is the chain of frames that ends with this one, whatever it was before. */
static void assert_walk(const struct frame *innermost)
{
	uint32_t depth = 0;

	for (const struct frame *at = innermost; at; at = at->previous)
		depth++;
	assert_int_equal(walk.depth, depth);
	for (const struct frame *at = innermost; at; at = at->previous) {
		const struct walk_frame *kept = &walk.frames[--depth];

		assert_ptr_equal(kept->frame, at);
		assert_ptr_equal(kept->code, at->code);
		assert_ptr_equal(kept->instr, at->instr);
	}
}

static void nothing_is_numbered_twice(void **state)
{
	(void)state;
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 1], true), 0);
	assert_walk(&stack[FRAMES - 1]);
	assert_true(walk_callers_unchanged(&walk, &stack[FRAMES - 1]));
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 1], true), FRAMES);
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 1], false), FRAMES);
}

static void an_outer_frame_that_moved_is_seen(void **state)
{
	(void)state;
	walk_update(&walk, &stack[FRAMES - 1], true);
	stack[5].instr = instructions[FRAMES];
	assert_false(walk_callers_unchanged(&walk, &stack[FRAMES - 1]));
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 1], true), 5);
	assert_walk(&stack[FRAMES - 1]);
}

static void a_frame_under_another_caller_is_seen(void **state)
{
	(void)state;
	walk_update(&walk, &stack[FRAMES - 1], true);
	/* As a generator's: it goes on below another frame. */
	stack[FRAMES - 1].previous = &stack[3];
	assert_false(walk_callers_unchanged(&walk, &stack[FRAMES - 1]));
	assert_true(walk_update(&walk, &stack[FRAMES - 1], true) <= 4);
	assert_walk(&stack[FRAMES - 1]);
}

static void the_outermost_of_before_may_be_called(void **state)
{
	struct frame below = {codes[FRAMES], NULL, instructions[FRAMES]};

	(void)state;
	walk_update(&walk, &stack[FRAMES - 1], true);
	stack[0].previous = &below;
	assert_false(walk_callers_unchanged(&walk, &stack[FRAMES - 1]));
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 1], true), 0);
	assert_walk(&stack[FRAMES - 1]);
}

static void returns_and_calls_keep_what_lies_below(void **state)
{
	(void)state;
	walk_update(&walk, &stack[FRAMES - 1], true);
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 6], true), FRAMES - 5);
	assert_walk(&stack[FRAMES - 6]);
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 1], true), FRAMES - 5);
	assert_walk(&stack[FRAMES - 1]);
	/* Of many returns at once a few frames are numbered again. */
	assert_true(walk_update(&walk, &stack[10], true) <= 11);
	assert_walk(&stack[10]);
}

/* Frames that have gone lie in memory that may have gone: only those of the chain are read. */
static void frames_that_have_gone_are_not_read(void **state)
{
	(void)state;
	walk_update(&walk, &stack[FRAMES - 1], true);
	for (uint32_t i = 8; i < walk.depth; i++)
		walk.frames[i].frame = (const void *)(uintptr_t)(16 + 8 * i);
	assert_false(walk_callers_unchanged(&walk, &stack[7]));
	walk_update(&walk, &stack[7], true);
	assert_walk(&stack[7]);
}

/*
 * A code object was freed, and another lies around the same instruction: from another address
 * on. The one of before must not be taken for a code object again.
 */
static void another_code_around_the_same_instruction(void **state)
{
	(void)state;
	walk_update(&walk, &stack[FRAMES - 1], true);
	stack[FRAMES - 1].code = codes[FRAMES];
	stack[7].code = codes[FRAMES + 1];
	assert_int_equal(walk_update(&walk, &stack[FRAMES - 1], false), 7);
	assert_walk(&stack[FRAMES - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_numbered_twice, lay_out),
		cmocka_unit_test_setup(an_outer_frame_that_moved_is_seen, lay_out),
		cmocka_unit_test_setup(a_frame_under_another_caller_is_seen, lay_out),
		cmocka_unit_test_setup(the_outermost_of_before_may_be_called, lay_out),
		cmocka_unit_test_setup(returns_and_calls_keep_what_lies_below, lay_out),
		cmocka_unit_test_setup(frames_that_have_gone_are_not_read, lay_out),
		cmocka_unit_test_setup(another_code_around_the_same_instruction, lay_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
