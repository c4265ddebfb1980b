#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/mem.h"

const char *const diff_weight_names[DIFF_WEIGHT_COUNT + 1] = {"live", "growth", "peak", "total",
							      NULL};
const char *const diff_change_names[] = {"same", "grew", "shrank", "appeared", "went"};

int64_t diff_bytes(enum diff_weight weight, const struct growth_figures *figures)
{
	switch (weight) {
	case DIFF_GROWTH:
		return figures->size_diff_bytes;
	case DIFF_PEAK:
		return (int64_t)figures->peak_bytes;
	case DIFF_TOTAL:
		return (int64_t)figures->total_bytes;
	default:
		return (int64_t)figures->size_bytes;
	}
}

int64_t diff_blocks(enum diff_weight weight, const struct growth_figures *figures)
{
	switch (weight) {
	case DIFF_GROWTH:
		return figures->count_diff;
	case DIFF_PEAK:
		return 0;
	case DIFF_TOTAL:
		return (int64_t)figures->total_count;
	default:
		return (int64_t)figures->count;
	}
}

/* Wraps instead of overflowing, as growth_add does. */
static int64_t difference(int64_t after, int64_t before)
{
	return (int64_t)((uint64_t)after - (uint64_t)before);
}

/* A row by what it is called after; equal texts are one row. */
struct named_row {
	char *name;
	const struct growth_row *row;
	bool after;
};

static void append_name(enum grouping_by by, const char *file, int32_t line,
			const char *function, struct buf *name)
{
	buf_printf(name, "f%s", file);
	if (by == GROUPING_BY_FUNCTION)
		buf_printf(name, "\n%s", function);
	else if (by != GROUPING_BY_FILE)
		buf_printf(name, "\n%d", line);
}

/* What nothing after corresponds to has a name that nothing after has. */
static void append_matched(const struct matching *matching, enum grouping_by by,
			   const struct group *group, struct buf *name)
{
	const char *file = group->file, *function = group->function;
	int32_t line = group->line;
	bool found;
	if (by == GROUPING_BY_FILE) {
		file = matching_file_of(matching, group->file);
		found = file != NULL;
	} else if (by == GROUPING_BY_FUNCTION) {
		const struct function *after = matching_function_of(matching, group->file,
								    group->function);
		found = after != NULL;
		file = found ? after->file : file;
		function = found ? after->name : function;
	} else {
		found = matching_line_of(matching, group->file, group->function, group->line,
					 &file, &line);
	}
	if (!found)
		buf_printf(name, "gone ");
	append_name(by, found ? file : group->file, line, function, name);
}

/* `matching`: NULL for rows that are after's already. */
static char *name_of(const struct matching *matching, enum grouping_by by,
		     const struct group *group)
{
	struct buf name;
	buf_init(&name);
	if (!group->file && !group->module)
		buf_printf(&name, "n%s", group->name.text);
	else if (!group->file)
		buf_printf(&name, "m%s", group->module);
	else if (matching)
		append_matched(matching, by, group, &name);
	else
		append_name(by, group->file, group->line, group->function, &name);
	buf_u8(&name, '\0');
	return (char *)name.data;
}

static int by_name(const void *left, const void *right)
{
	const struct named_row *a = left, *b = right;
	const int order = strcmp(a->name, b->name);
	return order ? order : a->after - b->after;
}

static void add_side(struct diff_row *row, const struct growth_row *more, bool after)
{
	growth_add(after ? &row->after_figures : &row->before_figures, &more->figures);
	const struct group **group = after ? &row->after : &row->before;
	/* Of several lines that became one, the first stands for all. */
	if (!*group)
		*group = &more->group;
}

static void finish_row(struct diff_row *row, enum diff_weight weight)
{
	const int64_t before = diff_bytes(weight, &row->before_figures);
	const int64_t after = diff_bytes(weight, &row->after_figures);
	row->bytes = difference(after, before);
	row->blocks = difference(diff_blocks(weight, &row->after_figures),
				 diff_blocks(weight, &row->before_figures));
	if (row->bytes > 0)
		row->change = before ? DIFF_GREW : DIFF_APPEARED;
	else if (row->bytes < 0)
		row->change = after ? DIFF_SHRANK : DIFF_WENT;
}

