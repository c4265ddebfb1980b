/* The shim's list of arenas: which are there, whose they are, which audit each has had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../preload/arenas.h"

enum { MAIN = 0, OTHER = 7, MANY = 1000 };
static const uint64_t MIB = 1 << 20;

static void add(uint64_t number, uint32_t owner, uint32_t audited)
{
	assert_true(arenas_add((struct arena){number * MIB, MIB, owner, audited}));
}

/* How many the owner has, in rising order of their addresses; none is left in the list. */
static uint32_t empty(uint32_t owner)
{
	struct arena arena = {.address = 0};
	uint32_t count = 0;

	for (uint64_t last = 0; arenas_next(owner, last, &arena); last = arena.address) {
		assert_true(arena.address > last && arena.owner == owner);
		arenas_remove(arena.address);
		count++;
	}
	return count;
}

static void there_never_was_one(void **state)
{
	struct arena arena;

	(void)state;
	assert_true(arenas_never());
	assert_false(arenas_next(MAIN, 0, &arena));
	assert_false(arenas_any_owed(1));
	arenas_remove(MIB);
}

/* 7 and 1009 have no common divisor: every address comes, in no order, over many growths. */
static void they_are_told_in_order(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= MANY; i++)
		add(i * 7 % 1009, i % 3 ? MAIN : OTHER, 0);
	assert_false(arenas_never());
	assert_int_equal(empty(MAIN), MANY - MANY / 3);
	assert_int_equal(empty(OTHER), MANY / 3);
}

static void an_address_is_there_once(void **state)
{
	(void)state;
	add(5, MAIN, 0);
	add(5, OTHER, 0);
	assert_int_equal(empty(MAIN), 0);
	assert_int_equal(empty(OTHER), 1);
}

static void each_owner_owes_by_itself(void **state)
{
	(void)state;
	add(1, MAIN, 0);
	add(2, OTHER, 0);
	assert_true(arenas_owed(MAIN, 1) && arenas_owed(OTHER, 1));
	arenas_audited(MAIN, 1);
	assert_false(arenas_owed(MAIN, 1));
	assert_true(arenas_owed(OTHER, 1) && arenas_any_owed(1));
	/* It is too young for the first. */
	add(3, MAIN, 1);
	assert_false(arenas_owed(MAIN, 1));
	arenas_remove(2 * MIB);
	assert_false(arenas_any_owed(1));
	assert_true(arenas_any_owed(2));
	assert_int_equal(empty(MAIN), 2);
}

/* Audits are counted in 32 bits. */
static void the_count_may_wrap(void **state)
{
	(void)state;
	add(1, MAIN, UINT32_MAX);
	assert_false(arenas_owed(MAIN, UINT32_MAX));
	assert_true(arenas_owed(MAIN, 0));
	arenas_audited(MAIN, 0);
	assert_false(arenas_owed(MAIN, UINT32_MAX) || arenas_owed(MAIN, 0));
	assert_int_equal(empty(MAIN), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_never_was_one),
		cmocka_unit_test(they_are_told_in_order),
		cmocka_unit_test(an_address_is_there_once),
		cmocka_unit_test(each_owner_owes_by_itself),
		cmocka_unit_test(the_count_may_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
