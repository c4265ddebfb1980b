/*
 * The library's memory by the C library's names, which ThreadSanitizer follows: of pages that
 * went and came again by system calls it would remember what was done to them before.
 */
#include "../../preload/memory.h"

#include <sys/mman.h>

void *memory_get(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void memory_drop(void *memory, size_t bytes)
{
	munmap(memory, bytes);
}

void memory_areas(_Atomic uint64_t ret_areas[RING_MEMORY_AREAS])
{
	for (size_t i = 0; i < RING_MEMORY_AREAS; i++)
		atomic_store(&ret_areas[i], 0);
}
