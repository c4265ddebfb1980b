#include "resident.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pieces.h"
#include "room.h"

enum { ENTRIES = 4096 };
/* More of one piece isn't read page by page: that would take longer than anybody waits. */
static const uint64_t COUNTED_MOST_BYTES = 16ULL << 30;

struct look {
	const struct smaps *smaps;
	const struct pieces *pieces;
	const struct mappings *mappings;
	struct stream_resident *resident;
	struct mapped *mapped;
	size_t piece; /* no earlier one reaches into what is still to come */
	int pagemap;  /* -1: it can't be read */
};

/* Pages that are there. False: nobody knows. */
static bool count_pages(const struct look *look, uint64_t address, uint64_t end,
			uint64_t *ret_bytes)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t entries[ENTRIES], at = address / page, last = (end + page - 1) / page;
	uint64_t pages = 0;

	if (look->pagemap < 0 || end - address > COUNTED_MOST_BYTES)
		return false;
	while (at < last) {
		size_t want = last - at < ENTRIES ? last - at : ENTRIES;
		ssize_t got = pread(look->pagemap, entries, want * sizeof(*entries),
				    (off_t)(at * sizeof(*entries)));

		if (got < (ssize_t)sizeof(*entries))
			return false;
		for (size_t i = 0; i < (size_t)got / sizeof(*entries); i++)
			pages += entries[i] >> 63;
		at += (size_t)got / sizeof(*entries);
	}
	*ret_bytes = pages * page;
	return true;
}

static uint64_t resident_of(const struct look *look, const struct area *area, uint64_t address,
			    uint64_t end)
{
	uint64_t bytes;

	if (count_pages(look, address, end, &bytes))
		return bytes;
	return (uint64_t)((double)area->resident_bytes * (double)(end - address) /
			  (double)(area->end - area->address));
}

/* Of an area without a name: what no piece says. */
static enum resident_part rest_of(const struct look *look, const struct area *area)
{
	enum { GUARD_MOST_BYTES = 1 << 20 };
	const struct area *below = area > look->smaps->items ? area - 1 : NULL;

	if (!below || below->end != area->address)
		return RESIDENT_OTHER;
	if (below->kind == AREA_FILE)
		return below->tracer ? RESIDENT_TRACER : RESIDENT_FILES;
	/* A thread's that has ended; glibc keeps its stack for the next one. */
	if (below->closed && below->kind == AREA_ANONYMOUS &&
	    below->end - below->address <= GUARD_MOST_BYTES)
		return RESIDENT_STACKS;
	return RESIDENT_OTHER;
}

static void take_piece(struct look *look, const struct area *area, const struct piece *piece,
		       uint64_t *at, uint64_t *left)
{
	uint64_t end = piece->end < area->end ? piece->end : area->end, bytes;

	if (piece->address > *at)
		*at = piece->address;
	if (*at >= end)
		return;
	/* What the piece before it had already is its own. */
	bytes = *left ? resident_of(look, area, *at, end) : 0;
	if (bytes > *left)
		bytes = *left;
	look->resident->parts[piece->part] += bytes;
	if (piece->part == RESIDENT_MAPPINGS || piece->part == RESIDENT_BLOCKS ||
	    (piece->part == RESIDENT_STACKS && piece->stack))
		mapped_note(look->mapped, piece->part, piece->stack, end - *at, bytes);
	look->resident->block_bytes += piece->address >= area->address ? piece->block_bytes : 0;
	*left -= bytes;
	*at = end;
}

static void share_out(struct look *look, const struct area *area)
{
	const struct pieces *pieces = look->pieces;
	uint64_t at = area->address, left = area->resident_bytes;

	look->piece = pieces_seek(pieces, look->piece, area->address);
	for (size_t i = look->piece; i < pieces->count && pieces->items[i].address < area->end;
	     i++)
		take_piece(look, area, &pieces->items[i], &at, &left);
	look->resident->parts[rest_of(look, area)] += left;
}

