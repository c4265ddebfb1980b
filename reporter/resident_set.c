#include "resident_set.h"

#include <math.h>

#include "free_lists.h"

const char *const resident_set_keys[] = {
	[SHARE_LIVE] = "live",
	[SHARE_CLASS_ROUNDING] = "class_rounding",
	[SHARE_POOL_HEADERS] = "pool_headers",
	[SHARE_PINNED] = "pinned",
	[SHARE_C_LIVE] = "c_live",
	[SHARE_ALLOCATOR_FREE] = "allocator_free",
	[SHARE_C_MAPPED] = "c_mapped",
	[SHARE_MAPPED] = "mapped",
	[SHARE_FILE] = "file",
	[SHARE_SHARED] = "shared",
	[SHARE_STACK] = "stack",
	[SHARE_MEMTRACE] = "memtrace",
	[SHARE_UNATTRIBUTED] = "unattributed",
};

const char *const resident_set_names[] = {
	[SHARE_LIVE] = "Python, live",
	[SHARE_CLASS_ROUNDING] = "Python, size classes",
	[SHARE_POOL_HEADERS] = "Python, pool headers",
	[SHARE_PINNED] = "Python, free in arenas",
	[SHARE_C_LIVE] = "C heap, live",
	[SHARE_ALLOCATOR_FREE] = "C heap, free",
	[SHARE_C_MAPPED] = "C heap, large blocks",
	[SHARE_MAPPED] = "mapped by the program",
	[SHARE_FILE] = "files and libraries",
	[SHARE_SHARED] = "shared memory",
	[SHARE_STACK] = "stacks",
	[SHARE_MEMTRACE] = "memtrace's own",
	[SHARE_UNATTRIBUTED] = "unattributed",
};

/* Takes at most so much. */
static uint64_t take(uint64_t *left, uint64_t bytes)
{
	const uint64_t taken = bytes < *left ? bytes : *left;
	*left -= taken;
	return taken;
}

static uint64_t less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

struct resident_set resident_set_of(const struct stream_resident *look)
{
	struct resident_set resident = {
		.known = true,
		.seconds = (double)look->time_ns / 1e9,
		.time_ns = look->time_ns,
		.swap_bytes = look->swap_bytes,
		.free_lists_most_bytes = UINT64_MAX,
	};
	uint64_t *shares = resident.shares;
	uint64_t arenas = look->parts[RESIDENT_ARENAS], heap = look->parts[RESIDENT_HEAP];
	shares[SHARE_LIVE] = take(&arenas, look->arena_live_bytes);
	shares[SHARE_CLASS_ROUNDING] =
		take(&arenas, less(look->arena_block_bytes, look->arena_live_bytes));
	shares[SHARE_POOL_HEADERS] = take(&arenas, look->arena_header_bytes);
	shares[SHARE_PINNED] = arenas;
	shares[SHARE_C_LIVE] = take(&heap, look->heap_live_bytes);
	shares[SHARE_ALLOCATOR_FREE] = heap;
	shares[SHARE_C_MAPPED] = look->parts[RESIDENT_BLOCKS];
	shares[SHARE_MAPPED] = look->parts[RESIDENT_MAPPINGS];
	shares[SHARE_FILE] = look->parts[RESIDENT_FILES];
	shares[SHARE_SHARED] = look->parts[RESIDENT_SHARED];
	shares[SHARE_STACK] = look->parts[RESIDENT_STACKS];
	shares[SHARE_MEMTRACE] = look->parts[RESIDENT_TRACER];
	shares[SHARE_UNATTRIBUTED] = look->parts[RESIDENT_OTHER];
	for (size_t i = 0; i < SHARES; i++)
		resident.bytes += shares[i];
	resident.residual_bytes = (int64_t)(look->rss_bytes - resident.bytes);
	return resident;
}

static double distance(const struct stream_resident *look, const struct moment *moment)
{
	return fabs((double)look->time_ns / 1e9 - moment->seconds);
}

static const struct stream_resident *nearest(const struct profile *profile,
					     const struct moment *moment)
{
	const struct stream_resident *found = NULL;
	for (size_t i = 0; i < profile->resident_count; i++) {
		const struct stream_resident *look = &profile->residents[i];
		if (!found || distance(look, moment) < distance(found, moment))
			found = look;
	}
	return found;
}

/*
 * What they hold can't be read from outside; the interpreter's source says how much it may
 * be.
 */
static void find_free_lists(const struct profile *profile, struct resident_set *resident)
{
	const struct free_lists lists = free_lists_of(profile);
	const uint64_t live_bytes = resident->shares[SHARE_LIVE];
	if (lists.known && !lists.frames)
		resident->free_lists_most_bytes = lists.counted_live_bytes < live_bytes
							  ? lists.counted_live_bytes
							  : live_bytes;
}

struct resident_set resident_set_at(const struct profile *profile, const struct moment *moment)
{
	struct resident_set resident = {.known = false};
	const bool marked = moment->kind == MOMENT_MARK;
	const uint64_t mark_ns = marked ? profile->marks[moment->mark].figures.time_ns : 0;
	if (moment->kind == MOMENT_START)
		return resident;
	for (size_t i = 0; mark_ns && i < profile->resident_count; i++) {
		if (profile->residents[i].mark_ns != mark_ns)
			continue;
		resident = resident_set_of(&profile->residents[i]);
		find_free_lists(profile, &resident);
		resident.at_moment = true;
		return resident;
	}
	const struct stream_resident *look = nearest(profile, moment);
	if (look) {
		resident = resident_set_of(look);
		find_free_lists(profile, &resident);
	}
	return resident;
}
