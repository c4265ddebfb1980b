/*
 * debug_blocks.h - whether debug allocators lie under our hooks (PYTHONMALLOC=debug, -X dev).
 *
 * They put a header of 16 bytes in front of each block and add 24 bytes to its request. Nothing
 * says that they are there: the first blocks that come through the hooks are looked at.
 *
 * Threads: any.
 */
#ifndef MEMTRACE_DEBUG_BLOCKS_H
#define MEMTRACE_DEBUG_BLOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "event.h"

extern _Atomic uint32_t debug_blocks_looks_left;
extern _Atomic uint32_t debug_blocks_bytes;

/* What each request grows by: 24 or 0. */
static inline uint64_t debug_blocks_overhead(void)
{
	return atomic_load_explicit(&debug_blocks_bytes, memory_order_relaxed);
}

static inline bool debug_blocks_looking(void)
{
	return atomic_load_explicit(&debug_blocks_looks_left, memory_order_relaxed);
}

/*
 * The hooks were just put on top of something. The next blocks are looked at again, if that may
 * be a debug allocator: what lies in front of a block is nobody's business otherwise, and
 * valgrind's to complain of.
 */
void debug_blocks_forget(bool possible);
void debug_blocks_look_at(enum event_domain domain, uint64_t address, uint64_t bytes);

static inline void debug_blocks_look(enum event_domain domain, uint64_t address, uint64_t bytes)
{
	if (__builtin_expect(debug_blocks_looking(), 0))
		debug_blocks_look_at(domain, address, bytes);
}

#endif
