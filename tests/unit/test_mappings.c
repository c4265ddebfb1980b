/* Mappings that cut each other, against a table of pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/mappings.h"

enum { PAGE = 4096, PAGES = 64, STEPS = 20000, ORIGINS = STEPS + 1 };

#define BASE 0x7f0000000000u

struct told {
	uint64_t bytes;
	int pieces, wholes;
	uint32_t stack;
};

static void note_cut(void *user, const struct mapping *piece, bool whole)
{
	struct told *told = user;

	told->bytes += piece->bytes;
	told->pieces++;
	told->wholes += whole;
	told->stack = piece->stack;
}

static void test_a_hole_leaves_two_pieces(void **state)
{
	struct mappings maps;
	struct told told = {0};

	(void)state;
	mappings_init(&maps);
	mappings_add(&maps, (struct mapping){.address = BASE, .bytes = 10 * PAGE, .stack = 7},
		     NULL, NULL);
	mappings_remove(&maps, BASE + 4 * PAGE, 2 * PAGE, note_cut, &told);
	assert_int_equal(maps.count, 2);
	assert_int_equal(told.bytes, 2 * PAGE);
	assert_int_equal(told.wholes, 0);
	assert_int_equal(told.stack, 7);
	/* What was one mapping is whole-ly gone only with its last piece. */
	mappings_remove(&maps, BASE, 4 * PAGE, note_cut, &told);
	assert_int_equal(told.wholes, 0);
	mappings_remove(&maps, BASE, 100 * PAGE, note_cut, &told);
	assert_int_equal(told.wholes, 1);
	assert_int_equal(told.bytes, 10 * PAGE);
	assert_int_equal(maps.count, 0);
	assert_int_equal(maps.extra_pieces.count, 0);
	mappings_release(&maps);
}

static void test_a_fixed_mapping_replaces(void **state)
{
	struct mappings maps;
	struct told told = {0};

	(void)state;
	mappings_init(&maps);
	mappings_add(&maps, (struct mapping){.address = BASE, .bytes = 2 * PAGE, .stack = 1},
		     NULL, NULL);
	mappings_add(
		&maps,
		(struct mapping){.address = BASE + 2 * PAGE, .bytes = 2 * PAGE, .stack = 2},
		note_cut, &told);
	assert_int_equal(told.pieces, 0);
	mappings_add(&maps,
		     (struct mapping){.address = BASE + PAGE, .bytes = 3 * PAGE, .stack = 3},
		     note_cut, &told);
	assert_int_equal(told.pieces, 2);
	assert_int_equal(told.wholes, 1);
	assert_int_equal(told.bytes, 3 * PAGE);
	assert_int_equal(maps.count, 2);
	assert_int_equal(maps.items[0].bytes, PAGE);
	assert_int_equal(maps.items[1].stack, 3);
	mappings_release(&maps);
}

static void test_ends_of_the_address_space(void **state)
{
	struct mappings maps;
	struct told told = {0};

	(void)state;
	mappings_init(&maps);
	mappings_remove(&maps, 0, UINT64_MAX, note_cut, &told);
	mappings_add(&maps, (struct mapping){.address = UINT64_MAX - 5, .bytes = 6}, note_cut,
		     &told);
	mappings_add(&maps, (struct mapping){.address = BASE, .bytes = 0}, note_cut, &told);
	assert_int_equal(maps.count, 0);
	mappings_add(&maps, (struct mapping){.address = BASE, .bytes = PAGE}, note_cut, &told);
	mappings_remove(&maps, BASE, 0, note_cut, &told);
	assert_int_equal(maps.count, 1);
	mappings_remove(&maps, 5, UINT64_MAX, note_cut, &told);
	assert_int_equal(maps.count, 0);
	assert_int_equal(told.pieces, 1);
	mappings_release(&maps);
}

/* Each origin's pages are counted down; a cut is whole exactly when the count reaches zero. */
struct model {
	uint32_t owner[PAGES];
	uint64_t pages_left[ORIGINS];
	uint64_t expected_bytes;
	int expected_wholes;
};

static void model_clear(struct model *model, uint32_t page, uint32_t pages)
{
	for (uint32_t i = page; i < page + pages && i < PAGES; i++) {
		uint32_t owner = model->owner[i];
		if (!owner)
			continue;
		model->expected_bytes += PAGE;
		model->expected_wholes += --model->pages_left[owner] == 0;
		model->owner[i] = 0;
	}
}

static void assert_same(const struct mappings *maps, const struct model *model)
{
	uint32_t owner[PAGES] = {0};
	uint64_t last_end = 0;

	for (size_t i = 0; i < maps->count; i++) {
		const struct mapping *piece = &maps->items[i];
		assert_true(piece->address >= last_end && piece->bytes > 0);
		last_end = piece->address + piece->bytes;
		for (uint64_t at = piece->address; at < last_end; at += PAGE)
			owner[(at - BASE) / PAGE] = piece->stack;
	}
	assert_memory_equal(owner, model->owner, sizeof(owner));
}

static void test_equals_a_page_table(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct told told = {0};
	struct mappings maps;
	uint64_t random = 3;

	(void)state;
	mappings_init(&maps);
	for (uint32_t step = 1; step <= STEPS; step++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint32_t page = (uint32_t)(random >> 40) % PAGES;
		uint32_t pages = 1 + (uint32_t)(random >> 50) % 12;
		if (page + pages > PAGES)
			pages = PAGES - page;
		model_clear(model, page, pages);
		uint64_t address = BASE + (uint64_t)page * PAGE, bytes = (uint64_t)pages * PAGE;
		if (random >> 63) {
			mappings_remove(&maps, address, bytes, note_cut, &told);
		} else {
			mappings_add(&maps,
				     (struct mapping){
					     .address = address, .bytes = bytes, .stack = step},
				     note_cut, &told);
			for (uint32_t i = page; i < page + pages; i++)
				model->owner[i] = step;
			model->pages_left[step] = pages;
		}
		assert_int_equal(told.bytes, model->expected_bytes);
		assert_int_equal(told.wholes, model->expected_wholes);
		assert_same(&maps, model);
	}
	mappings_release(&maps);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_hole_leaves_two_pieces),
		cmocka_unit_test(test_a_fixed_mapping_replaces),
		cmocka_unit_test(test_ends_of_the_address_space),
		cmocka_unit_test(test_equals_a_page_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
