/*
 * heap_books.h - the figures that every change of the heap goes through: by stack, by domain
 * and in all, always together. Private to heap*.c.
 */
#ifndef MEMTRACE_HEAP_BOOKS_H
#define MEMTRACE_HEAP_BOOKS_H

#include "heap.h"

/* stream_check lets no undefined stack through; one that came anyway must not size an array. */
static inline uint32_t known_stack(const struct heap *heap, uint64_t stack)
{
	return __builtin_expect(stack <= heap->stacks.node_count, 1) ? (uint32_t)stack : 0;
}

static inline void book_alloc(struct heap *heap, enum block_domain domain, uint32_t stack,
			      uint64_t bytes)
{
	sites_alloc(&heap->sites, stack, bytes, heap->windows.now_ms);
	heap->domain_bytes[domain] += bytes;
	heap->domain_blocks[domain]++;
	heap->counts.allocations++;
}

/* Since the beginning of the window in which a block was born. */
static inline uint64_t age_ms(const struct windows *windows, uint32_t window)
{
	return windows->now_ms - windows->items[window].start_ms;
}

/* A block's age when it was freed, by the window of its birth. */
void book_age(struct heap *heap, uint32_t stack, uint32_t window);

/* Who frees in the record that is applied next: no more than that. */
static inline void book_freer(struct heap *heap, uint32_t by, uint32_t flags)
{
	heap->frees.by = known_stack(heap, by);
	heap->frees.flags = flags;
}

/* That one has freed so much of a stack's. */
void book_freed(struct heap *heap, uint32_t stack, uint64_t bytes, uint64_t blocks);

/* `window`: of the block's birth. */
static inline void book_free(struct heap *heap, enum block_domain domain, uint32_t stack,
			     uint64_t bytes, uint32_t window, int in_gc)
{
	sites_free(&heap->sites, stack, bytes, in_gc);
	if (__builtin_expect(in_gc, 0))
		garbage_note(&heap->garbage, stack, bytes, 1);
	if (__builtin_expect(heap->frees.on, 0))
		book_freed(heap, stack, bytes, 1);
	if (window != windows_current(&heap->windows))
		book_age(heap, stack, window);
	heap->domain_bytes[domain] -= bytes;
	heap->domain_blocks[domain]--;
	heap->counts.frees++;
}

static inline enum block_domain pooled_domain(const struct block *block)
{
	return block->object ? DOMAIN_OBJECT : DOMAIN_MEM;
}

/* A realloc's free is taken back: its bytes of this stack's. */
void book_unfreed(struct heap *heap, const struct freed_block *freed, uint32_t stack,
		  uint64_t bytes);
/* R_INFO: it may tell that frees are told. */
void book_fact(struct heap *heap, const struct record *r);
/* R_TEMP, R_TEMP_BY. */
void book_pairs(struct heap *heap, const struct record *r);
/* A free was missed. */
void book_replaced(struct heap *heap, const struct block *old);

/* Kinds that are rare: what heap_apply doesn't do itself. */
void heap_apply_rare(struct heap *heap, const struct record *r);

#endif
