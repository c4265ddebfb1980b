#include "births.h"

#include <stdlib.h>

#include "../collector/mem.h"

static double point_seconds(const struct profile_point *point)
{
	return (double)point->time_ms / 1000;
}

static uint32_t group_of(const struct grouping *grouping, uint32_t stack)
{
	return grouping->of_trace[grouping->lines->trace_of[stack]];
}

/* Totals of the stacks up to a point; what came since goes to the groups of a slice, if any. */
static void add_point(const struct grouping *grouping, const struct profile_point *point,
		      uint64_t *totals, struct births *births, size_t slice)
{
	const struct profile *profile = grouping->lines->profile;
	const struct profile_point_change *changes = profile->point_changes +
						     point->change_start;
	for (size_t i = 0; i < point->change_count; i++) {
		const uint32_t stack = changes[i].stack, group = group_of(grouping, stack);
		const uint64_t total = changes[i].total_blocks;
		/* Those of a damaged profile may go back. */
		if (slice < births->slices && group != GROUPING_NONE && total > totals[stack])
			births->born[group * births->slices + slice] += total - totals[stack];
		totals[stack] = total;
	}
}

/* The first slice that has not ended by then; all ended: there is none. */
static size_t slice_at(const struct history *history, size_t from_slice, double seconds)
{
	size_t slice = from_slice;
	while (slice < history->count && history->seconds[slice] < seconds)
		slice++;
	return slice;
}

void births_compute(const struct grouping *grouping, const struct history *history,
		    const struct moment *from, struct births *ret_births)
{
	const struct profile *profile = grouping->lines->profile;
	struct births births = {.slices = history->count, .group_count = grouping->count};
	__attribute__((cleanup(mem_scope)))
	uint64_t *totals = mem_alloc((profile->node_count + 1) * sizeof totals[0]);
	births.born = mem_alloc(grouping->count * history->count * sizeof births.born[0]);
	size_t slice = 0;
	for (size_t i = 0; i < profile->point_count; i++) {
		const double seconds = point_seconds(&profile->points[i]);
		slice = slice_at(history, slice, seconds);
		add_point(grouping, &profile->points[i], totals, &births,
			  seconds <= from->seconds ? births.slices : slice);
	}
	*ret_births = births;
}

void births_release(struct births *births)
{
	free(births->born);
	free(births->living);
	*births = (struct births){.slices = 0};
}

/* Of each window the slice it begins in; what is in no slice is in one behind the last. */
static size_t *slices_of_windows(const struct history *history, const struct moment *from,
				 const struct profile *profile)
{
	size_t *slices = mem_alloc(profile->window_count * sizeof slices[0]);
	for (size_t i = 0; i < profile->window_count; i++) {
		const double seconds = (double)profile->windows[i].start_ms / 1000;
		/* Nothing was born in it before it began: a slice that ends then is over. */
		while (slices[i] < history->count && history->seconds[slices[i]] <= seconds)
			slices[i]++;
		if (seconds < from->seconds)
			slices[i] = history->count;
	}
	return slices;
}

void births_find_living(struct births *births, const struct grouping *grouping,
			const struct history *history, const struct moment *from,
			struct profile *profile)
{
	struct err err;
	if (profile->run.block_count > BIRTHS_MOST_LIVING || profile_load_blocks(profile, &err))
		return;
	__attribute__((cleanup(mem_scope)))
	size_t *slices = slices_of_windows(history, from, profile);
	births->living =
		mem_alloc(births->group_count * births->slices * sizeof births->living[0]);
	births->living_known = true;
	for (size_t i = 0; i < profile->block_count; i++) {
		const struct profile_block *block = &profile->blocks[i];
		const uint32_t group = group_of(grouping, block->stack);
		const size_t slice = block->window < profile->window_count
					     ? slices[block->window]
					     : births->slices;
		if (group != GROUPING_NONE && slice < births->slices)
			births->living[group * births->slices + slice]++;
	}
}

const uint64_t *births_born(const struct births *births, size_t group)
{
	return births->born + group * births->slices;
}

const uint64_t *births_living(const struct births *births, size_t group)
{
	return births->living + group * births->slices;
}
