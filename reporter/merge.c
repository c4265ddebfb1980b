#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_frames(const struct lines *a_lines, const struct frame *a,
			  const struct lines *b_lines, const struct frame *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind != FRAME_CODE)
		return strcmp(lines_name(a_lines, a).text, lines_name(b_lines, b).text);
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	const int order = compare_texts(lines_file(a_lines, a), lines_file(b_lines, b));
	return order ? order : compare_texts(a->function, b->function);
}

static int compare_stacks(const struct growth_row *a, const struct growth_row *b)
{
	uint32_t left = a->trace, right = b->trace;
	while (left && right) {
		const int order = compare_frames(a->lines, lines_frame(a->lines, left),
						 b->lines, lines_frame(b->lines, right));
		if (order)
			return order;
		left = a->lines->traces[left].parent;
		right = b->lines->traces[right].parent;
	}
	return (left != 0) - (right != 0);
}

/*
 * Rows of whole stacks have a function too, so nothing but the caller tells that they are. The
 * function of a line is only its heaviest one's and decides nothing.
 */
static int compare_names(const struct growth_row *a, const struct growth_row *b)
{
	int order = compare_texts(a->file, b->file);
	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	if (order == 0)
		order = compare_texts(a->module, b->module);
	if (order == 0 && a->line == LINE_NONE)
		order = compare_texts(a->function, b->function);
	if (order == 0 && !a->file && !a->module)
		order = strcmp(a->name.text, b->name.text);
	return order;
}

static int by_name(const void *left, const void *right)
{
	return compare_names(left, right);
}

static int by_stack(const void *left, const void *right)
{
	return compare_stacks(left, right);
}

static void join(struct growth_row *row, const struct growth_row *more,
		 struct growth_figures *heaviest)
{
	growth_add(&row->figures, &more->figures);
	if (!growth_is_heavier(&more->figures, heaviest))
		return;
	*heaviest = more->figures;
	row->lines = more->lines;
	row->trace = more->trace;
	row->function = more->function;
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
		growth->rows[kept++] = *row;
	}
	growth->row_count = kept;
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
	const bool stacks = merge->part_count && merge->parts[0].by == GROWTH_BY_STACK;
	if (!growth->row_count)
		return;
	qsort(growth->rows, growth->row_count, sizeof growth->rows[0],
	      stacks ? by_stack : by_name);
	join_equals(growth, stacks ? by_stack : by_name);
	qsort(growth->rows, growth->row_count, sizeof growth->rows[0], growth_compare);
}

uint64_t merge_parent_pid(const struct profile *profile)
{
	const char *parent = profile_info(profile, "parent_pid");
	if (!parent || !*parent || parent[strspn(parent, "0123456789")])
		return 0;
	return strtoull(parent, NULL, 10);
}

static size_t find_parent(const struct merge *merge, size_t child)
{
	const uint64_t pid = merge_parent_pid(merge->parts[child].profile);
	for (size_t i = 0; pid && i < merge->part_count; i++)
		if (i != child && merge->parts[i].profile->run.pid == pid)
			return i;
	return SIZE_MAX;
}

/* Pids are used again, so the parents of hostile or old files may go round in a circle. */
static bool leads_back(const size_t *parents, size_t part)
{
	size_t at = parents[part];
	while (at != SIZE_MAX && at != part)
		at = parents[at];
	return at == part;
}

static size_t place_children(const struct merge *merge, const size_t *parents, size_t parent,
			     size_t depth, size_t filled)
{
	for (size_t i = 0; i < merge->part_count; i++) {
		if (parents[i] != parent)
			continue;
		merge->tree[filled++] = (struct merge_place){i, depth};
		filled = place_children(merge, parents, i, depth + 1, filled);
	}
	return filled;
}

static void make_tree(struct merge *merge)
{
	__attribute__((cleanup(mem_scope)))
	size_t *parents = mem_alloc(merge->part_count * sizeof parents[0]);
	merge->tree = mem_alloc(merge->part_count * sizeof merge->tree[0]);
	for (size_t i = 0; i < merge->part_count; i++)
		parents[i] = SIZE_MAX;
	for (size_t i = 0; i < merge->part_count; i++) {
		parents[i] = find_parent(merge, i);
		if (leads_back(parents, i))
			parents[i] = SIZE_MAX;
	}
	place_children(merge, parents, SIZE_MAX, 0, 0);
}

void merge_init(struct merge *merge, const struct report *parts, size_t part_count)
{
	*merge = (struct merge){.parts = parts, .part_count = part_count};
	sum_growth(merge);
	make_tree(merge);
}

void merge_release(struct merge *merge)
{
	free(merge->tree);
	growth_release(&merge->growth);
}
