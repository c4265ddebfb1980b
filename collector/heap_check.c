/*
 * heap_check.c - the heap's books against its maps: two ways to the same figures.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "heap.h"
#include "mem.h"

struct tally {
	uint64_t bytes, blocks;
};

/* What the maps hold, added up block by block. */
struct audit {
	const struct heap *heap;
	struct tally *by_stack; /* sites.count of them */
	struct tally by_domain[4];
	uint64_t strays; /* blocks of stacks that the books don't know */
};

static void count_bytes(struct audit *audit, uint32_t stack, unsigned int domain,
			uint64_t bytes, uint64_t blocks)
{
	audit->by_domain[domain].bytes += bytes;
	audit->by_domain[domain].blocks += blocks;
	if (stack >= audit->heap->sites.count) {
		audit->strays++;
		return;
	}
	audit->by_stack[stack].bytes += bytes;
	audit->by_stack[stack].blocks += blocks;
}

static void count_pool(struct audit *audit, const struct pool *pool, struct tally *arena)
{
	for (uint32_t i = 0; i < pool->capacity; i++) {
		const struct block *block = &pool->blocks[i];
		if (!block->live)
			continue;
		count_bytes(audit, block->stack, block->object ? DOMAIN_OBJECT : DOMAIN_MEM,
			    block->bytes, 1);
		arena->bytes += block->bytes;
		arena->blocks++;
	}
}

static int count_arenas(struct audit *audit, struct err *err)
{
	const struct arena_map *map = &audit->heap->arenas;

	for (size_t i = 0; i < map->arena_count; i++) {
		const struct arena *arena = &map->arenas[i];
		struct tally sum = {0};
		for (uint32_t k = 0; k < arena->pool_count; k++) {
			if (arena->pools[k])
				count_pool(audit, arena->pools[k], &sum);
		}
		if (sum.bytes != arena->live_bytes || sum.blocks != arena->live_blocks)
			return err_set(err,
				       "arena at 0x%" PRIx64 " holds %" PRIu64
				       " bytes in %" PRIu64 " blocks, but counts %" PRIu64
				       " in %" PRIu32,
				       arena->address, sum.bytes, sum.blocks, arena->live_bytes,
				       arena->live_blocks);
	}
	return 0;
}

static void count_table(struct audit *audit)
{
	const struct block_table *table = &audit->heap->blocks;

	for (size_t i = 0; i < table->capacity; i++) {
		const struct large_block *block = &table->slots[i];
		if (block->address)
			count_bytes(audit, block->stack, block->domain, block->bytes, 1);
	}
}

/* A mapping in several pieces is one block: its first piece stands for it. */
static void count_mappings(struct audit *audit)
{
	const struct mappings *maps = &audit->heap->mappings;
	struct u64map seen;

	u64map_init(&seen);
	for (size_t i = 0; i < maps->count; i++) {
		const struct mapping *piece = &maps->items[i];
		if (!piece->anonymous)
			continue;
		uint64_t *pieces = u64map_put(&seen, piece->origin);
		count_bytes(audit, piece->stack, DOMAIN_MAPPING, piece->bytes, ++*pieces == 1);
	}
	u64map_release(&seen);
}

static int compare_stacks(const struct audit *audit, struct err *err)
{
	const struct sites *sites = &audit->heap->sites;

	if (audit->strays)
		return err_set(err,
			       "%" PRIu64 " live blocks belong to stacks that never allocated",
			       audit->strays);
	for (size_t i = 0; i < sites->count; i++) {
		const struct tally *sum = &audit->by_stack[i];
		const struct site *site = &sites->site[i];
		if (sum->bytes != site->live_bytes || sum->blocks != site->live_blocks)
			return err_set(err,
				       "stack %zu: the maps hold %" PRIu64 " bytes in %" PRIu64
				       " blocks, its figures say %" PRIu64 " in %" PRIu64,
				       i, sum->bytes, sum->blocks, site->live_bytes,
				       site->live_blocks);
	}
	return 0;
}

static int compare_domains(const struct audit *audit, struct err *err)
{
	static const char *const name[4] = {"malloc", "mem", "object", "mapping"};
	const struct heap *heap = audit->heap;

	for (int i = 0; i < 4; i++) {
		const struct tally *sum = &audit->by_domain[i];
		if (sum->bytes != heap->domain_bytes[i] ||
		    sum->blocks != heap->domain_blocks[i])
			return err_set(err,
				       "%s domain: the maps hold %" PRIu64 " bytes in %" PRIu64
				       " blocks, its figures say %" PRIu64 " in %" PRIu64,
				       name[i], sum->bytes, sum->blocks, heap->domain_bytes[i],
				       heap->domain_blocks[i]);
	}
	return 0;
}

/* Every block that was counted in is in one stack's totals. */
static int compare_counts(const struct heap *heap, struct err *err)
{
	uint64_t allocated = 0, freed = 0;

	for (size_t i = 0; i < heap->sites.count; i++) {
		allocated += heap->sites.site[i].total_blocks;
		freed += heap->sites.site[i].freed_blocks;
	}
	if (allocated == heap->counts.allocations && freed == heap->counts.frees)
		return 0;
	return err_set(err,
		       "the stacks allocated %" PRIu64 " blocks and freed %" PRIu64
		       ", the stream %" PRIu64 " and %" PRIu64,
		       allocated, freed, heap->counts.allocations, heap->counts.frees);
}

/*
 * Every free has its freeing stack: they add up to what each stack freed, while none is left
 * out.
 */
static int compare_frees(const struct heap *heap, struct err *err)
{
	__attribute__((cleanup(mem_scope))) struct tally *sums =
		mem_alloc(heap->sites.count * sizeof(*sums));

	if (!heap->frees.on || heap->frees.partial)
		return 0;
	for (size_t i = 0; i < heap->frees.count; i++) {
		const struct profile_freed *item = &heap->frees.items[i];

		if (item->stack >= heap->sites.count)
			return err_set(err, "stack %u freed blocks and never allocated any",
				       item->stack);
		sums[item->stack].bytes += item->bytes;
		sums[item->stack].blocks += item->blocks;
	}
	for (size_t i = 0; i < heap->sites.count; i++) {
		const struct site *site = &heap->sites.site[i];

		if (sums[i].bytes != site->freed_bytes || sums[i].blocks != site->freed_blocks)
			return err_set(err,
				       "stack %zu: those who free say %" PRIu64
				       " bytes in %" PRIu64 " blocks, its figures %" PRIu64
				       " in %" PRIu64,
				       i, sums[i].bytes, sums[i].blocks, site->freed_bytes,
				       site->freed_blocks);
	}
	return 0;
}

int heap_check(const struct heap *heap, struct err *err)
{
	struct audit audit = {.heap = heap};
	int failed;

	audit.by_stack = mem_alloc(heap->sites.count * sizeof(*audit.by_stack));
	failed = sites_conserved(&heap->sites, err) || compare_counts(heap, err) ||
		 compare_frees(heap, err) || count_arenas(&audit, err);
	if (!failed) {
		count_table(&audit);
		count_mappings(&audit);
		failed = compare_stacks(&audit, err) || compare_domains(&audit, err);
	}
	free(audit.by_stack);
	return failed ? -1 : 0;
}
