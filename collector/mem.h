/*
 * mem.h - memory for collector and reporter.
 *
 * Errors: out of memory ends the process with one line on stderr and status 1: neither program
 * can do anything useful without it, and the traced program goes on either way. Sizes that come
 * out of a file must be checked against the file's length before they get here.
 */
#ifndef MEMTRACE_MEM_H
#define MEMTRACE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes);             /* zeroed; never NULL, for 0 bytes too */
void *mem_resize(void *ptr, size_t bytes); /* as realloc; what is new is not zeroed */
void *mem_copy(const void *ptr, size_t bytes);
char *mem_text(const char *text);
/* Grows an array so that `needed` items fit, by half at least; *capacity is in items. */
void *mem_grow(void *array, size_t *capacity, size_t needed, size_t item_bytes);

/*
 * Zeroed address space straight from the system: pages cost memory only once they are touched.
 * NULL when the system refuses, which a caller with a way round may survive.
 */
void *mem_lazy(size_t bytes);
void mem_lazy_free(void *ptr, size_t bytes); /* NULL is fine */

/* __attribute__((cleanup(mem_scope))) on a pointer frees it at the end of its block. */
void mem_scope(void *pointer_to_pointer);

#endif
