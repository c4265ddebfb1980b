/*
 * arenas.h - the arenas of a profile as of a moment, and whose blocks hold them.
 *
 * At the end of a run they come from its map, block by block; at a mark and at the peak from
 * summaries, which name the stacks with most blocks of each arena and count the rest: those are
 * the arena's `others`, and nobody may claim their blocks.
 *
 * What is free in an arena is all of it but its live blocks, as large as their size class makes
 * them, and the headers of pools in use: available blocks, unused pools, what is left over
 * behind the last block of a pool (quantization) and around pools in an arena that isn't
 * aligned (alignment), in the words of sys._debugmallocstats.
 *
 * Figures of a damaged profile may contradict each other, but free, live and header bytes of an
 * arena add up to its size, and holders and others to its live blocks, whatever it says.
 *
 * Memory: arenas_release; nothing refers to the profile afterwards.
 */
#ifndef MEMTRACE_ARENAS_H
#define MEMTRACE_ARENAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "moment.h"

/* Objects/obmalloc.c, the same in every version that is traced. */
enum {
	ARENAS_CLASSES = 32,
	ARENAS_CLASS_STEP_BYTES = 16,
	ARENAS_POOL_HEADER_BYTES = 48,
};
#define ARENAS_NO_WINDOW 0xffffffffu

/* The live blocks of one stack in one arena. */
struct arena_holder {
	uint32_t stack;
	uint32_t blocks;
	uint64_t block_bytes;    /* with what their size class adds */
	uint64_t bytes;          /* requested; at marks nobody knows: 0 */
	uint16_t oldest, newest; /* birth windows */
};

struct held_arena {
	uint64_t address, bytes;
	uint64_t live_bytes; /* requested */
	uint64_t block_bytes;
	uint64_t header_bytes, free_bytes;
	uint64_t live_blocks;
	uint32_t pools;        /* with live blocks */
	uint32_t window;       /* of its birth; ARENAS_NO_WINDOW at marks */
	uint32_t other_stacks; /* at marks; what a damaged profile leaves over has no number */
	uint64_t other_blocks, other_block_bytes;
	size_t holder_start, holder_count; /* into arenas.holders */
};

struct arenas_class {
	uint32_t pools; /* with live blocks */
	uint64_t blocks;
};

struct arenas {
	bool known;               /* otherwise the profile doesn't tell of that moment */
	bool holders_known;       /* otherwise there are none, and all blocks are others' */
	bool requested_known;     /* per holder */
	uint32_t pool_bytes;      /* 0: not known */
	struct held_arena *items; /* ascending by address */
	size_t count;
	struct arena_holder *holders;
	size_t holder_count;
	struct arenas_class classes[ARENAS_CLASSES + 1]; /* by 1 + size class index */
	/* Over all of them. */
	uint64_t bytes, live_blocks, live_bytes, block_bytes, header_bytes, free_bytes;
};

void arenas_at(const struct profile *profile, const struct moment *moment,
	       struct arenas *ret_arenas);
/* When the program had most arenas. */
void arenas_at_peak(const struct profile *profile, struct arenas *ret_arenas);
void arenas_release(struct arenas *arenas);

/*
 * Whether a moment's arenas are told block by block: then the profile's pools are of it, too.
 */
bool arenas_exact(const struct profile *profile, const struct moment *moment);

static inline uint32_t arenas_class_bytes(uint32_t class)
{
	return class * ARENAS_CLASS_STEP_BYTES;
}

/* Blocks that fit into a pool of that class; 0 where the size of pools isn't known. */
static inline uint32_t arenas_pool_blocks(uint32_t pool_bytes, uint32_t class)
{
	if (!class || pool_bytes < ARENAS_POOL_HEADER_BYTES)
		return 0;
	return (pool_bytes - ARENAS_POOL_HEADER_BYTES) / arenas_class_bytes(class);
}

#endif
