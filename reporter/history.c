#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

/* What is live while changes are gone through, in order of time. */
struct replay {
	const struct grouping *grouping;
	struct history *history;
	struct live {
		uint64_t bytes, blocks;
	} * by_stack, *by_group;
	struct live total;
};

static void replay_init(struct replay *replay, const struct grouping *grouping,
			struct history *history)
{
	const size_t stacks = grouping->lines->profile->node_count + 1;
	*replay = (struct replay){.grouping = grouping, .history = history};
	replay->by_stack = mem_alloc(stacks * sizeof replay->by_stack[0]);
	replay->by_group = mem_alloc(grouping->count * sizeof replay->by_group[0]);
}

static void replay_release(struct replay *replay)
{
	free(replay->by_stack);
	free(replay->by_group);
}

/* Figures of a damaged profile may wrap; they are unsigned. */
static void move(struct live *live, const struct live *from, const struct live *to)
{
	live->bytes += to->bytes - from->bytes;
	live->blocks += to->blocks - from->blocks;
}

static void replay_change(struct replay *replay, uint32_t stack, uint64_t bytes,
			  uint64_t blocks)
{
	const struct live now = {bytes, blocks};
	const uint32_t trace = replay->grouping->lines->trace_of[stack];
	const uint32_t group = replay->grouping->of_trace[trace];
	move(&replay->total, &replay->by_stack[stack], &now);
	if (group != GROUPING_NONE)
		move(&replay->by_group[group], &replay->by_stack[stack], &now);
	replay->by_stack[stack] = now;
}

/* Into a slice: what is live now, where that is less than what is there. */
static void replay_put(const struct replay *replay, size_t slice, bool first)
{
	struct history *history = replay->history;
	if (first || replay->total.bytes < history->total_bytes[slice])
		history->total_bytes[slice] = replay->total.bytes;
	for (size_t g = 0; g < history->group_count; g++) {
		const size_t at = g * history->count + slice;
		if (!first && replay->by_group[g].bytes >= history->bytes[at])
			continue;
		history->bytes[at] = replay->by_group[g].bytes;
		history->blocks[at] = replay->by_group[g].blocks;
	}
}

static double mark_seconds(const struct profile *profile, size_t mark)
{
	return (double)profile->marks[mark].figures.time_ns / 1e9;
}

static bool is_within(double seconds, const struct moment *from, const struct moment *to)
{
	return seconds >= from->seconds && seconds <= to->seconds;
}

static bool is_iteration(const struct profile *profile, size_t mark, const struct moment *from,
			 const struct moment *to)
{
	return !strncmp(profile_text(profile, profile->marks[mark].base), "iter", 4) &&
	       is_within(mark_seconds(profile, mark), from, to);
}

static size_t count_iterations(const struct profile *profile, const struct moment *from,
			       const struct moment *to)
{
	size_t count = 0;
	for (size_t i = 0; i < profile->mark_count; i++)
		count += is_iteration(profile, i, from, to);
	return count;
}

static void make_room(struct history *history, size_t items, size_t groups)
{
	history->count = items < HISTORY_MOST_SLICES ? items : HISTORY_MOST_SLICES;
	history->group_count = groups;
	history->bytes = mem_alloc(groups * history->count * sizeof history->bytes[0]);
	history->blocks = mem_alloc(groups * history->count * sizeof history->blocks[0]);
}

/* The slice of item i of so many, and whether it is the first there. */
static size_t slice_of(const struct history *history, size_t item, size_t items,
		       bool *ret_first)
{
	const size_t slice = item * history->count / items;
	*ret_first = item == 0 || (item - 1) * history->count / items != slice;
	return slice;
}

static void add_item(struct replay *replay, size_t item, size_t items, double seconds,
		     uint64_t rss_bytes)
{
	struct history *history = replay->history;
	bool first;
	const size_t slice = slice_of(history, item, items, &first);
	history->seconds[slice] = seconds;
	history->rss_bytes[slice] = rss_bytes;
	replay_put(replay, slice, first);
}

static void by_marks(struct replay *replay, const struct profile *profile, size_t items,
		     const struct moment *from, const struct moment *to)
{
	struct history *history = replay->history;
	size_t item = 0;
	double made = 0;
	for (size_t i = 0; i < profile->mark_count; i++) {
		const struct profile_mark *mark = &profile->marks[i];
		const struct profile_change *changes = profile->changes + mark->change_start;
		const uint64_t rss = mark->figures.rss_bytes;
		for (size_t k = 0; k < mark->change_count; k++)
			replay_change(replay, changes[k].stack, changes[k].live_bytes,
				      changes[k].live_blocks);
		if (!is_iteration(profile, i, from, to))
			continue;
		made += 1 + (double)mark->rolled;
		history->marks[item * history->count / items] = made;
		add_item(replay, item++, items, mark_seconds(profile, i),
			 rss == UINT64_MAX ? 0 : rss);
	}
}

static double point_seconds(const struct profile_point *point)
{
	return (double)point->time_ms / 1000;
}

static size_t count_points(const struct profile *profile, const struct moment *from,
			   const struct moment *to)
{
	size_t count = 0;
	for (size_t i = 0; i < profile->point_count; i++)
		count += is_within(point_seconds(&profile->points[i]), from, to);
	return count;
}

static void by_points(struct replay *replay, const struct profile *profile, size_t items,
		      const struct moment *from, const struct moment *to)
{
	size_t item = 0;
	for (size_t i = 0; i < profile->point_count; i++) {
		const struct profile_point *point = &profile->points[i];
		const struct profile_point_change *changes = profile->point_changes +
							     point->change_start;
		for (size_t k = 0; k < point->change_count; k++)
			replay_change(replay, changes[k].stack, changes[k].live_bytes,
				      changes[k].live_blocks);
		if (is_within(point_seconds(point), from, to))
			add_item(replay, item++, items, point_seconds(point), point->rss_bytes);
	}
}

void history_compute(const struct grouping *grouping, const struct moment *from,
		     const struct moment *to, struct history *ret_history)
{
	const struct profile *profile = grouping->lines->profile;
	const size_t marks = count_iterations(profile, from, to);
	struct history history = {.by_marks = marks >= HISTORY_FEWEST_MARKS};
	const size_t items = history.by_marks ? marks : count_points(profile, from, to);
	__attribute__((cleanup(replay_release))) struct replay replay;
	replay_init(&replay, grouping, &history);
	make_room(&history, items, grouping->count);
	if (history.by_marks)
		by_marks(&replay, profile, items, from, to);
	else
		by_points(&replay, profile, items, from, to);
	*ret_history = history;
}

void history_release(struct history *history)
{
	free(history->bytes);
	free(history->blocks);
	*history = (struct history){.count = 0};
}

const uint64_t *history_bytes(const struct history *history, size_t group)
{
	return history->bytes + group * history->count;
}

const uint64_t *history_blocks(const struct history *history, size_t group)
{
	return history->blocks + group * history->count;
}
