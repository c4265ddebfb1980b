/*
 * mmap_hooks.c - mappings that the program makes itself. The C library's own, for large blocks
 * and thread stacks, don't pass here.
 */
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>

#include "exports.h"
#include "life.h"
#include "real.h"
#include "tap.h"

enum { PAGE = 4096 };

static void *hooked_mmap(void *address, size_t bytes, int protection, int flags, int fd,
			 off_t offset)
{
	struct call call;

	if (!real_resolve())
		return MAP_FAILED;
	bool tapped = tap_begin(&call, EVENT_MAP, bytes);
	void *ptr = real.mmap(address, bytes, protection, flags, fd, offset);

	if (tapped)
		tap_end_map(&call, ptr == MAP_FAILED ? NULL : ptr,
			    flags & MAP_ANONYMOUS && protection != PROT_NONE);
	return ptr;
}

EXPORT void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	return hooked_mmap(address, bytes, protection, flags, fd, offset);
}

/* The same function where off_t has 64 bits. */
EXPORT void *mmap64(void *address, size_t bytes, int protection, int flags, int fd,
		    off64_t offset)
{
	return hooked_mmap(address, bytes, protection, flags, fd, offset);
}

EXPORT int munmap(void *address, size_t bytes)
{
	struct call call;

	if (!real_resolve())
		return -1;
	/* What the kernel refuses at first sight unmaps nothing. */
	bool tapped = bytes && (uintptr_t)address % PAGE == 0 &&
		      tap_begin_free(&call, EVENT_MAP, address, bytes);
	int result = real.munmap(address, bytes);

	if (tapped)
		tap_end_free(&call);
	return result;
}

/* Recorded as the end of the old mapping and a new one; anonymous, for those are what grows. */
EXPORT void *mremap(void *address, size_t old_bytes, size_t new_bytes, int flags, ...)
{
	struct call call;
	va_list more;

	va_start(more, flags);
	void *wanted = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;

	va_end(more);
	if (!real_resolve())
		return MAP_FAILED;
	bool tapped = tap_begin_remap(&call, address, old_bytes, new_bytes);
	void *ptr = real.mremap(address, old_bytes, new_bytes, flags, wanted);

	if (tapped)
		tap_end_remap(&call, ptr == MAP_FAILED ? NULL : ptr, old_bytes);
	return ptr;
}
