/* Who frees whose blocks: sums by pair of stacks, taken back, and when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../collector/frees.h"

static void note(struct frees *frees, uint32_t stack, uint32_t by, uint32_t flags,
		 uint64_t bytes)
{
	struct profile_freed sum = frees_block(stack, by, flags, bytes, 1);

	frees_note(frees, &sum);
}

static void same(const struct profile_freed *found, struct profile_freed want)
{
	assert_memory_equal(found, &want, sizeof(want));
}

static void by_pair_and_in_order(void **state)
{
	struct profile_freed *items, taken = frees_block(7, 1, F_REALLOC, 30, 1);
	struct frees frees;

	(void)state;
	frees_init(&frees);
	note(&frees, 7, 2, 0, 100);
	note(&frees, 7, 1, F_REALLOC, 30);
	note(&frees, 0, 0, 0, 5);
	note(&frees, 7, 2, F_GC, 11);
	note(&frees, 7, 1, F_REALLOC | F_GC, 40);
	frees_take_back(&frees, &taken);
	items = frees_sorted(&frees);
	assert_int_equal(frees.count, 3);
	assert_int_equal(frees.blocks, 4);
	assert_int_equal(frees.bytes, 156);
	same(&items[0], (struct profile_freed){0, 0, 1, 5, 0, 0, 0, 0});
	same(&items[1], (struct profile_freed){7, 1, 1, 40, 1, 40, 1, 40});
	same(&items[2], (struct profile_freed){7, 2, 2, 111, 1, 11, 0, 0});
	free(items);
	frees_release(&frees);
}

/* Those that come too late are told as others, each allocating stack's by itself. */
static void too_many_pairs(void **state)
{
	enum { MORE = 1000, STACKS = 4 };
	struct profile_freed *items, taken = frees_block(1, FREES_MOST_PAIRS + 1, 0, 2, 1);
	struct frees frees;
	uint64_t sums[STACKS] = {0}, others[STACKS] = {0};

	(void)state;
	frees_init(&frees);
	for (uint32_t by = 0; by < FREES_MOST_PAIRS + MORE; by++)
		note(&frees, by % STACKS, by, 0, 2);
	note(&frees, 1, 1, 0, 2);
	assert_in_range(frees.count, FREES_MOST_PAIRS, FREES_MOST_PAIRS + STACKS);
	frees_take_back(&frees, &taken);
	items = frees_sorted(&frees);
	for (size_t i = 0; i < frees.count; i++) {
		sums[items[i].stack] += items[i].blocks;
		if (items[i].by == PROFILE_OTHER_STACKS)
			others[items[i].stack] += items[i].blocks;
	}
	for (uint32_t stack = 0; stack < STACKS; stack++) {
		assert_int_equal(sums[stack], (FREES_MOST_PAIRS + MORE) / STACKS);
		assert_int_equal(others[stack], MORE / STACKS - (stack == 1));
	}
	free(items);
	frees_release(&frees);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_pair_and_in_order),
		cmocka_unit_test(too_many_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
