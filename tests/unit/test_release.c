/*
 * The order in which lines are let go: step by step the one that the definition says, worked
 * out anew each time from every arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../reporter/release.h"
#include "xorshift.h"

enum { ARENAS = 40, ROWS = 12, ROUNDS = 200 };
static const uint64_t MIB = 1 << 20;

struct given {
	uint64_t bytes[ARENAS], free_bytes[ARENAS];
	size_t starts[ARENAS + 1];
	uint32_t rows[ARENAS * ROWS];
	size_t count;
};

static void add(struct given *given, uint64_t free_bytes, uint32_t rows)
{
	size_t at = given->starts[given->count];

	given->bytes[given->count] = MIB;
	given->free_bytes[given->count] = free_bytes;
	for (uint32_t row = 0; row < ROWS; row++)
		if (rows >> row & 1)
			given->rows[at++] = row;
	given->starts[++given->count] = at;
}

static struct release computed(const struct given *given)
{
	const struct release_arenas arenas = {
		.bytes = given->bytes,
		.free_bytes = given->free_bytes,
		.starts = given->starts,
		.rows = given->rows,
		.count = given->count,
		.row_count = ROWS,
	};
	struct release release;

	release_compute(&arenas, &release);
	return release;
}

/* Rows that hold the arena and aren't in `taken`. */
static uint32_t left(const struct given *given, size_t arena, uint32_t taken)
{
	uint32_t rows = 0;

	for (size_t i = given->starts[arena]; i < given->starts[arena + 1]; i++)
		rows |= 1u << given->rows[i];
	return rows & ~taken;
}

/* ROWS: none would give anything back. */
static uint32_t best(const struct given *given, uint32_t taken)
{
	uint32_t best_row = ROWS;
	uint64_t most = 0;

	for (uint32_t row = 0; row < ROWS; row++) {
		uint64_t score = 0;

		for (size_t i = 0; i < given->count; i++) {
			uint32_t rows = left(given, i, taken);
			uint64_t holders = (uint64_t)__builtin_popcount(rows);

			if (rows >> row & 1)
				score += (given->free_bytes[i] << 16) / (holders * holders);
		}
		if (score > most) {
			most = score;
			best_row = row;
		}
	}
	return best_row;
}

static void check(const struct given *given)
{
	const struct release release = computed(given);
	size_t steps = release.step_count;
	size_t rows = steps ? release.steps[steps - 1].rows : 0;
	uint32_t taken = 0;

	for (size_t i = 0; i < rows; i++) {
		assert_int_equal(release.order[i], best(given, taken));
		taken |= 1u << release.order[i];
	}
}

static void each_row_is_the_best_of_its_moment(void **state)
{
	uint64_t random = 88172645463325252ULL;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct given given;

		memset(&given, 0, sizeof(given));
		for (int i = 0; i < ARENAS; i++) {
			xorshift(&random);
			/* Three of the twelve rows hold it, on the average. */
			add(&given, random >> 44 & ~(uint64_t)15,
			    (uint32_t)(random & random >> 12) & ((1 << ROWS) - 1));
		}
		check(&given);
	}
}

/*
 * Row 0 is taken first. It leaves row 1 with an arena that is nearly full, and holds nothing of
 * the half empty one of row 2: that is worth more.
 */
static void arenas_that_are_well_used_stay(void **state)
{
	struct given given;

	(void)state;
	memset(&given, 0, sizeof(given));
	add(&given, MIB - 16, 1 << 0);
	add(&given, 64 << 10, 1 << 0 | 1 << 1);
	add(&given, 512 << 10, 1 << 2);
	const struct release release = computed(&given);

	assert_int_equal(release.step_count, 3);
	assert_int_equal(release.order[0], 0);
	assert_int_equal(release.order[1], 2);
	assert_int_equal(release.order[2], 1);
	check(&given);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_the_best_of_its_moment),
		cmocka_unit_test(arenas_that_are_well_used_stay),
	};

	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
