#include "freers.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

/* While they are added up: the freeing group of each is a number. */
struct sums {
	const struct grouping *grouping;
	struct freers *freers;
	struct u64map by_pair; /* index + 1 */
	uint64_t *heaviest;    /* bytes of the trace that stands for each item */
	size_t capacity, heaviest_capacity;
};

static void add_figures(struct freer_figures *sum, const struct freer_figures *more)
{
	sum->blocks += more->blocks;
	sum->bytes += more->bytes;
	sum->gc_blocks += more->gc_blocks;
	sum->gc_bytes += more->gc_bytes;
	sum->moved_blocks += more->moved_blocks;
	sum->moved_bytes += more->moved_bytes;
}

static enum freer_kind kind_of(const struct profile_freed *freed)
{
	if (freed->by == PROFILE_OTHER_STACKS)
		return FREER_OTHERS;
	return freed->by ? FREER_KNOWN : FREER_UNKNOWN;
}

/* Of a row and who frees it; groups come behind the two that are none. */
static uint64_t pair_key(uint32_t row, enum freer_kind kind, uint32_t group)
{
	return ((uint64_t)row << 32) + (kind == FREER_KNOWN ? group + 3ULL : (uint64_t)kind);
}

static size_t place_of(struct sums *sums, uint32_t row, enum freer_kind kind, uint32_t group)
{
	struct freers *freers = sums->freers;
	uint64_t *index = u64map_put(&sums->by_pair, pair_key(row, kind, group));
	if (*index)
		return (size_t)(*index - 1);
	freers->items = mem_grow(freers->items, &sums->capacity, freers->count + 1,
				 sizeof freers->items[0]);
	sums->heaviest = mem_grow(sums->heaviest, &sums->heaviest_capacity, freers->count + 1,
				  sizeof sums->heaviest[0]);
	sums->heaviest[freers->count] = 0;
	freers->items[freers->count] = (struct freer){.kind = kind, .row = row};
	if (kind == FREER_KNOWN)
		freers->items[freers->count].group = freers->by.groups[group];
	*index = ++freers->count;
	return freers->count - 1;
}

static void add_freed(struct sums *sums, const struct profile_freed *freed)
{
	const struct lines *lines = sums->grouping->lines;
	const enum freer_kind kind = kind_of(freed);
	const uint32_t row = sums->grouping->of_trace[lines->trace_of[freed->stack]];
	const uint32_t trace = kind == FREER_KNOWN ? lines->trace_of[freed->by] : 0;
	if (row == GROUPING_NONE)
		return;
	const struct freer_figures figures = {freed->blocks,       freed->bytes,
					      freed->gc_blocks,    freed->gc_bytes,
					      freed->moved_blocks, freed->moved_bytes};
	const size_t at = place_of(sums, row, kind, sums->freers->by.of_trace[trace]);
	struct freer *freer = &sums->freers->items[at];
	add_figures(&freer->figures, &figures);
	if (kind != FREER_KNOWN || freed->bytes <= sums->heaviest[at])
		return;
	sums->heaviest[at] = freed->bytes;
	grouping_choose(&sums->freers->by, &freer->group, trace);
}

static int compare(const void *left, const void *right)
{
	const struct freer *a = left, *b = right;
	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	if (a->figures.bytes != b->figures.bytes)
		return a->figures.bytes > b->figures.bytes ? -1 : 1;
	if (a->figures.blocks != b->figures.blocks)
		return a->figures.blocks > b->figures.blocks ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->kind == FREER_KNOWN ? group_compare(&a->group, &b->group) : 0;
}

void freers_compute(const struct grouping *grouping, struct freers *ret_freers)
{
	const struct profile *profile = grouping->lines->profile;
	const char *asked = profile_info(profile, "frees");
	struct freers freers = {
		.known = asked && strcmp(asked, "1") == 0,
		.by = {.lines = grouping->lines, .by = grouping->by},
	};
	struct sums sums = {.grouping = grouping, .freers = &freers};
	if (freers.known) {
		grouping_compute(&freers.by);
		u64map_init(&sums.by_pair);
		for (size_t i = 0; i < profile->freed_count; i++)
			add_freed(&sums, &profile->frees[i]);
		u64map_release(&sums.by_pair);
		free(sums.heaviest);
	}
	if (freers.count)
		qsort(freers.items, freers.count, sizeof freers.items[0], compare);
	*ret_freers = freers;
}

void freers_release(struct freers *freers)
{
	grouping_release(&freers->by);
	free(freers->items);
	*freers = (struct freers){.known = false};
}

const struct freer *freers_of(const struct freers *freers, uint32_t row, size_t *ret_count)
{
	size_t low = 0, high = freers->count, end;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (freers->items[middle].row < row)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < freers->count && freers->items[end].row == row;)
		end++;
	*ret_count = end - low;
	return end > low ? &freers->items[low] : NULL;
}

struct freer_figures freers_sum(const struct freer *items, size_t count)
{
	struct freer_figures sum = {0};
	for (size_t i = 0; i < count; i++)
		add_figures(&sum, &items[i].figures);
	return sum;
}
