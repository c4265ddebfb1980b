/* The shim's calls inside calls: which inner events are the outer call's own memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../preload/call.h"
#include "../../preload/debug_blocks.h"

enum { BLOCK = 0x10000, ELSEWHERE = 0x20000, DEBUG_BYTES = 24 };

_Atomic uint32_t debug_blocks_bytes;

static struct event malloced(uint64_t address, uint64_t bytes)
{
	return (struct event){.address = address, .bytes = bytes, .domain = EVENT_MALLOC};
}

static bool holds(struct call *outer, uint64_t address, uint64_t bytes)
{
	struct event event = malloced(address, bytes);

	return call_hold(outer, &event);
}

static void holds_what_may_be_the_outer_block(void **state)
{
	struct call outer = {.domain = EVENT_OBJECT, .bytes = 1000};

	(void)state;
	assert_false(holds(&outer, BLOCK, 999));
	assert_false(holds(&outer, BLOCK, 1065));
	for (uint64_t i = 0; i < CALL_HELD; i++)
		assert_true(holds(&outer, BLOCK + i * 4096, 1000 + i * 8));
	assert_false(holds(&outer, ELSEWHERE, 1000));
	struct call map = {.domain = EVENT_MAP, .bytes = 1000};

	assert_false(holds(&map, BLOCK, 1000));
}

static void drops_the_first_that_is_the_outer_block(void **state)
{
	struct call outer = {.domain = EVENT_OBJECT, .bytes = 1000};

	(void)state;
	assert_true(holds(&outer, ELSEWHERE, 1000));
	assert_true(holds(&outer, BLOCK, 1000));
	assert_true(holds(&outer, ELSEWHERE + 4096, 1000));
	call_settle(&outer, BLOCK);
	assert_int_equal(outer.held_count, 2);
	assert_int_equal(outer.held[0].address, ELSEWHERE);
	assert_int_equal(outer.held[1].address, ELSEWHERE + 4096);
	call_settle(&outer, 0);
	assert_int_equal(outer.held_count, 2);
}

/* 16 or 32 bytes in front are another block's, unless debug allocators are known. */
static void knows_headers_of_debug_allocators(void **state)
{
	struct call outer = {.domain = EVENT_OBJECT, .bytes = 1000};

	(void)state;
	for (uint64_t header = 16; header <= 32; header += 16) {
		outer.held_count = 0;
		assert_true(holds(&outer, BLOCK - header, 1024));
		debug_blocks_bytes = 0;
		call_settle(&outer, BLOCK);
		assert_int_equal(outer.held_count, 1);
		debug_blocks_bytes = DEBUG_BYTES;
		call_settle(&outer, BLOCK);
		assert_int_equal(outer.held_count, 0);
	}
	debug_blocks_bytes = 0;
}

static void a_free_inside_a_free_is_covered_once(void **state)
{
	struct call outer = {.old = BLOCK};
	struct call between = {.outer = &outer};
	struct call inner = {.outer = &between};
	struct call next = {.outer = &outer};

	(void)state;
	assert_false(call_is_covered(&inner, ELSEWHERE));
	assert_false(inner.covered);
	assert_true(call_is_covered(&inner, BLOCK));
	assert_true(inner.covered);
	assert_false(call_is_covered(&next, BLOCK));
}

static void a_free_takes_back_what_was_held(void **state)
{
	struct call outer = {.domain = EVENT_OBJECT, .bytes = 1000};
	struct call inner = {.outer = &outer};

	(void)state;
	assert_true(holds(&outer, BLOCK, 1000));
	assert_true(holds(&outer, ELSEWHERE, 1000));
	assert_true(call_forget(&inner, BLOCK));
	assert_false(call_forget(&inner, BLOCK));
	assert_int_equal(outer.held_count, 1);
	assert_int_equal(outer.held[0].address, ELSEWHERE);
	assert_false(call_forget(NULL, ELSEWHERE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_may_be_the_outer_block),
		cmocka_unit_test(drops_the_first_that_is_the_outer_block),
		cmocka_unit_test(knows_headers_of_debug_allocators),
		cmocka_unit_test(a_free_inside_a_free_is_covered_once),
		cmocka_unit_test(a_free_takes_back_what_was_held),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
