/* Names, changes and the limit of marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "../../collector/marks.h"

enum { STACKS = 20 };

static void add(struct marks *marks, struct sites *sites, const char *name, uint32_t origin)
{
	struct stream_mark figures = {.origin = origin};

	marks_add(marks, &figures, name, strlen(name), sites,
		  &(struct summary){.arena_bytes = 1 << 20, .arena_count = 1});
}

static void test_names(void **state)
{
	static const struct {
		const char *given, *want;
	} names[] = {
		{"warm", "warm"},   {"warm", "warm#2"},     {"other", "other"},
		{"warm", "warm#3"}, {"warm#2", "warm#2#2"}, {"x#2", "x#2"},
		{"x", "x"},         {"x", "x#3"},           {"a\nb\x7f", "a?b?"},
		{"", "mark"},       {"", "mark#2"},
	};
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		add(&marks, &sites, names[i].given, MARK_PROGRAM);
		assert_string_equal(marks.items[i].name, names[i].want);
	}
	marks_release(&marks);
	sites_release(&sites);
}

static void test_long_names_are_cut_between_characters(void **state)
{
	struct stream_mark figures = {0};
	char name[400];
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	name[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof(name); i += 3)
		memcpy(name + i, "\xe2\x82\xac", 3);
	marks_add(&marks, &figures, name, sizeof(name), &sites, &(struct summary){0});
	assert_int_equal(strlen(marks.items[0].name), 1 + 84 * 3);
	/* Not terminated; a NUL inside ends it. */
	marks_add(&marks, &figures, "ab\0cd", 5, &sites, &(struct summary){0});
	assert_string_equal(marks.items[1].name, "ab");
	marks_release(&marks);
	sites_release(&sites);
}

static void test_only_what_changed(void **state)
{
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	sites_alloc(&sites, 9, 100, 0);
	sites_alloc(&sites, 4, 50, 0);
	add(&marks, &sites, "one", MARK_PROGRAM);
	sites_free(&sites, 9, 100, 0);
	add(&marks, &sites, "two", MARK_PROGRAM);
	add(&marks, &sites, "three", MARK_PROGRAM);
	assert_int_equal(marks.items[0].changes.count, 2);
	assert_int_equal(marks.items[0].changes.items[0].stack, 4);
	assert_int_equal(marks.items[0].changes.items[1].stack, 9);
	assert_int_equal(marks.items[0].live_bytes, 150);
	assert_int_equal(marks.items[1].changes.count, 1);
	assert_int_equal(marks.items[1].changes.items[0].stack, 9);
	assert_int_equal(marks.items[1].changes.items[0].live_bytes, 0);
	assert_int_equal(marks.items[1].live_blocks, 1);
	assert_int_equal(marks.items[2].changes.count, 0);
	assert_int_equal(marks.items[2].arenas.arena_count, 1);
	marks_release(&marks);
	sites_release(&sites);
}

/* What each mark must say of each stack, by the ordinal that stands in figures.time_ns. */
static uint64_t said[1000][STACKS];

static void random_change(struct sites *sites, uint64_t *random)
{
	for (int i = 0; i < 5; i++) {
		*random = *random * 6364136223846793005u + 1442695040888963407u;
		uint32_t stack = (uint32_t)(*random >> 33) % STACKS;
		if (stack < sites->count && sites->site[stack].live_blocks && *random >> 63)
			sites_free(sites, stack, 10, 0);
		else
			sites_alloc(sites, stack, 10, 0);
	}
}

static void assert_figures_right(const struct marks *marks)
{
	uint64_t now[STACKS] = {0};

	for (size_t i = 0; i < marks->count; i++) {
		const struct mark *mark = &marks->items[i];
		for (size_t k = 0; k < mark->changes.count; k++) {
			assert_true(k == 0 || mark->changes.items[k - 1].stack <
						      mark->changes.items[k].stack);
			now[mark->changes.items[k].stack] = mark->changes.items[k].live_bytes;
		}
		assert_memory_equal(now, said[mark->figures.time_ns], sizeof(now));
	}
}

