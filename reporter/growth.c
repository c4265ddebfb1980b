#include "growth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/linetable.h"
#include "../collector/mem.h"

const char *const growth_by_names[GROWTH_BY_COUNT + 1] = {"line",   "own",   "function", "file",
							  "module", "stack", "thread",   NULL};

/* Row keys that no frame has: see row_key. */
enum { KEY_NO_FRAME = 1, KEY_NOT_OWN = 2 };

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
	sum->peak_bytes += more->peak_bytes;
}

static void add_moments(const struct growth_query *query, struct growth_figures *by_trace)
{
	const struct profile *profile = query->lines->profile;
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
		growth_add(&by_trace[query->lines->trace_of[i]], &figure);
	}
}

static void add_sites(const struct growth_query *query, struct growth_figures *by_trace)
{
	const struct profile *profile = query->lines->profile;
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct profile_site *site = &profile->sites[i];
		const struct growth_figures figure = {
			.total_bytes = site->total_bytes,
			.total_count = site->total_blocks,
			.temporary_bytes = site->temporary_bytes,
			.temporary_count = site->temporary_blocks,
			.gc_freed_bytes = site->gc_freed_bytes,
			.peak_bytes = site->peak_bytes,
		};
		growth_add(&by_trace[query->lines->trace_of[site->stack]], &figure);
	}
}

static bool frame_matches(const struct lines *lines, const struct frame *frame,
			  const regex_t *pattern)
{
	char text[1024];
	const struct frame_name name = lines_name(lines, frame);
	if (frame->kind == FRAME_CODE)
		snprintf(text, sizeof text, "%s:%d %s", lines_file(lines, frame), frame->line,
			 frame->function);
	else
		snprintf(text, sizeof text, "%s", name.text);
	return regexec(pattern, text, 0, NULL, 0) == 0;
}

/* Which traces have a frame that matches, one byte each. Each frame is matched once. */
static uint8_t *match_traces(const struct lines *lines, const regex_t *pattern)
{
	uint8_t *matches = mem_alloc(lines->trace_count);
	__attribute__((cleanup(mem_scope))) uint8_t *frames = mem_alloc(lines->frame_count);
	for (size_t i = 0; i < lines->frame_count; i++)
		frames[i] = frame_matches(lines, &lines->frames[i], pattern);
	matches[0] = frames[0];
	for (size_t i = 1; i < lines->trace_count; i++) {
		const struct trace *trace = &lines->traces[i];
		/* "(no Python frame)" is no frame of a stack that has some. */
		matches[i] = frames[trace->frame] || (trace->parent && matches[trace->parent]);
	}
	return matches;
}

/* The frame that decides which row a trace belongs to; NULL: none does, *ret_key says why. */
static const struct frame *deciding_frame(const struct growth_query *query, uint32_t trace,
					  uint64_t *ret_key)
{
	const struct lines *lines = query->lines;
	const struct frame *frame = lines_frame(lines, trace);
	*ret_key = frame->kind == FRAME_CODE ? KEY_NOT_OWN : KEY_NO_FRAME;
	if (query->by == GROWTH_BY_THREAD) {
		*ret_key = KEY_NO_FRAME;
		while (trace && lines_frame(lines, trace)->kind != FRAME_THREAD)
			trace = lines->traces[trace].parent;
		return trace ? lines_frame(lines, trace) : NULL;
	}
	if (query->by != GROWTH_BY_OWN)
		return frame->kind == FRAME_CODE ? frame : NULL;
	for (; trace; trace = lines->traces[trace].parent) {
		frame = lines_frame(lines, trace);
		if (frame->kind == FRAME_CODE && lines->places[frame->place].own)
			return frame;
	}
	return NULL;
}

static uint64_t row_key(const struct growth_query *query, uint32_t trace,
			const struct frame **ret_frame)
{
	uint64_t none;
	const struct frame *frame = deciding_frame(query, trace, &none);
	*ret_frame = frame;
	if (!frame)
		return none;
	switch (query->by) {
	case GROWTH_BY_FUNCTION:
		return (uint64_t)frame->function_id << 32;
	case GROWTH_BY_FILE:
		return (uint64_t)frame->place << 32;
	case GROWTH_BY_MODULE:
		return (uint64_t)query->lines->places[frame->place].module_id << 32;
	case GROWTH_BY_STACK:
		return (uint64_t)trace << 32;
	case GROWTH_BY_THREAD:
		return 1ULL << 63 | (uint32_t)frame->line;
	default:
		return (uint64_t)frame->place << 32 | (uint32_t)frame->line;
	}
}

