/*
 * memory.h - the library's own memory: from the kernel, past every hook.
 *
 * Nothing here is ever given back before exec or exit, but for memory_drop.
 */
#ifndef MEMTRACE_MEMORY_H
#define MEMTRACE_MEMORY_H

#include <stddef.h>

/* Zeroed pages, touched by use only. NULL when the kernel has none. */
void *memory_get(size_t bytes);
void memory_drop(void *memory, size_t bytes);

#endif
