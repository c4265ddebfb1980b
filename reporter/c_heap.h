/*
 * c_heap.h - the heap beside the arenas, as its allocator tells of it at a moment.
 *
 * glibc's totals (mallinfo2) are of each mark. What its free memory is made of, and so what
 * malloc_trim(3) would give back, is of one mark only, the last that read it. Other allocators
 * are known by their name alone.
 */
#ifndef MEMTRACE_C_HEAP_H
#define MEMTRACE_C_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "moment.h"

struct c_heap {
	const char *allocator; /* "glibc", "jemalloc", ...; NULL: not known */
	bool known;
	uint64_t bytes; /* by brk and mmap'ed arenas, without what is mapped block by block */
	uint64_t mapped_bytes, used_bytes, free_bytes, top_bytes;
	bool detailed;
	uint64_t arenas, free_chunks, fast_bytes, trim_bytes;
};

struct c_heap c_heap_at(const struct profile *profile, const struct moment *moment);
/* What malloc_trim(0) gives back, or else no more than; 0: nothing is known. */
uint64_t c_heap_trim_bytes(const struct c_heap *heap);

#endif
