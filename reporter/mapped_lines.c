#include "mapped_lines.h"

#include <stdlib.h>

#include "../collector/mem.h"

/* While rows are made. */
struct sums {
	struct mapped_lines *mapped;
	const struct grouping *grouping;
	struct u64map by_row; /* share and group → index + 1 */
	uint64_t *heaviest;   /* resident bytes of the trace that stands for each */
	size_t capacity, heaviest_capacity;
};

static enum resident_set_share share_of(uint32_t part)
{
	switch (part) {
	case RESIDENT_MAPPINGS:
		return SHARE_MAPPED;
	case RESIDENT_BLOCKS:
		return SHARE_C_MAPPED;
	case RESIDENT_FILES:
		return SHARE_FILE;
	case RESIDENT_SHARED:
		return SHARE_SHARED;
	case RESIDENT_STACKS:
		return SHARE_STACK;
	default:
		return SHARES;
	}
}

/* Behind all groups comes the one of stacks that aren't told apart. */
static size_t place_of(struct sums *sums, enum resident_set_share share, uint32_t group)
{
	struct mapped_lines *mapped = sums->mapped;
	const bool others = group == sums->grouping->count;
	uint64_t *index = u64map_put(&sums->by_row, (uint64_t)(share + 1) << 32 | group);
	if (*index)
		return (size_t)(*index - 1);
	mapped->items = mem_grow(mapped->items, &sums->capacity, mapped->count + 1,
				 sizeof mapped->items[0]);
	sums->heaviest = mem_grow(sums->heaviest, &sums->heaviest_capacity, mapped->count + 1,
				  sizeof sums->heaviest[0]);
	sums->heaviest[mapped->count] = 0;
	mapped->items[mapped->count] = (struct mapped_line){.share = share, .others = others};
	if (!others)
		mapped->items[mapped->count].group = sums->grouping->groups[group];
	*index = ++mapped->count;
	return mapped->count - 1;
}

static void add_mapped(struct sums *sums, const struct stream_mapped *mapped)
{
	const struct grouping *grouping = sums->grouping;
	const enum resident_set_share share = share_of(mapped->part);
	const bool others = mapped->stack == STREAM_OTHER_STACKS;
	const uint32_t trace = others ? 0 : grouping->lines->trace_of[mapped->stack];
	if (share == SHARES)
		return;
	const size_t at = place_of(
		sums, share, others ? (uint32_t)grouping->count : grouping->of_trace[trace]);
	struct mapped_line *line = &sums->mapped->items[at];
	line->bytes += mapped->bytes;
	line->resident_bytes += mapped->resident_bytes;
	if (others || mapped->resident_bytes <= sums->heaviest[at])
		return;
	sums->heaviest[at] = mapped->resident_bytes;
	grouping_choose(grouping, &line->group, trace);
}

static int compare(const void *left, const void *right)
{
	const struct mapped_line *a = left, *b = right;
	if (a->resident_bytes != b->resident_bytes)
		return a->resident_bytes > b->resident_bytes ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->share != b->share)
		return a->share < b->share ? -1 : 1;
	if (a->others != b->others)
		return a->others ? 1 : -1;
	return a->others ? 0 : group_compare(&a->group, &b->group);
}

bool mapped_lines_tells(enum resident_set_share share)
{
	switch (share) {
	case SHARE_MAPPED:
	case SHARE_C_MAPPED:
	case SHARE_FILE:
	case SHARE_SHARED:
	case SHARE_STACK:
	case SHARE_UNATTRIBUTED:
		return true;
	default:
		return false;
	}
}

static void find_past_hooks(struct mapped_lines *mapped, const struct resident_set *resident)
{
	for (size_t i = 0; i < SHARES; i++)
		if (mapped_lines_tells(i))
			mapped->past_hooks_bytes[i] = resident->shares[i];
	for (size_t i = 0; i < mapped->count; i++) {
		const struct mapped_line *line = &mapped->items[i];
		uint64_t *left = &mapped->past_hooks_bytes[line->share];
		*left -= line->resident_bytes < *left ? line->resident_bytes : *left;
	}
}

static bool is_told(const struct profile *profile)
{
	const struct profile_section *section = profile_section_of(profile, "RMAP");
	return section && (profile->mapped || !section->raw_bytes);
}

void mapped_lines_compute(const struct lines *lines, enum grouping_by by,
			  const struct resident_set *resident, struct mapped_lines *ret_mapped)
{
	const struct profile *profile = lines->profile;
	struct mapped_lines mapped = {.known = resident->known && is_told(profile)};
	struct grouping grouping = {.lines = lines, .by = by};
	struct sums sums = {.mapped = &mapped, .grouping = &grouping};
	if (mapped.known) {
		grouping_compute(&grouping);
		u64map_init(&sums.by_row);
		for (size_t i = 0; i < profile->mapped_count; i++)
			if (profile->mapped[i].time_ns == resident->time_ns)
				add_mapped(&sums, &profile->mapped[i]);
		u64map_release(&sums.by_row);
		free(sums.heaviest);
		grouping_release(&grouping);
		find_past_hooks(&mapped, resident);
	}
	if (mapped.count)
		qsort(mapped.items, mapped.count, sizeof mapped.items[0], compare);
	*ret_mapped = mapped;
}

void mapped_lines_release(struct mapped_lines *mapped)
{
	free(mapped->items);
	*mapped = (struct mapped_lines){.known = false};
}
