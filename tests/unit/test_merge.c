/*
 * Sums over several processes, against adding up by hand: parts whose rows are made here, in
 * small families of processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/linetable.h"
#include "../../collector/mem.h"
#include "../../reporter/merge.h"
#include "xorshift.h"

enum { PARTS = 5, ROWS = 40, FILES = 4, LINES = 6, ROUNDS = 50 };

/* Equal texts at different places, as in profiles of different processes. */
struct made {
	struct profile profiles[PARTS];
	char info[PARTS][64];
	struct lines lines[PARTS];
	struct report parts[PARTS];
	char texts[PARTS][FILES][16];
	uint64_t seed;
};

static uint64_t pick(struct made *made, uint64_t count)
{
	return xorshift(&made->seed) % count;
}

static void set_parent(struct made *made, size_t part, uint32_t parent)
{
	char *info = made->info[part];
	const int key = snprintf(info, sizeof made->info[part], "parent_pid") + 1;
	const int value = snprintf(info + key, sizeof made->info[part] - (size_t)key, "%u",
				   parent);
	made->profiles[part].info = info;
	made->profiles[part].info_bytes = (size_t)(key + value) + 1;
}

static struct growth_figures random_figures(struct made *made)
{
	return (struct growth_figures){
		.size_bytes = pick(made, 100000),
		.count = pick(made, 100),
		.size_diff_bytes = (int64_t)pick(made, 200000) - 100000,
		.count_diff = (int64_t)pick(made, 200) - 100,
		.total_bytes = pick(made, 1000000),
		.total_count = pick(made, 1000),
		.temporary_bytes = pick(made, 1000),
		.temporary_count = pick(made, 10),
		.gc_freed_bytes = pick(made, 1000),
		.peak_bytes = pick(made, 100000),
	};
}

/* Unlike real ones, a part may have a row twice: it is one in the sum all the same. */
static void make_part(struct made *made, size_t part)
{
	struct growth *growth = &made->parts[part].growth;
	growth->row_count = pick(made, ROWS);
	growth->rows = mem_alloc(ROWS * sizeof growth->rows[0]);
	for (size_t i = 0; i < FILES; i++)
		snprintf(made->texts[part][i], sizeof made->texts[part][i], "/app/%zu.py", i);
	for (size_t i = 0; i < growth->row_count; i++) {
		struct growth_row *row = &growth->rows[i];
		row->group.lines = &made->lines[part];
		row->figures = random_figures(made);
		row->group.line = LINE_NONE;
		growth_add(&growth->total, &row->figures);
		if (pick(made, 10) == 0) {
			snprintf(row->group.name.text, sizeof row->group.name.text,
				 "(no Python frame)");
			continue;
		}
		row->group.file = made->texts[part][pick(made, FILES)];
		row->group.line = (int32_t)pick(made, LINES);
		row->group.function = pick(made, 2) ? "f" : "g";
	}
	made->profiles[part].run.pid = 100 + (uint32_t)part;
	made->parts[part].profile = &made->profiles[part];
}

static struct made *make(uint64_t seed)
{
	struct made *made = mem_alloc(sizeof *made);
	made->seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	for (size_t i = 0; i < PARTS; i++)
		make_part(made, i);
	return made;
}

static void drop(struct made *made)
{
	for (size_t i = 0; i < PARTS; i++)
		growth_release(&made->parts[i].growth);
	free(made);
}

static bool is_same_place(const struct growth_row *a, const struct growth_row *b)
{
	if (!a->group.file || !b->group.file)
		return a->group.file == b->group.file;
	return strcmp(a->group.file, b->group.file) == 0 && a->group.line == b->group.line;
}

/* Adds up all rows of that place, and says which of them has the most growth. */
static const struct growth_row *model_sum(const struct made *made,
					  const struct growth_row *place,
					  struct growth_figures *ret_sum)
{
	const struct growth_row *heaviest = NULL;
	*ret_sum = (struct growth_figures){.count = 0};
	for (size_t part = 0; part < PARTS; part++) {
		const struct growth *growth = &made->parts[part].growth;
		for (size_t i = 0; i < growth->row_count; i++) {
			const struct growth_row *row = &growth->rows[i];
			if (!is_same_place(row, place))
				continue;
			growth_add(ret_sum, &row->figures);
			if (!heaviest || growth_is_heavier(&row->figures, &heaviest->figures))
				heaviest = row;
		}
	}
	return heaviest;
}

static size_t count_places(const struct made *made)
{
	bool seen[FILES + 1][LINES] = {{false}};
	size_t count = 0;
	for (size_t part = 0; part < PARTS; part++)
		for (size_t i = 0; i < made->parts[part].growth.row_count; i++) {
			const struct growth_row *row = &made->parts[part].growth.rows[i];
			bool *cell = row->group.file
					     ? &seen[row->group.file[5] - '0'][row->group.line]
					     : &seen[FILES][0];
			count += !*cell;
			*cell = true;
		}
	return count;
}

