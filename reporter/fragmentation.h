/*
 * fragmentation.h - what the arenas consist of, in the words of sys._debugmallocstats.
 *
 *	blocks        live ones, as large as their size class
 *	available     blocks that pools in use could still give out
 *	unused pools  pools without a live block
 *	pool headers  48 bytes of each pool in use
 *	quantization  what is left over behind the last block of each pool in use
 *	alignment     what lies outside of whole pools in arenas that aren't aligned to them
 *
 * They add up to the arenas' bytes. All but blocks and pool headers are free (arenas.h).
 */
#ifndef MEMTRACE_FRAGMENTATION_H
#define MEMTRACE_FRAGMENTATION_H

#include "arenas.h"

struct fragmentation {
	bool known;       /* of the arenas at that moment anything at all */
	bool pools_known; /* and how pools are used in them */
	bool large_known;
	const char *why_none; /* NULL, or why there can't be any arenas */
	uint64_t arenas, bytes;
	uint64_t blocks, block_bytes;
	uint64_t requested_bytes; /* by the program, of the blocks */
	uint64_t free_bytes;
	uint64_t pinned_bytes; /* of those, in arenas with live blocks */
	uint64_t available_blocks, available_bytes;
	uint64_t pools, unused_pools, unused_pool_bytes;
	uint64_t header_bytes, quantization_bytes, alignment_bytes;
	/* Live requests of Python's own domains that no pool serves. */
	uint64_t large_blocks, large_bytes;
};

void fragmentation_compute(const struct profile *profile, const struct moment *moment,
			   const struct arenas *arenas,
			   struct fragmentation *ret_fragmentation);
/* A sentence's end, "PYTHONMALLOC=malloc ..."; NULL: arenas are what one would expect. */
const char *fragmentation_why_none(const struct profile *profile);

#endif
