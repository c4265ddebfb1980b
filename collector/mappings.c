#include "mappings.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void mappings_init(struct mappings *maps)
{
	*maps = (struct mappings){0};
}

void mappings_release(struct mappings *maps)
{
	free(maps->items);
	u64map_release(&maps->extra_pieces);
	mappings_init(maps);
}

static uint64_t end_of(const struct mapping *mapping)
{
	return mapping->address + mapping->bytes;
}

size_t mappings_seek(const struct mappings *maps, uint64_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (end_of(&maps->items[middle]) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct mappings *maps, size_t at, struct mapping mapping)
{
	maps->items = mem_grow(maps->items, &maps->capacity, maps->count + 1,
			       sizeof(*maps->items));
	memmove(maps->items + at + 1, maps->items + at,
		(maps->count - at) * sizeof(*maps->items));
	maps->items[at] = mapping;
	maps->count++;
}

static void erase(struct mappings *maps, size_t from, size_t to)
{
	if (from == to)
		return;
	memmove(maps->items + from, maps->items + to,
		(maps->count - to) * sizeof(*maps->items));
	maps->count -= to - from;
}

/* One piece of an origin has gone altogether. True: it was the last. */
static bool piece_gone(struct mappings *maps, uint64_t origin)
{
	uint64_t *extra = u64map_get(&maps->extra_pieces, origin);

	if (!extra)
		return true;
	if (--*extra == 0)
		u64map_remove(&maps->extra_pieces, origin, NULL);
	return false;
}

/* Splits the mapping at `at` where it spans the address, so that one ends there. */
static void split(struct mappings *maps, size_t at, uint64_t address)
{
	struct mapping upper = maps->items[at];

	if (upper.address >= address)
		return;
	maps->items[at].bytes = address - upper.address;
	upper.bytes -= address - upper.address;
	upper.address = address;
	insert(maps, at + 1, upper);
	++*u64map_put(&maps->extra_pieces, upper.origin);
}

void mappings_remove(struct mappings *maps, uint64_t address, uint64_t bytes, mappings_cut *cut,
		     void *user)
{
	uint64_t end;
	if (__builtin_add_overflow(address, bytes, &end))
		end = UINT64_MAX;
	if (end <= address)
		return;

	size_t from = mappings_seek(maps, address);
	if (from < maps->count && maps->items[from].address < address)
		split(maps, from++, address);
	size_t to = from;
	for (; to < maps->count && maps->items[to].address < end; to++) {
		if (end_of(&maps->items[to]) > end)
			split(maps, to, end);
		bool whole = piece_gone(maps, maps->items[to].origin);
		if (cut)
			cut(user, &maps->items[to], whole);
	}
	erase(maps, from, to);
}

void mappings_add(struct mappings *maps, struct mapping mapping, mappings_cut *cut, void *user)
{
	uint64_t end;
	if (mapping.bytes == 0 || __builtin_add_overflow(mapping.address, mapping.bytes, &end))
		return;
	mappings_remove(maps, mapping.address, mapping.bytes, cut, user);
	mapping.origin = ++maps->origins;
	insert(maps, mappings_seek(maps, mapping.address), mapping);
}

uint64_t mappings_extra_pieces(const struct mappings *maps, uint64_t origin)
{
	const uint64_t *extra = u64map_get(&maps->extra_pieces, origin);

	return extra ? *extra : 0;
}

void mappings_put_back(struct mappings *maps, const struct mapping *piece,
		       uint64_t extra_pieces)
{
	uint64_t end, last = maps->count ? end_of(&maps->items[maps->count - 1]) : 0;

	if (piece->bytes == 0 || piece->address < last || piece->origin == 0 ||
	    __builtin_add_overflow(piece->address, piece->bytes, &end))
		return;
	if (extra_pieces)
		*u64map_put(&maps->extra_pieces, piece->origin) = extra_pieces;
	insert(maps, maps->count, *piece);
}
