#include "growth.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

void growth_add(struct growth_figures *sum, const struct growth_figures *more)
{
	sum->size_bytes += more->size_bytes;
	sum->count += more->count;
	/* Wrapping is defined for unsigned figures. */
	sum->size_diff_bytes =
		(int64_t)((uint64_t)sum->size_diff_bytes + (uint64_t)more->size_diff_bytes);
	sum->count_diff = (int64_t)((uint64_t)sum->count_diff + (uint64_t)more->count_diff);
	sum->total_bytes += more->total_bytes;
	sum->total_count += more->total_count;
	sum->temporary_bytes += more->temporary_bytes;
	sum->temporary_count += more->temporary_count;
	sum->gc_freed_bytes += more->gc_freed_bytes;
	sum->gc_freed_count += more->gc_freed_count;
	sum->peak_bytes += more->peak_bytes;
}

static void add_moments(const struct growth_query *query, struct growth_figures *by_trace)
{
	const struct lines *lines = query->grouping->lines;
	const struct profile *profile = lines->profile;
	const size_t count = profile->node_count + 1;
	__attribute__((cleanup(mem_scope)))
	uint64_t *figures = mem_alloc(4 * count * sizeof figures[0]);
	uint64_t *from_bytes = figures, *from_blocks = figures + count;
	uint64_t *to_bytes = figures + 2 * count, *to_blocks = figures + 3 * count;
	moment_live(profile, &query->from, from_bytes, from_blocks);
	moment_live(profile, &query->to, to_bytes, to_blocks);
	for (size_t i = 0; i < count; i++) {
		const struct growth_figures figure = {
			.size_bytes = to_bytes[i],
			.count = to_blocks[i],
			.size_diff_bytes = (int64_t)(to_bytes[i] - from_bytes[i]),
			.count_diff = (int64_t)(to_blocks[i] - from_blocks[i]),
		};
		growth_add(&by_trace[lines->trace_of[i]], &figure);
	}
}

static void add_sites(const struct lines *lines, struct growth_figures *by_trace)
{
	const struct profile *profile = lines->profile;
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct profile_site *site = &profile->sites[i];
		const struct growth_figures figure = {
			.total_bytes = site->total_bytes,
			.total_count = site->total_blocks,
			.temporary_bytes = site->temporary_bytes,
			.temporary_count = site->temporary_blocks,
			.gc_freed_bytes = site->gc_freed_bytes,
			.gc_freed_count = site->gc_freed_blocks,
			.peak_bytes = site->peak_bytes,
		};
		growth_add(&by_trace[lines->trace_of[site->stack]], &figure);
	}
}

bool growth_is_heavier(const struct growth_figures *a, const struct growth_figures *b)
{
	if (a->size_diff_bytes != b->size_diff_bytes)
		return a->size_diff_bytes > b->size_diff_bytes;
	if (a->size_bytes != b->size_bytes)
		return a->size_bytes > b->size_bytes;
	return a->total_bytes > b->total_bytes;
}

static bool is_nothing(const struct growth_figures *figures)
{
	static const struct growth_figures nothing;
	return memcmp(figures, &nothing, sizeof nothing) == 0;
}

int growth_compare(const void *left, const void *right)
{
	const struct growth_row *a = left, *b = right;
	if (growth_is_heavier(&a->figures, &b->figures))
		return -1;
	if (growth_is_heavier(&b->figures, &a->figures))
		return 1;
	return group_compare(&a->group, &b->group);
}

/* One row for each group, with a byte that says whether anything was added to it. */
static void add_trace(const struct grouping *grouping, const struct growth_figures *by_trace,
		      uint32_t trace, struct growth_row *rows, uint8_t *used)
{
	const uint32_t index = grouping->of_trace[trace];
	struct growth_row *row = &rows[index];
	if (!used[index])
		*row = (struct growth_row){.group = grouping->groups[index], .index = index};
	if (!used[index] || growth_is_heavier(&by_trace[trace], &by_trace[row->group.trace]))
		grouping_choose(grouping, &row->group, trace);
	used[index] = 1;
	growth_add(&row->figures, &by_trace[trace]);
}

static size_t keep_used(struct growth_row *rows, const uint8_t *used, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (used[i])
			rows[kept++] = rows[i];
	return kept;
}

void growth_compute(const struct growth_query *query, struct growth *ret_growth)
{
	const struct grouping *grouping = query->grouping;
	const size_t traces = grouping->lines->trace_count;
	__attribute__((cleanup(mem_scope))) struct growth_figures *by_trace =
		mem_alloc(traces * sizeof by_trace[0]);
	__attribute__((cleanup(mem_scope))) uint8_t *used = mem_alloc(grouping->count);
	struct growth growth = {.rows = mem_alloc(grouping->count * sizeof growth.rows[0])};

	add_moments(query, by_trace);
	add_sites(grouping->lines, by_trace);
	for (uint32_t i = 0; i < traces; i++) {
		if (is_nothing(&by_trace[i]) || grouping->of_trace[i] == GROUPING_NONE)
			continue;
		add_trace(grouping, by_trace, i, growth.rows, used);
		growth_add(&growth.total, &by_trace[i]);
	}
	growth.row_count = keep_used(growth.rows, used, grouping->count);
	if (growth.row_count)
		qsort(growth.rows, growth.row_count, sizeof growth.rows[0], growth_compare);
	*ret_growth = growth;
}

void growth_release(struct growth *growth)
{
	free(growth->rows);
	*growth = (struct growth){.row_count = 0};
}