static void check_rows(const struct made *made, const struct merge *merge)
{
	struct growth_figures total = {.count = 0};
	assert_int_equal(merge->growth.row_count, count_places(made));
	for (size_t i = 0; i < merge->growth.row_count; i++) {
		const struct growth_row *row = &merge->growth.rows[i];
		struct growth_figures sum;
		const struct growth_row *heaviest = model_sum(made, row, &sum);
		assert_memory_equal(&row->figures, &sum, sizeof sum);
		assert_ptr_equal(row->group.lines, heaviest->group.lines);
		if (i)
			assert_false(growth_is_heavier(&row->figures,
						       &merge->growth.rows[i - 1].figures));
		growth_add(&total, &row->figures);
	}
	assert_memory_equal(&merge->growth.total, &total, sizeof total);
}

static void test_rows_are_summed_by_name(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		struct made *made = make(round);
		struct merge merge;
		merge_init(&merge, made->parts, PARTS);
		check_rows(made, &merge);
		merge_release(&merge);
		drop(made);
	}
}

static void check_tree(struct made *made, const size_t *parts, const size_t *depths)
{
	struct merge merge;
	merge_init(&merge, made->parts, PARTS);
	for (size_t i = 0; i < PARTS; i++) {
		assert_int_equal(merge.lineage.places[i].part, parts[i]);
		assert_int_equal(merge.lineage.places[i].depth, depths[i]);
	}
	merge_release(&merge);
	drop(made);
}

static void test_children_stand_below_their_parents(void **state)
{
	(void)state;
	struct made *made = make(1);
	set_parent(made, 0, 103); /* given before its parent */
	set_parent(made, 1, 100);
	set_parent(made, 2, 103);
	set_parent(made, 3, 1);
	check_tree(made, (const size_t[]){3, 0, 1, 2, 4}, (const size_t[]){0, 1, 2, 1, 0});
}

static void test_parents_in_a_circle(void **state)
{
	(void)state;
	struct made *made = make(2);
	set_parent(made, 0, 101);
	set_parent(made, 1, 102);
	set_parent(made, 2, 100);
	set_parent(made, 3, 103); /* its own */
	set_parent(made, 4, 100);
	/* The one that would close the circle has no parent. */
	check_tree(made, (const size_t[]){2, 1, 0, 4, 3}, (const size_t[]){0, 1, 2, 3, 0});
}

/* Whole stacks of two processes: file, line and function of each frame decide. */
static void test_stacks_are_joined_frame_by_frame(void **state)
{
	(void)state;
	enum { FRAMES = 3, TRACES = 4 };
	struct source_place places[2] = {{.path = NULL}, {.path = "/app/a.py"}};
	struct frame frames[FRAMES] = {
		{.kind = FRAME_NONE},
		{.kind = FRAME_CODE, .place = 1, .line = 1, .function = "f"},
		{.kind = FRAME_CODE, .place = 1, .line = 2, .function = "g"},
	};
	/* 1: f. 2: g < f. 3: g. The other process numbers its two frames differently. */
	struct trace one[TRACES] = {{0, 0}, {0, 1}, {1, 2}, {0, 2}};
	struct frame swapped[FRAMES] = {frames[0], frames[2], frames[1]};
	struct trace other[TRACES] = {{0, 0}, {0, 2}, {1, 1}, {0, 1}};
	const struct lines lines[2] = {
		{.places = places, .frames = frames, .traces = one, .trace_count = TRACES},
		{.places = places, .frames = swapped, .traces = other, .trace_count = TRACES},
	};
	struct growth_row rows[2][TRACES];
	static struct profile profile;
	struct report parts[2];
	memset(rows, 0, sizeof rows);
	memset(parts, 0, sizeof parts);
	for (uint32_t part = 0; part < 2; part++) {
		for (uint32_t i = 0; i < TRACES; i++) {
			rows[part][i].group.lines = &lines[part];
			rows[part][i].group.trace = i;
			rows[part][i].figures.size_bytes = part ? 1000 : 1u << i;
		}
		parts[part].profile = &profile;
		parts[part].by = GROUPING_BY_STACK;
		parts[part].growth = (struct growth){.rows = rows[part],
						     .row_count = TRACES - part};
	}
	struct merge merge;
	merge_init(&merge, parts, 2);
	assert_int_equal(merge.growth.row_count, TRACES);
	for (size_t i = 0; i < TRACES; i++) {
		const uint32_t trace = merge.growth.rows[i].group.trace;
		/* The other process lacks the last stack. */
		assert_int_equal(merge.growth.rows[i].figures.size_bytes,
				 (1u << trace) + (trace < TRACES - 1 ? 1000 : 0));
	}
	merge_release(&merge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_summed_by_name),
		cmocka_unit_test(test_children_stand_below_their_parents),
		cmocka_unit_test(test_parents_in_a_circle),
		cmocka_unit_test(test_stacks_are_joined_frame_by_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
