/*
 * exports.h - what the library shows to the process it is loaded into: the names it interposes
 * (libmemtrace.map lists them all) and these few of its own.
 *
 * All four are safe to call at any time, from any thread, traced or not.
 */
#ifndef MEMTRACE_EXPORTS_H
#define MEMTRACE_EXPORTS_H

#include <stddef.h>
#include <sys/types.h>

#define EXPORT __attribute__((visibility("default")))

/* Names this moment: at most 127 bytes. Synchronous; a few milliseconds in a large process. */
EXPORT void memtrace_mark(const char *name);
/* 1 while this process is traced, else 0. */
EXPORT int memtrace_active(void);
/* Allocations from here on are not recorded, by any thread; frees go on. */
EXPORT void memtrace_pause(void);
EXPORT void memtrace_resume(void);

/* C23's, which this C library's headers don't declare yet. */
EXPORT void free_sized(void *ptr, size_t bytes);
EXPORT void free_aligned_sized(void *ptr, size_t alignment, size_t bytes);

/*
 * Of <malloc.h> and <stdlib.h>, with the attributes left out that would let the compiler assume
 * things.
 */
EXPORT void *memalign(size_t alignment, size_t bytes);
EXPORT void *valloc(size_t bytes);
EXPORT void *pvalloc(size_t bytes);

#endif
