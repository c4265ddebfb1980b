#include "memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE_SHIFT = 12 };

static _Atomic uint64_t areas[RING_MEMORY_AREAS];

static uint64_t area_of(const void *memory, size_t bytes)
{
	const uint64_t pages = (bytes + (1 << PAGE_SHIFT) - 1) >> PAGE_SHIFT;

	return (uint64_t)(uintptr_t)memory >> PAGE_SHIFT << RING_AREA_PAGES_BITS | pages;
}

static uint64_t pages_of(uint64_t area)
{
	return area & ((1u << RING_AREA_PAGES_BITS) - 1);
}

/* In the place of the smallest, where there is no other. */
static void remember(uint64_t area)
{
	size_t least = 0;

	for (size_t i = 1; i < RING_MEMORY_AREAS; i++)
		if (pages_of(atomic_load(&areas[i])) < pages_of(atomic_load(&areas[least])))
			least = i;
	uint64_t known = atomic_load(&areas[least]);

	/* Somebody else took the place just now: one area that isn't known harms nobody. */
	if (pages_of(known) < pages_of(area))
		atomic_compare_exchange_strong(&areas[least], &known, area);
}

static void forget(uint64_t area)
{
	for (size_t i = 0; i < RING_MEMORY_AREAS; i++) {
		uint64_t known = area;

		if (atomic_compare_exchange_strong(&areas[i], &known, 0))
			return;
	}
}

void *memory_get(size_t bytes)
{
	int saved = errno;
	/* The system call itself: mmap's name leads to our own hook. */
	long at = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);

	errno = saved;
	if (at == -1)
		return NULL;
	remember(area_of((void *)at, bytes));
	return (void *)at;
}

void memory_drop(void *memory, size_t bytes)
{
	int saved = errno;

	forget(area_of(memory, bytes));
	syscall(SYS_munmap, memory, bytes);
	errno = saved;
}

void memory_areas(_Atomic uint64_t ret_areas[RING_MEMORY_AREAS])
{
	for (size_t i = 0; i < RING_MEMORY_AREAS; i++)
		atomic_store_explicit(&ret_areas[i], atomic_load(&areas[i]),
				      memory_order_relaxed);
}
