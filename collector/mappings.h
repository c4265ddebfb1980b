/*
 * mappings.h - address ranges got by mmap, as an ordered map of disjoint intervals.
 *
 * munmap may cut any part out of any mappings, and MAP_FIXED replaces what was there.
 */
#ifndef MEMTRACE_MAPPINGS_H
#define MEMTRACE_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "u64map.h"

struct mapping {
	uint64_t address;
	uint64_t bytes;
	uint32_t stack;
	uint32_t window;
	bool anonymous;
	uint64_t origin; /* set by mappings_add: the same in all pieces of one mapping */
};

struct mappings {
	struct mapping *items; /* sorted by address, disjoint */
	size_t count, capacity;
	uint64_t origins;           /* handed out so far */
	struct u64map extra_pieces; /* origin → how many pieces beyond the first, if any */
};

void mappings_init(struct mappings *maps);
void mappings_release(struct mappings *maps);
/* The index of the first mapping that ends after the address: it holds it, or lies above it. */
size_t mappings_seek(const struct mappings *maps, uint64_t address);
/* Each piece that is cut away is handed to `cut` (may be NULL) as a mapping of its own; `whole`
 * tells that nothing of the mapping it came from is left. */
typedef void mappings_cut(void *user, const struct mapping *piece, bool whole);
void mappings_add(struct mappings *maps, struct mapping mapping, mappings_cut *cut, void *user);
/* The pieces of a mapping beyond the first. */
uint64_t mappings_extra_pieces(const struct mappings *maps, uint64_t origin);
/*
 * A piece as it was in another such map. It lies behind all that are here, or nothing is done.
 */
void mappings_put_back(struct mappings *maps, const struct mapping *piece,
		       uint64_t extra_pieces);
void mappings_remove(struct mappings *maps, uint64_t address, uint64_t bytes, mappings_cut *cut,
		     void *user);

#endif
