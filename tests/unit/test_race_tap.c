/*
 * Many threads call what the hooks call, for blocks that they allocate, resize and free for
 * each other, while marks flush the table: the whole way from a hooked call to the stream,
 * without an interpreter.
 */
#include "race_blocks.h"

#include "../../preload/debug_blocks.h"
#include "../../preload/exports.h"
#include "../../preload/life.h"
#include "../../preload/python.h"
#include "../../preload/tap.h"
#include "../../preload/thread.h"

enum { ROUNDS = 100000, LARGEST = 700 };

static const void *pointer(uint32_t block)
{
	return (const void *)(uintptr_t)race_address(block);
}

/* With the C library's allocator inside Python's, as for all blocks that pools don't serve. */
static void make_in_domain(uint32_t block, size_t bytes)
{
	struct call outer, inner;

	tap_begin(&outer, EVENT_MEM, bytes);
	tap_begin(&inner, EVENT_MALLOC, bytes);
	tap_end(&inner, pointer(block));
	tap_end(&outer, pointer(block));
}

static void make(uint32_t block, size_t bytes)
{
	struct call call;

	tap_begin(&call, EVENT_MALLOC, bytes);
	tap_end(&call, pointer(block));
}

static void give_back(uint32_t block)
{
	struct call call;

	tap_begin_free(&call, EVENT_MALLOC, pointer(block), 0);
	race_give_back(block);
	tap_end_free(&call);
}

/* It fails, stays in place, or moves to another if there is one. Returns where it is then. */
static uint32_t resize(uint32_t block, uint64_t dice)
{
	struct call call;
	uint32_t other = dice % RACE_BLOCKS;

	tap_begin_realloc(&call, EVENT_MALLOC, pointer(block), 1 + (dice >> 20) % LARGEST);
	if (!(dice >> 40 & 3)) {
		tap_end_realloc(&call, NULL);
		return block;
	}
	if (!(dice >> 40 & 1) || !race_take(other)) {
		tap_end_realloc(&call, pointer(block));
		return block;
	}
	race_give_back(block);
	tap_end_realloc(&call, pointer(other));
	return other;
}

static void *work(void *argument)
{
	uint64_t dice = race_seed((uint32_t)(uintptr_t)argument);

	for (uint32_t i = 0; i < race_rounds(ROUNDS); i++) {
		uint32_t block = race_next(&dice) % RACE_BLOCKS, other;
		size_t bytes = 1 + (dice >> 20) % LARGEST;

		if (!race_take(block))
			continue;
		if (dice >> 60 & 1)
			make_in_domain(block, bytes);
		else
			make(block, bytes);
		if (race_swap((uint32_t)(dice >> 40), block, &other))
			give_back(resize(other, race_next(&dice)));
		if (dice % 1024 == 0)
			memtrace_mark("race");
	}
	return NULL;
}

static void *no_state(void)
{
	return NULL;
}

static void test_calls_of_many_threads(void **state)
{
	static struct race_model model;
	struct race_reader reader;

	(void)state;
	race_blocks_begin(&reader, &model);
	python.unchecked_tstate = no_state;
	/* Nothing lies in front of blocks that are mere addresses. */
	debug_blocks_forget(false);
	atomic_store(life_state, LIFE_TRACED | LIFE_RECORDING);
	race_run(work);
	memtrace_mark("last");
	atomic_store(life_state, 0);
	race_blocks_end(&reader);
	assert_int_equal(ring.header->dropped_events, 0);
	assert_true(model.allocations > 10000);
	assert_true(model.pairs > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_of_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
