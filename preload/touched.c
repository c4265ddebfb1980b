#include "touched.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* Bits of a pagemap entry: Documentation/admin-guide/mm/pagemap.rst. */
static const uint64_t PRESENT = 1ULL << 63, SWAPPED = 1ULL << 62;

static bool nothing_swapped(void)
{
	struct sysinfo machine;

	return syscall(SYS_sysinfo, &machine) == 0 && machine.totalswap == machine.freeswap;
}

static long read_pagemap(const struct touched *touched, uint64_t page, void *bits, size_t bytes)
{
	return syscall(SYS_pread64, touched->fd, bits, bytes, page * sizeof(uint64_t));
}

bool touched_open(struct touched *touched)
{
	uint64_t here;

	touched->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	touched->count = 0;
	touched->failed = false;
	touched->fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC,
			      0);
	/* It may be opened and not be read: a page of ours that is certainly there. */
	if (touched->fd >= 0 &&
	    read_pagemap(touched, (uintptr_t)&here / touched->page_bytes, &here,
			 sizeof(here)) == sizeof(here) &&
	    here & (PRESENT | SWAPPED))
		return true;
	touched_close(touched);
	return nothing_swapped();
}

void touched_close(struct touched *touched)
{
	if (touched->fd >= 0)
		syscall(SYS_close, touched->fd);
	touched->fd = -1;
}

void touched_range(struct touched *touched, uint64_t address, uint64_t bytes)
{
	touched->end = address + bytes;
	touched->count = 0;
}

/* mincore has a byte a page, which becomes a word like pagemap's, from the last on. */
static bool ask_mincore(struct touched *touched, uint64_t first, uint64_t count)
{
	uint8_t *present = (uint8_t *)touched->bits;

	if (syscall(SYS_mincore, first * touched->page_bytes, count * touched->page_bytes,
		    present))
		return false;
	for (uint64_t i = count; i-- > 0;) {
		uint64_t bits = present[i] & 1 ? PRESENT : 0;

		__builtin_memcpy(&touched->bits[i], &bits, sizeof(bits));
	}
	return true;
}

static bool move_window(struct touched *touched, uint64_t page)
{
	uint64_t last = (touched->end - 1) / touched->page_bytes;
	uint64_t count = last - page + 1 < TOUCHED_WINDOW ? last - page + 1 : TOUCHED_WINDOW;
	size_t bytes = count * sizeof(uint64_t);
	bool told = touched->fd < 0
			    ? ask_mincore(touched, page, count)
			    : read_pagemap(touched, page, touched->bits, bytes) == (long)bytes;

	touched->first = page;
	touched->count = told ? count : 0;
	touched->failed |= !told;
	return told;
}

bool touched_at(struct touched *touched, uint64_t address)
{
	uint64_t page = address / touched->page_bytes;

	if (page - touched->first >= touched->count && !move_window(touched, page))
		return false;
	return touched->bits[page - touched->first] & (PRESENT | SWAPPED);
}
