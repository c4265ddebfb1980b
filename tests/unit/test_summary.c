/*
 * Summaries of arenas: packed and unpacked, passed on from marks that give way, bounded;
 * against a plain table of what each arena was at each mark.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/marks.h"
#include "../../collector/mem.h"

enum { ARENAS = 40, MARKS = 700 };
#define AT 0x7f0000000000u

static uint32_t below(uint64_t *random, uint32_t limit)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*random >> 32) * limit >> 32);
}

static struct arena_summary any_arena(uint64_t *random, uint64_t index)
{
	struct arena_summary arena = {.address = AT + (index << 20) + (index % 3 << 12)};

	if (below(random, 4) == 0)
		return arena;
	arena.bytes = 1 << 20;
	arena.live_bytes = below(random, 1 << 20);
	arena.block_bytes = below(random, 1 << 16) * 16;
	arena.live_blocks = below(random, 1 << 16);
	arena.pools = below(random, 65);
	arena.other_stacks = below(random, 2) ? below(random, 1 << 20) : 0;
	arena.holder_count = below(random, PROFILE_MARK_HOLDERS + 1);
	for (uint32_t i = 0; i < arena.holder_count; i++) {
		struct profile_holder *holder = &arena.holders[i];

		holder->stack = below(random, UINT32_MAX);
		holder->blocks = below(random, 1 << 22);
		holder->block_bytes = below(random, 1 << 22) * 16;
		holder->oldest = (uint16_t)below(random, 1 << 14);
		holder->newest =
			(uint16_t)(holder->oldest + below(random, (1u << 14) - holder->oldest));
	}
	return arena;
}

/* Some arenas change: the table and a summary learn of them. */
static void change(uint64_t *random, struct arena_summary *table, struct summary *ret_summary)
{
	struct summary_draft draft;

	*ret_summary = (struct summary){.arena_count = 3};
	summary_draft_init(&draft);
	for (uint64_t i = 0; i < ARENAS; i++) {
		if (below(random, 3))
			continue;
		table[i] = any_arena(random, i);
		summary_draft_put(&draft, &table[i]);
	}
	summary_draft_finish(&draft, ret_summary);
}

static void learn(const struct summary *summary, struct arena_summary *table)
{
	struct summary_reader reader;
	struct arena_summary arena;
	uint64_t last = 0;

	summary_reader_init(&reader, summary);
	while (summary_reader_next(&reader, &arena)) {
		assert_true(arena.address > last);
		last = arena.address;
		table[(arena.address - AT) >> 20] = arena;
	}
	summary_reader_release(&reader);
}

static void comes_back_as_it_was(void **state)
{
	static struct arena_summary table[ARENAS], found[ARENAS];
	uint64_t random = 11;

	(void)state;
	for (size_t round = 0; round < 2000; round++) {
		struct summary summary;

		change(&random, table, &summary);
		learn(&summary, found);
		assert_memory_equal(found, table, sizeof(table));
		summary_release(&summary);
	}
}

/* Hundreds of marks, of which some are rolled up and some give way to others. */
static void marks_that_give_way_pass_arenas_on(void **state)
{
	static struct arena_summary at_mark[MARKS][ARENAS], found[ARENAS];
	uint64_t random = 12;
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	for (uint32_t i = 0; i < MARKS; i++) {
		struct stream_mark figures = {.time_ns = i, .origin = MARK_PROGRAM};
		struct summary summary;
		char name[16];

		if (i)
			memcpy(at_mark[i], at_mark[i - 1], sizeof(at_mark[i]));
		change(&random, at_mark[i], &summary);
		snprintf(name, sizeof(name), "m%u", below(&random, 300));
		marks_add(&marks, &figures, name, strlen(name), &sites, &summary);
	}
	assert_int_equal(marks.count, MARK_LIMIT);
	assert_true(marks.merged > 0);
	for (size_t i = 0; i < marks.count; i++) {
		learn(&marks.items[i].arenas, found);
		assert_memory_equal(found, at_mark[marks.items[i].figures.time_ns],
				    sizeof(found));
	}
	marks_release(&marks);
	sites_release(&sites);
}

/* Random holders don't compress: so many arenas go far beyond the bound. */
static void many_arenas_lose_names_and_no_figures(void **state)
{
	enum { MANY = 4000, FEW_MARKS = 60 };
	struct arena_summary *table = mem_alloc(MANY * sizeof(*table));
	size_t bytes = 0, bare = 0;
	uint64_t random = 13;
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	for (uint32_t i = 0; i < FEW_MARKS; i++) {
		struct stream_mark figures = {.time_ns = i, .origin = MARK_PROGRAM};
		struct summary_draft draft;
		struct summary summary = {0};

		summary_draft_init(&draft);
		for (uint64_t k = 0; k < MANY; k++) {
			table[k] = any_arena(&random, k);
			summary_draft_put(&draft, &table[k]);
		}
		summary_draft_finish(&draft, &summary);
		marks_add(&marks, &figures, "m", 1, &sites, &summary);
	}
	for (size_t i = 0; i < marks.count; i++) {
		bytes += marks.items[i].arenas.stored_bytes;
		bare += marks.items[i].arenas.holder_count == 0;
		/* The older ones first. */
		assert_true(marks.items[i].arenas.holder_count || bare == i + 1);
		assert_int_equal(marks.items[i].arenas.count, MANY);
	}
	assert_in_range(bare, 1, FEW_MARKS - 1);
	assert_in_range(bytes, 1, MARK_SUMMARY_BYTES);
	marks_release(&marks);
	sites_release(&sites);
	free(table);
}

static void what_is_stripped_is_counted(void **state)
{
	static struct arena_summary table[ARENAS], found[ARENAS];
	uint64_t random = 14;
	struct summary summary;

	(void)state;
	change(&random, table, &summary);
	summary_strip(&summary);
	assert_int_equal(summary.holder_count, 0);
	learn(&summary, found);
	for (size_t i = 0; i < ARENAS; i++) {
		table[i].other_stacks += table[i].holder_count;
		table[i].holder_count = 0;
		memset(table[i].holders, 0, sizeof(table[i].holders));
	}
	assert_memory_equal(found, table, sizeof(table));
	summary_release(&summary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(marks_that_give_way_pass_arenas_on),
		cmocka_unit_test(many_arenas_lose_names_and_no_figures),
		cmocka_unit_test(what_is_stripped_is_counted),
	};

	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