/* Who mapped what of a file, or of memory that is shared. */
static void name_mappings(struct look *look, const struct area *area, enum resident_part part)
{
	const struct mappings *mappings = look->mappings;
	uint64_t left = area->resident_bytes, bytes;

	for (size_t i = mappings_seek(mappings, area->address);
	     i < mappings->count && mappings->items[i].address < area->end; i++) {
		const struct mapping *mapping = &mappings->items[i];
		uint64_t at = mapping->address, end = at + mapping->bytes;

		at = at > area->address ? at : area->address;
		end = end < area->end ? end : area->end;
		bytes = left ? resident_of(look, area, at, end) : 0;
		bytes = bytes < left ? bytes : left;
		mapped_note(look->mapped, part, mapping->stack, end - at, bytes);
		left -= bytes;
	}
}

static void take_area(struct look *look, const struct area *area)
{
	static const enum resident_part parts[] = {
		[AREA_FILE] = RESIDENT_FILES,   [AREA_SHARED] = RESIDENT_SHARED,
		[AREA_BRK] = RESIDENT_HEAP,     [AREA_STACK] = RESIDENT_STACKS,
		[AREA_KERNEL] = RESIDENT_FILES,
	};

	look->resident->swap_bytes += area->swap_bytes;
	look->resident->pss_bytes += area->pss_bytes;
	if (area->tracer)
		look->resident->parts[RESIDENT_TRACER] += area->resident_bytes;
	else if (area->kind == AREA_ANONYMOUS)
		share_out(look, area);
	else
		look->resident->parts[parts[area->kind]] += area->resident_bytes;
	if (!area->tracer && (area->kind == AREA_FILE || area->kind == AREA_SHARED))
		name_mappings(look, area, parts[area->kind]);
}

static void take_arena(const struct arena *arena, struct stream_resident *resident)
{
	for (uint32_t i = 0; arena->bytes && i < arena->pool_count; i++) {
		const struct pool *pool = arena->pools[i];

		if (!pool || !pool->live)
			continue;
		resident->arena_header_bytes += POOL_HEADER_BYTES;
		resident->arena_block_bytes += (uint64_t)pool->live *
					       pool_block_bytes(pool->class);
	}
	resident->arena_live_bytes += arena->bytes ? arena->live_bytes : 0;
}

static uint64_t less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

static void take_live(const struct heap *heap, struct stream_resident *resident)
{
	const uint64_t *live = heap->domain_bytes;

	for (size_t i = 0; i < heap->arenas.arena_count; i++)
		take_arena(&heap->arenas.arenas[i], resident);
	resident->heap_live_bytes =
		less(live[DOMAIN_MALLOC] + live[DOMAIN_MEM] + live[DOMAIN_OBJECT],
		     resident->arena_live_bytes + resident->block_bytes);
}

static void take_room(const struct program *program, struct stream_resident *resident)
{
	const struct room room = room_of(program->pid);

	resident->cgroup_bytes = room.cgroup_bytes;
	resident->cgroup_cache_bytes = room.cgroup_cache_bytes;
	resident->cgroup_limit_bytes = room.cgroup_limit_bytes;
	resident->machine_bytes = room.machine_bytes;
	resident->machine_available_bytes = room.machine_available_bytes;
}

static int open_pagemap(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool resident_look(const struct resident_query *query, struct stream_resident *ret_resident,
		   struct mapped *ret_mapped)
{
	const struct program *program = query->program;
	const struct heap *heap = query->heap;
	struct stream_resident resident = {0};
	struct mapped mapped = {0};
	struct smaps smaps;
	struct pieces pieces;

	if (!smaps_read(program->pid, query->ring_path, &smaps))
		return false;
	pieces_find(heap, query->ring, &smaps, program->pid, &pieces);
	struct look look = {
		.smaps = &smaps,
		.pieces = &pieces,
		.mappings = &heap->mappings,
		.resident = &resident,
		.mapped = &mapped,
		.pagemap = open_pagemap(program->pid),
	};

	for (size_t i = 0; i < smaps.count; i++)
		take_area(&look, &smaps.items[i]);
	take_live(heap, &resident);
	take_room(program, &resident);
	if (look.pagemap >= 0)
		close(look.pagemap);
	pieces_release(&pieces);
	smaps_release(&smaps);
	*ret_resident = resident;
	*ret_mapped = mapped;
	return true;
}
