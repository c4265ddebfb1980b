#include "mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The one place outside main that ends the process: mem.h says why. */
static void *checked(void *ptr, size_t bytes)
{
	if (ptr)
		return ptr;
	fprintf(stderr, "memtrace: out of memory (%zu bytes wanted)\n", bytes);
	_exit(1);
}

void *mem_alloc(size_t bytes)
{
	return checked(calloc(1, bytes ? bytes : 1), bytes);
}

void *mem_resize(void *ptr, size_t bytes)
{
	return checked(realloc(ptr, bytes ? bytes : 1), bytes);
}

void *mem_copy(const void *ptr, size_t bytes)
{
	void *copy = checked(malloc(bytes ? bytes : 1), bytes);
	if (bytes)
		memcpy(copy, ptr, bytes);
	return copy;
}

char *mem_text(const char *text)
{
	return mem_copy(text, strlen(text) + 1);
}

void *mem_grow(void *array, size_t *capacity, size_t needed, size_t item_bytes)
{
	enum { FIRST_ITEMS = 16 };

	if (needed <= *capacity)
		return array;
	size_t grown = *capacity + *capacity / 2;
	if (grown < FIRST_ITEMS)
		grown = FIRST_ITEMS;
	if (grown < needed)
		grown = needed;
	size_t bytes;
	if (__builtin_mul_overflow(grown, item_bytes, &bytes))
		return checked(NULL, SIZE_MAX);
	array = mem_resize(array, bytes);
	*capacity = grown;
	return array;
}

void *mem_lazy(size_t bytes)
{
	void *ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return ptr == MAP_FAILED ? NULL : ptr;
}

void mem_lazy_free(void *ptr, size_t bytes)
{
	if (ptr)
		munmap(ptr, bytes);
}

void mem_scope(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