static const struct group *group_of(const struct diff_row *row)
{
	return row->after ? row->after : row->before;
}

static int compare_rows(const void *left, const void *right)
{
	const struct diff_row *a = left, *b = right;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->blocks != b->blocks)
		return a->blocks > b->blocks ? -1 : 1;
	const int order = group_compare(group_of(a), group_of(b));
	/* Equal places of both sides are two rows where nothing says that they are one. */
	return order ? order : (a->after != NULL) - (b->after != NULL);
}

static void join_rows(struct diff *diff, const struct named_row *named, size_t count)
{
	for (size_t i = 0; i < count;) {
		struct diff_row *row = &diff->rows[diff->row_count++];
		const char *name = named[i].name;
		for (; i < count && strcmp(named[i].name, name) == 0; i++)
			add_side(row, named[i].row, named[i].after);
		finish_row(row, diff->weight);
		diff->grown += row->bytes > 0;
		diff->shrunk += row->bytes < 0;
	}
	if (diff->row_count)
		qsort(diff->rows, diff->row_count, sizeof diff->rows[0], compare_rows);
}

static void make_rows(struct diff *diff)
{
	const struct growth *before = &diff->before.growth, *after = &diff->after.growth;
	const size_t count = before->row_count + after->row_count;
	__attribute__((cleanup(mem_scope))) struct named_row *named =
		mem_alloc(count * sizeof named[0]);
	struct matching matching;
	matching_init(&matching, diff->before.lines, diff->after.lines);
	for (size_t i = 0; i < before->row_count; i++)
		named[i] =
			(struct named_row){name_of(&matching, diff->by, &before->rows[i].group),
					   &before->rows[i], false};
	for (size_t i = 0; i < after->row_count; i++)
		named[before->row_count + i] = (struct named_row){
			name_of(NULL, diff->by, &after->rows[i].group), &after->rows[i], true};
	if (count)
		qsort(named, count, sizeof named[0], by_name);
	diff->rows = mem_alloc(count * sizeof diff->rows[0]);
	join_rows(diff, named, count);
	for (size_t i = 0; i < count; i++)
		free(named[i].name);
	matching_release(&matching);
}

static void compute_side(const struct diff_query *query, struct diff_side *side)
{
	side->lines = lines_new(side->profile, false);
	side->grouping = (struct grouping){.lines = side->lines,
					   .by = query->by,
					   .focus = query->focus,
					   .ignore = query->ignore};
	grouping_compute(&side->grouping);
	const struct growth_query growth = {&side->grouping, side->from, side->to};
	growth_compute(&growth, &side->growth);
}

void diff_init(struct diff *diff, const struct diff_query *query)
{
	*diff = (struct diff){
		.by = query->by,
		.weight = query->weight,
		.filtered = query->focus || query->ignore,
		.before = {.profile = query->before,
			   .running = query->before_running,
			   .from = query->before_from,
			   .to = query->before_to},
		.after = {.profile = query->after,
			  .running = query->after_running,
			  .from = query->after_from,
			  .to = query->after_to},
	};
	compute_side(query, &diff->before);
	compute_side(query, &diff->after);
	diff_figures_of(&diff->before);
	diff_figures_of(&diff->after);
	diff->before.resident = resident_set_at(query->before, &diff->before.to);
	diff->after.resident = resident_set_at(query->after, &diff->after.to);
	make_rows(diff);
	diff->total.before_figures = diff->before.growth.total;
	diff->total.after_figures = diff->after.growth.total;
	finish_row(&diff->total, diff->weight);
}

static void release_side(struct diff_side *side)
{
	growth_release(&side->growth);
	grouping_release(&side->grouping);
	lines_free(side->lines);
}

void diff_release(struct diff *diff)
{
	free(diff->rows);
	release_side(&diff->before);
	release_side(&diff->after);
}