static void test_too_many_marks(void **state)
{
	struct marks marks;
	struct sites sites;
	uint64_t random = 5;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	for (uint64_t i = 0; i < 1000; i++) {
		struct stream_mark figures = {.time_ns = i,
					      .origin = i ? MARK_PROGRAM : MARK_TRACER};
		char name[32];
		/* A repeated name and 100 that come once; the rest only when all is full. */
		int len = i % 5 ? snprintf(name, sizeof(name), "loop")
				: snprintf(name, sizeof(name), "step %d", (int)i);
		random_change(&sites, &random);
		for (uint32_t s = 0; s < STACKS && s < sites.count; s++)
			said[i][s] = sites.site[s].live_bytes;
		marks_add(&marks, &figures, name, (size_t)len, &sites, &(struct summary){0});
		assert_true(marks.count <= MARK_LIMIT);
	}
	assert_int_equal(marks.count, MARK_LIMIT);
	assert_int_equal(marks.items[0].figures.time_ns, 0);
	assert_figures_right(&marks);
	const struct mark *last = &marks.items[MARK_LIMIT - 1];
	assert_int_equal(last->figures.time_ns, 999);
	assert_string_equal(last->base, "loop");
	uint64_t rolled = 0;
	for (size_t i = 0; i < marks.count; i++)
		rolled += marks.items[i].rolled;
	assert_true(rolled > 0 && marks.merged > 0);
	assert_true(rolled + marks.merged <= 1000 - MARK_LIMIT);
	marks_release(&marks);
	sites_release(&sites);
}

static void assert_change(const struct mark *mark, size_t i, uint32_t stack, uint64_t bytes,
			  uint64_t blocks)
{
	assert_true(i < mark->changes.count);
	assert_int_equal(mark->changes.items[i].stack, stack);
	assert_int_equal(mark->changes.items[i].live_bytes, bytes);
	assert_int_equal(mark->changes.items[i].live_blocks, blocks);
}

/* What waits is one mark's alone; the next has the stream's figures again. */
static void test_waiting_blocks(void **state)
{
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	sites_alloc(&sites, 4, 50, 0);
	add(&marks, &sites, "before", MARK_PROGRAM);
	marks_wait(&marks, 4, 7);
	marks_wait(&marks, 9, 30);
	marks_wait(&marks, 4, 0);
	add(&marks, &sites, "asleep", MARK_OUTSIDE);
	sites_alloc(&sites, 2, 5, 0);
	add(&marks, &sites, "after", MARK_PROGRAM);
	add(&marks, &sites, "later", MARK_PROGRAM);
	assert_int_equal(marks.items[1].changes.count, 2);
	assert_change(&marks.items[1], 0, 4, 57, 3);
	assert_change(&marks.items[1], 1, 9, 30, 1);
	assert_int_equal(marks.items[1].live_bytes, 87);
	assert_int_equal(marks.items[1].live_blocks, 4);
	assert_int_equal(marks.items[2].changes.count, 3);
	assert_change(&marks.items[2], 0, 2, 5, 1);
	assert_change(&marks.items[2], 1, 4, 50, 1);
	assert_change(&marks.items[2], 2, 9, 0, 0);
	assert_int_equal(marks.items[2].live_bytes, 55);
	assert_int_equal(marks.items[2].live_blocks, 2);
	assert_int_equal(marks.items[3].changes.count, 0);
	assert_int_equal(sites.live_bytes, 55);
	assert_int_equal(sites_conserved(&sites, NULL), 0);
	marks_release(&marks);
	sites_release(&sites);
}

/* A hostile stream can't make it wait for ever more. */
static void test_only_so_many_wait(void **state)
{
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	for (int i = 0; i < RING_MAX_SIDE_SLOTS + 5; i++)
		marks_wait(&marks, 1, 2);
	add(&marks, &sites, "asleep", MARK_OUTSIDE);
	assert_int_equal(marks.items[0].live_blocks, RING_MAX_SIDE_SLOTS);
	marks_release(&marks);
	sites_release(&sites);
}

/* A single name: all but one of those past the limit are counted at the newest. */
static void test_roll_up(void **state)
{
	struct marks marks;
	struct sites sites;

	(void)state;
	marks_init(&marks);
	sites_init(&sites);
	for (int i = 0; i < MARK_LIMIT + 50; i++)
		add(&marks, &sites, "again", MARK_PROGRAM);
	assert_int_equal(marks.count, MARK_LIMIT);
	assert_string_equal(marks.items[MARK_LIMIT - 1].name, "again#306");
	assert_int_equal(marks.items[MARK_LIMIT - 1].rolled, 50);
	assert_string_equal(marks.items[MARK_LIMIT - 2].name, "again#255");
	assert_int_equal(marks.merged, 0);
	add(&marks, &sites, "end", MARK_TRACER);
	assert_int_equal(marks.count, MARK_LIMIT);
	assert_string_equal(marks.items[MARK_LIMIT - 1].name, "end");
	assert_int_equal(marks.merged, 1);
	marks_release(&marks);
	sites_release(&sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_names_are_cut_between_characters),
		cmocka_unit_test(test_only_what_changed),
		cmocka_unit_test(test_too_many_marks),
		cmocka_unit_test(test_roll_up),
		cmocka_unit_test(test_waiting_blocks),
		cmocka_unit_test(test_only_so_many_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
