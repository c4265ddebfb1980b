/*
 * memory.h - the library's own memory: from the kernel, past every hook.
 *
 * Nothing here is ever given back before exec or exit, but for memory_drop.
 */
#ifndef MEMTRACE_MEMORY_H
#define MEMTRACE_MEMORY_H

#include <stddef.h>

#include "stream.h"

/* Zeroed pages, touched by use only. NULL when the kernel has none. */
void *memory_get(size_t bytes);
void memory_drop(void *memory, size_t bytes);
/* As ring_header.memory_areas. Any thread may change them meanwhile; a fork copies them. */
void memory_areas(_Atomic uint64_t ret_areas[RING_MEMORY_AREAS]);

#endif
