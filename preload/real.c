#include "real.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct real real;

enum { POOL_BYTES = 64 << 10, POOL_ALIGN = 16 };

static _Alignas(POOL_ALIGN) char pool[POOL_BYTES];
static size_t pool_used;
static bool resolving;
static bool resolved;

/*
 * dlsym itself may allocate: what it gets then is never given back. A block's size stands in
 * front.
 */
static void *pool_alloc(size_t bytes)
{
	size_t need = POOL_ALIGN + ((bytes + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1));

	if (bytes > POOL_BYTES || need > POOL_BYTES - pool_used)
		return NULL;
	char *block = pool + pool_used;

	pool_used += need;
	memcpy(block, &bytes, sizeof(bytes));
	return block + POOL_ALIGN;
}

static bool pool_owns(const void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)pool < POOL_BYTES;
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

bool real_resolve(void)
{
	if (resolved)
		return true;
	if (resolving)
		return false;
	resolving = true;

#define NEXT(name) real.name = (__typeof__(real.name))next(#name)
	NEXT(malloc);
	NEXT(calloc);
	NEXT(realloc);
	NEXT(free);
	NEXT(posix_memalign);
	NEXT(aligned_alloc);
	NEXT(memalign);
	NEXT(valloc);
	NEXT(pvalloc);
	NEXT(mmap);
	NEXT(munmap);
	NEXT(mremap);
	NEXT(execve);
	NEXT(execvpe);
	NEXT(fexecve);
	NEXT(execveat);
	NEXT(wait4);
	NEXT(waitid);
	NEXT(_exit);
	NEXT(abort);
	NEXT(dlopen);
	NEXT(mallinfo2);
	NEXT(malloc_info);
	NEXT(_dl_find_object);
#undef NEXT
	resolved = true;
	resolving = false;
	return true;
}

void *real_malloc(size_t bytes)
{
	return real_resolve() ? real.malloc(bytes) : pool_alloc(bytes);
}

void *real_calloc(size_t count, size_t bytes)
{
	size_t whole;

	if (real_resolve())
		return real.calloc(count, bytes);
	/* The pool is static memory and nothing in it is used twice: it is zero. */
	return __builtin_mul_overflow(count, bytes, &whole) ? NULL : pool_alloc(whole);
}

void *real_realloc(void *ptr, size_t bytes)
{
	size_t old_bytes;

	if (!pool_owns(ptr))
		return real_resolve() ? real.realloc(ptr, bytes)
		       : ptr          ? NULL
				      : pool_alloc(bytes);
	memcpy(&old_bytes, (char *)ptr - POOL_ALIGN, sizeof(old_bytes));
	void *new = real_malloc(bytes);

	if (new)
		memcpy(new, ptr, old_bytes < bytes ? old_bytes : bytes);
	return new;
}

void real_free(void *ptr)
{
	if (!pool_owns(ptr) && real_resolve())
		real.free(ptr);
}
