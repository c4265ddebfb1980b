/*
 * heap_frees.c - what the stream tells of who frees, into the books.
 */
#include <string.h>

#include "heap_books.h"

void book_freed(struct heap *heap, uint32_t stack, uint64_t bytes, uint64_t blocks)
{
	struct frees *frees = &heap->frees;
	struct profile_freed sum = frees_block(stack, frees->by, frees->flags, bytes, blocks);

	if (heap->garbage.over)
		frees->partial = true;
	else
		frees_note(frees, &sum);
}

void book_pairs(struct heap *heap, const struct record *r)
{
	enum { PAIRS_SHIFT = 40 };
	uint64_t bytes = r->body & (((uint64_t)1 << PAIRS_SHIFT) - 1);
	uint64_t pairs = r->body >> PAIRS_SHIFT;
	uint32_t stack = known_stack(heap, record_a(r)), by[2] = {0};

	sites_temporary(&heap->sites, stack, bytes, pairs);
	heap->counts.allocations += pairs;
	heap->counts.frees += pairs;
	heap->counts.cancelled_pairs += pairs;
	if (!heap->frees.on)
		return;
	if (record_kind(r) == R_TEMP_BY)
		stream_payload(r, sizeof(by), by);
	book_freer(heap, by[0], by[1]);
	book_freed(heap, stack, bytes, pairs);
	book_freer(heap, 0, 0);
}

void book_unfreed(struct heap *heap, const struct freed_block *freed, uint32_t stack,
		  uint64_t bytes)
{
	uint32_t flags = F_REALLOC | (freed->in_gc ? F_GC : 0);
	struct profile_freed sum = frees_block(stack, freed->by, flags, bytes, 1);

	if (freed->told)
		frees_take_back(&heap->frees, &sum);
}

/* What was freed before the fact was told has nobody's name. */
void book_fact(struct heap *heap, const struct record *r)
{
	const char *frees;

	stacks_apply(&heap->stacks, r);
	frees = stacks_info(&heap->stacks, "frees");
	if (!frees || strcmp(frees, "1") != 0 || heap->frees.on)
		return;
	heap->frees.on = true;
	heap->frees.partial = heap->counts.frees > 0;
}
