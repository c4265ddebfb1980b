#include "fragmentation.h"

#include <string.h>

#include "../collector/block_table.h"

static bool begins(const char *text, const char *word)
{
	return text && strncmp(text, word, strlen(word)) == 0;
}

const char *fragmentation_why_none(const struct profile *profile)
{
	static const char none[] = "none: ";
	const char *pools = profile_info(profile, "pools");
	const char *allocator = profile_info(profile, "allocator");
	const char *implementation = profile_info(profile, "implementation");
	if (begins(pools, none))
		return pools + strlen(none);
	if (implementation && *implementation && strcmp(implementation, "cpython") != 0)
		return "only CPython has them";
	if (begins(allocator, "mimalloc"))
		return "with PYTHONMALLOC=mimalloc Python's blocks come from mimalloc";
	if (begins(allocator, "malloc"))
		return "with PYTHONMALLOC=malloc Python's blocks come from the C library";
	return NULL;
}

static uint64_t up_to_zero(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

/* An arena's whole pools; its first one begins where the address is aligned. */
static uint64_t whole_pools(const struct held_arena *arena, uint32_t pool_bytes)
{
	const uint64_t ahead = (pool_bytes - arena->address % pool_bytes) % pool_bytes;
	return up_to_zero(arena->bytes, ahead) / pool_bytes;
}

static void add_arenas(const struct arenas *arenas, struct fragmentation *sum)
{
	for (size_t i = 0; i < arenas->count; i++) {
		const struct held_arena *arena = &arenas->items[i];
		sum->pinned_bytes += arena->live_blocks ? arena->free_bytes : 0;
		sum->pools += arena->pools;
		if (!arenas->pool_bytes)
			continue;
		const uint64_t pools = whole_pools(arena, arenas->pool_bytes);
		sum->unused_pools += up_to_zero(pools, arena->pools);
		sum->alignment_bytes += arena->bytes - pools * arenas->pool_bytes;
	}
	sum->unused_pool_bytes = sum->unused_pools * arenas->pool_bytes;
}

/* At marks classes come on their own, and have to fit the arenas. */
static void add_classes(const struct arenas *arenas, struct fragmentation *sum)
{
	uint64_t pools = 0;
	for (uint32_t i = 1; i <= ARENAS_CLASSES; i++) {
		const struct arenas_class *class = &arenas->classes[i];
		const uint64_t fit = arenas_pool_blocks(arenas->pool_bytes, i);
		const uint64_t available = up_to_zero(class->pools * fit, class->blocks);
		const uint64_t left = arenas->pool_bytes - ARENAS_POOL_HEADER_BYTES -
				      fit * arenas_class_bytes(i);
		pools += class->pools;
		sum->available_blocks += available;
		sum->available_bytes += available * arenas_class_bytes(i);
		sum->quantization_bytes += class->pools * left;
	}
	sum->pools_known = arenas->known && pools == sum->pools;
}

/* Blocks of Python's domains are counted at the end alone, those of pools among them. */
static void add_large(const struct profile *profile, const struct arenas *arenas,
		      struct fragmentation *sum)
{
	const struct profile_run *run = &profile->run;
	const uint64_t blocks = run->domain_blocks[DOMAIN_MEM] +
				run->domain_blocks[DOMAIN_OBJECT];
	const uint64_t bytes = run->domain_bytes[DOMAIN_MEM] + run->domain_bytes[DOMAIN_OBJECT];
	sum->large_known = arenas->known;
	sum->large_blocks = up_to_zero(blocks, arenas->live_blocks);
	sum->large_bytes = up_to_zero(bytes, arenas->live_bytes);
}

void fragmentation_compute(const struct profile *profile, const struct moment *moment,
			   const struct arenas *arenas, struct fragmentation *ret_fragmentation)
{
	struct fragmentation sum = {
		.known = arenas->known,
		.why_none = arenas->count ? NULL : fragmentation_why_none(profile),
		.arenas = arenas->count,
		.bytes = arenas->bytes,
		.blocks = arenas->live_blocks,
		.block_bytes = arenas->block_bytes,
		.requested_bytes = arenas->live_bytes,
		.free_bytes = arenas->free_bytes,
		.header_bytes = arenas->header_bytes,
	};
	add_arenas(arenas, &sum);
	if (arenas->pool_bytes)
		add_classes(arenas, &sum);
	else
		sum.pools_known = arenas->known && !arenas->count;
	if (arenas_exact(profile, moment))
		add_large(profile, arenas, &sum);
	*ret_fragmentation = sum;
}
