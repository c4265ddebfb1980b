#include "grouping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/linetable.h"
#include "../collector/mem.h"

const char *const grouping_by_names[GROUPING_BY_COUNT + 1] = {
	"line", "own", "function", "file", "module", "stack", "thread", NULL};

/* Keys that no frame has: see group_key. */
enum { KEY_NO_FRAME = 1, KEY_NOT_OWN = 2 };

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

/* The frame that decides which group a trace belongs to; NULL: none does, *ret_key says why. */
static const struct frame *deciding_frame(const struct grouping *grouping, uint32_t trace,
					  uint64_t *ret_key)
{
	const struct lines *lines = grouping->lines;
	const struct frame *frame = lines_frame(lines, trace);
	*ret_key = frame->kind == FRAME_CODE ? KEY_NOT_OWN : KEY_NO_FRAME;
	if (grouping->by == GROUPING_BY_THREAD) {
		*ret_key = KEY_NO_FRAME;
		while (trace && lines_frame(lines, trace)->kind != FRAME_THREAD)
			trace = lines->traces[trace].parent;
		return trace ? lines_frame(lines, trace) : NULL;
	}
	if (grouping->by != GROUPING_BY_OWN)
		return frame->kind == FRAME_CODE ? frame : NULL;
	for (; trace; trace = lines->traces[trace].parent) {
		frame = lines_frame(lines, trace);
		if (frame->kind == FRAME_CODE && lines->places[frame->place].own)
			return frame;
	}
	return NULL;
}

static uint64_t group_key(const struct grouping *grouping, uint32_t trace,
			  const struct frame **ret_frame)
{
	uint64_t none;
	const struct frame *frame = deciding_frame(grouping, trace, &none);
	*ret_frame = frame;
	if (!frame)
		return none;
	switch (grouping->by) {
	case GROUPING_BY_FUNCTION:
		return (uint64_t)frame->function_id << 32;
	case GROUPING_BY_FILE:
		return (uint64_t)frame->place << 32;
	case GROUPING_BY_MODULE:
		return (uint64_t)grouping->lines->places[frame->place].module_id << 32;
	case GROUPING_BY_STACK:
		return (uint64_t)trace << 32;
	case GROUPING_BY_THREAD:
		return 1ULL << 63 | (uint32_t)frame->line;
	default:
		return (uint64_t)frame->place << 32 | (uint32_t)frame->line;
	}
}

static struct group new_group(const struct grouping *grouping, uint32_t trace,
			      const struct frame *frame, uint64_t key)
{
	const struct lines *lines = grouping->lines;
	struct group group = {.line = LINE_NONE, .lines = lines, .trace = trace};
	if (!frame) {
		group.name = lines_name(lines, &lines->frames[0]);
		if (key == KEY_NOT_OWN)
			snprintf(group.name.text, sizeof group.name.text,
				 "(not from your own code)");
		return group;
	}
	group.name = lines_name(lines, frame);
	if (frame->kind != FRAME_CODE)
		return group;
	group.module = lines_module(lines, frame);
	if (grouping->by == GROUPING_BY_MODULE)
		return group;
	group.file = lines_file(lines, frame);
	if (grouping->by == GROUPING_BY_FILE)
		return group;
	group.function = frame->function;
	if (grouping->by != GROUPING_BY_FUNCTION)
		group.line = frame->line;
	return group;
}

struct groups {
	struct group *items;
	size_t count, capacity;
	struct u64map by_key; /* index + 1 */
};

static uint32_t place_trace(const struct grouping *grouping, uint32_t trace,
			    struct groups *groups)
{
	const struct frame *frame;
	const uint64_t key = group_key(grouping, trace, &frame);
	uint64_t *index = u64map_put(&groups->by_key, key);
	if (!*index) {
		groups->items = mem_grow(groups->items, &groups->capacity, groups->count + 1,
					 sizeof groups->items[0]);
		groups->items[groups->count++] = new_group(grouping, trace, frame, key);
		*index = groups->count;
	}
	return (uint32_t)(*index - 1);
}

void grouping_compute(struct grouping *grouping)
{
	const struct lines *lines = grouping->lines;
	__attribute__((cleanup(mem_scope))) uint8_t *focus = NULL;
	__attribute__((cleanup(mem_scope))) uint8_t *ignore = NULL;
	struct groups groups = {.count = 0};
	if (grouping->focus)
		focus = match_traces(lines, grouping->focus);
	if (grouping->ignore)
		ignore = match_traces(lines, grouping->ignore);
	u64map_init(&groups.by_key);
	grouping->of_trace = mem_alloc(lines->trace_count * sizeof grouping->of_trace[0]);
	for (uint32_t i = 0; i < lines->trace_count; i++)
		grouping->of_trace[i] = (focus && !focus[i]) || (ignore && ignore[i])
						? GROUPING_NONE
						: place_trace(grouping, i, &groups);
	u64map_release(&groups.by_key);
	grouping->groups = groups.items;
	grouping->count = groups.count;
}

void grouping_release(struct grouping *grouping)
{
	free(grouping->groups);
	free(grouping->of_trace);
	grouping->groups = NULL;
	grouping->of_trace = NULL;
	grouping->count = 0;
}

void grouping_choose(const struct grouping *grouping, struct group *group, uint32_t trace)
{
	uint64_t none;
	const struct frame *frame = deciding_frame(grouping, trace, &none);
	group->trace = trace;
	if (group->function && frame)
		group->function = frame->function;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

int group_compare(const struct group *a, const struct group *b)
{
	int order = compare_texts(a->file, b->file);
	if (order == 0)
		order = (a->line > b->line) - (a->line < b->line);
	if (order == 0)
		order = compare_texts(a->module, b->module);
	if (order == 0)
		order = compare_texts(a->function, b->function);
	return order ? order : (a->trace > b->trace) - (a->trace < b->trace);
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

int group_compare_stacks(const struct group *a, const struct group *b)
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
 * Groups of whole stacks have a function too, so nothing but the caller tells that they are.
 * The function of a line is only its heaviest one's and decides nothing.
 */
int group_compare_names(const struct group *a, const struct group *b)
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