static struct growth_row new_row(const struct growth_query *query, uint32_t trace,
				 const struct frame *frame, uint64_t key)
{
	const struct lines *lines = query->lines;
	struct growth_row row = {.line = LINE_NONE, .lines = lines, .trace = trace};
	if (!frame) {
		row.name = lines_name(lines, &lines->frames[0]);
		if (key == KEY_NOT_OWN)
			snprintf(row.name.text, sizeof row.name.text,
				 "(not from your own code)");
		return row;
	}
	row.name = lines_name(lines, frame);
	if (frame->kind != FRAME_CODE)
		return row;
	row.module = lines_module(lines, frame);
	if (query->by == GROWTH_BY_MODULE)
		return row;
	row.file = lines_file(lines, frame);
	if (query->by == GROWTH_BY_FILE)
		return row;
	row.function = frame->function;
	if (query->by != GROWTH_BY_FUNCTION)
		row.line = frame->line;
	return row;
}

bool growth_is_heavier(const struct growth_figures *a, const struct growth_figures *b)
{
	if (a->size_diff_bytes != b->size_diff_bytes)
		return a->size_diff_bytes > b->size_diff_bytes;
	if (a->size_bytes != b->size_bytes)
		return a->size_bytes > b->size_bytes;
	return a->total_bytes > b->total_bytes;
}

struct rows {
	struct growth_row *items;
	size_t count, capacity;
	struct u64map by_key; /* index + 1 */
};

static void add_trace(const struct growth_query *query, const struct growth_figures *by_trace,
		      uint32_t trace, struct rows *rows)
{
	const struct frame *frame;
	const uint64_t key = row_key(query, trace, &frame);
	uint64_t *index = u64map_put(&rows->by_key, key);
	if (!*index) {
		rows->items = mem_grow(rows->items, &rows->capacity, rows->count + 1,
				       sizeof rows->items[0]);
		rows->items[rows->count++] = new_row(query, trace, frame, key);
		*index = rows->count;
	}
	struct growth_row *row = &rows->items[*index - 1];
	if (growth_is_heavier(&by_trace[trace], &by_trace[row->trace])) {
		row->trace = trace;
		/* One line may have several functions (a comprehension's, a lambda's). */
		if (row->function && frame)
			row->function = frame->function;
	}
	growth_add(&row->figures, &by_trace[trace]);
}

static bool is_nothing(const struct growth_figures *figures)
{
	static const struct growth_figures nothing;
	return memcmp(figures, &nothing, sizeof nothing) == 0;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

int growth_compare(const void *left, const void *right)
{
	const struct growth_row *a = left, *b = right;
	if (growth_is_heavier(&a->figures, &b->figures))
		return -1;
	if (growth_is_heavier(&b->figures, &a->figures))
		return 1;
	int order = compare_texts(a->file, b->file);
	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	if (order == 0)
		order = compare_texts(a->module, b->module);
	if (order == 0)
		order = compare_texts(a->function, b->function);
	return order ? order : (a->trace > b->trace) - (a->trace < b->trace);
}

void growth_compute(const struct growth_query *query, struct growth *ret_growth)
{
	const struct lines *lines = query->lines;
	__attribute__((cleanup(mem_scope))) struct growth_figures *by_trace =
		mem_alloc(lines->trace_count * sizeof by_trace[0]);
	__attribute__((cleanup(mem_scope))) uint8_t *focus = NULL;
	__attribute__((cleanup(mem_scope))) uint8_t *ignore = NULL;
	struct rows rows = {.count = 0};
	struct growth growth = {.row_count = 0};

	add_moments(query, by_trace);
	add_sites(query, by_trace);
	if (query->focus)
		focus = match_traces(lines, query->focus);
	if (query->ignore)
		ignore = match_traces(lines, query->ignore);
	u64map_init(&rows.by_key);
	for (uint32_t i = 0; i < lines->trace_count; i++) {
		if (is_nothing(&by_trace[i]) || (focus && !focus[i]) || (ignore && ignore[i]))
			continue;
		add_trace(query, by_trace, i, &rows);
		growth_add(&growth.total, &by_trace[i]);
	}
	u64map_release(&rows.by_key);
	if (rows.count)
		qsort(rows.items, rows.count, sizeof rows.items[0], growth_compare);
	growth.rows = rows.items;
	growth.row_count = rows.count;
	*ret_growth = growth;
}

void growth_release(struct growth *growth)
{
	free(growth->rows);
	*growth = (struct growth){.row_count = 0};
}
