#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

/* Rows of growth and of pinning begin with their group. */
_Static_assert(offsetof(struct growth_row, group) == 0, "compared by it");
_Static_assert(offsetof(struct pinning_row, group) == 0, "compared by it");

static int by_name(const void *left, const void *right)
{
	return group_compare_names(left, right);
}

static int by_stack(const void *left, const void *right)
{
	return group_compare_stacks(left, right);
}

static void join(struct growth_row *row, const struct growth_row *more,
		 struct growth_figures *heaviest)
{
	growth_add(&row->figures, &more->figures);
	if (!growth_is_heavier(&more->figures, heaviest))
		return;
	*heaviest = more->figures;
	row->group.lines = more->group.lines;
	row->group.trace = more->group.trace;
	row->group.function = more->group.function;
}

/* Equal rows stand side by side by now. */
static void join_equals(struct growth *growth, int (*compare)(const void *, const void *))
{
	struct growth_figures heaviest = {.count = 0};
	size_t kept = 0;
	for (size_t i = 0; i < growth->row_count; i++) {
		const struct growth_row *row = &growth->rows[i];
		if (kept && compare(&growth->rows[kept - 1], row) == 0) {
			join(&growth->rows[kept - 1], row, &heaviest);
			continue;
		}
		heaviest = row->figures;
		growth->rows[kept] = *row;
		growth->rows[kept++].index = GROUPING_NONE;
	}
	growth->row_count = kept;
}

static int (*comparison(const struct merge *merge))(const void *, const void *)
{
	const bool stacks = merge->part_count && merge->parts[0].by == GROUPING_BY_STACK;
	return stacks ? by_stack : by_name;
}

static void sum_growth(struct merge *merge)
{
	struct growth *growth = &merge->growth;
	size_t capacity = 0;
	for (size_t i = 0; i < merge->part_count; i++) {
		const struct growth *part = &merge->parts[i].growth;
		const size_t count = growth->row_count + part->row_count;
		growth->rows = mem_grow(growth->rows, &capacity, count, sizeof growth->rows[0]);
		if (part->row_count)
			memcpy(growth->rows + growth->row_count, part->rows,
			       part->row_count * sizeof growth->rows[0]);
		growth->row_count = count;
		growth_add(&growth->total, &part->total);
	}
	if (!growth->row_count)
		return;
	qsort(growth->rows, growth->row_count, sizeof growth->rows[0], comparison(merge));
	join_equals(growth, comparison(merge));
	qsort(growth->rows, growth->row_count, sizeof growth->rows[0], growth_compare);
}

static void join_pins(struct pinning *pinning, int (*compare)(const void *, const void *))
{
	size_t kept = 0;
	uint64_t most = 0;
	for (size_t i = 0; i < pinning->row_count; i++) {
		const struct pinning_row row = pinning->rows[i];
		struct pinning_row *last = kept ? &pinning->rows[kept - 1] : NULL;
		if (!last || compare(last, &row) != 0) {
			pinning->rows[kept++] = row;
			most = row.figures.pinned_bytes;
			continue;
		}
		pinning_join(last, &row);
		if (row.figures.pinned_bytes <= most)
			continue;
		most = row.figures.pinned_bytes;
		last->group = row.group;
	}
	pinning->row_count = kept;
}

static void sum_pins(struct merge *merge)
{
	struct pinning *pinning = &merge->pinning;
	size_t capacity = 0;
	pinning->known = pinning->rounding_known = true;
	for (size_t i = 0; i < merge->part_count; i++) {
		const struct pinning *part = &merge->parts[i].pinning;
		const size_t count = pinning->row_count + part->row_count;
		pinning->rows = mem_grow(pinning->rows, &capacity, count,
					 sizeof pinning->rows[0]);
		if (part->row_count)
			memcpy(pinning->rows + pinning->row_count, part->rows,
			       part->row_count * sizeof pinning->rows[0]);
		pinning->row_count = count;
		pinning->known &= part->known;
		pinning->rounding_known &= part->rounding_known;
		pinning_add(&pinning->total, &part->total);
		pinning_add(&pinning->others, &part->others);
	}
	if (!pinning->row_count)
		return;
	qsort(pinning->rows, pinning->row_count, sizeof pinning->rows[0], comparison(merge));
	join_pins(pinning, comparison(merge));
	qsort(pinning->rows, pinning->row_count, sizeof pinning->rows[0], pinning_compare);
}

static void make_tree(struct merge *merge)
{
	__attribute__((cleanup(mem_scope)))
	const struct profile **profiles = mem_alloc(merge->part_count * sizeof profiles[0]);
	for (size_t i = 0; i < merge->part_count; i++)
		profiles[i] = merge->parts[i].profile;
	lineage_init(&merge->lineage, profiles, merge->part_count);
}

void merge_init(struct merge *merge, const struct report *parts, size_t part_count)
{
	*merge = (struct merge){.parts = parts, .part_count = part_count};
	sum_growth(merge);
	sum_pins(merge);
	make_tree(merge);
}

void merge_release(struct merge *merge)
{
	lineage_release(&merge->lineage);
	growth_release(&merge->growth);
	pinning_release(&merge->pinning);
}
