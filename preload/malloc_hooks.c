/*
 * malloc_hooks.c - the malloc family, in front of the C library's.
 *
 * Each function calls the real one and tells tap; nothing else. Before the constructor has run,
 * and in processes that are no Python, one load and one branch is all they add.
 */
#include <errno.h>
#include <stdlib.h>

#include "exports.h"
#include "life.h"
#include "real.h"
#include "tap.h"
#include "watch.h"

static inline void look_out(const void *caller)
{
	if (__builtin_expect(atomic_load_explicit(&watch_word, memory_order_relaxed), 0))
		watch_look(caller);
}

EXPORT void *malloc(size_t bytes)
{
	struct call call;

	look_out(__builtin_return_address(0));
	bool tapped = tap_begin(&call, EVENT_MALLOC, bytes);
	void *ptr = real_malloc(bytes);

	if (tapped)
		tap_end(&call, ptr);
	return ptr;
}

EXPORT void *calloc(size_t count, size_t bytes)
{
	struct call call;
	size_t whole;
	bool fits = !__builtin_mul_overflow(count, bytes, &whole);

	look_out(__builtin_return_address(0));
	bool tapped = fits && tap_begin(&call, EVENT_MALLOC, whole);
	void *ptr = real_calloc(count, bytes);

	if (tapped)
		tap_end(&call, ptr);
	return ptr;
}

EXPORT void *realloc(void *old, size_t bytes)
{
	struct call call;
	bool tapped = tap_begin_realloc(&call, EVENT_MALLOC, old, bytes);
	void *ptr = real_realloc(old, bytes);

	if (tapped)
		tap_end_realloc(&call, ptr);
	return ptr;
}

EXPORT void *reallocarray(void *old, size_t count, size_t bytes)
{
	size_t whole;

	if (__builtin_mul_overflow(count, bytes, &whole)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, whole);
}

EXPORT void free(void *ptr)
{
	struct call call;
	bool tapped = ptr && tap_begin_free(&call, EVENT_MALLOC, ptr, 0);

	real_free(ptr);
	if (tapped)
		tap_end_free(&call);
}

EXPORT void free_sized(void *ptr, size_t bytes)
{
	(void)bytes;
	free(ptr);
}

EXPORT void free_aligned_sized(void *ptr, size_t alignment, size_t bytes)
{
	(void)alignment;
	(void)bytes;
	free(ptr);
}

EXPORT int posix_memalign(void **ret_ptr, size_t alignment, size_t bytes)
{
	struct call call;

	if (!real_resolve())
		return ENOMEM;
	bool tapped = tap_begin(&call, EVENT_MALLOC, bytes);
	int error = real.posix_memalign(ret_ptr, alignment, bytes);

	if (tapped)
		tap_end(&call, error ? NULL : *ret_ptr);
	return error;
}

/* aligned_alloc and memalign differ in nothing that matters here. */
static void *hooked_aligned(void *(*real_function)(size_t, size_t), size_t alignment,
			    size_t bytes)
{
	struct call call;
	bool tapped = tap_begin(&call, EVENT_MALLOC, bytes);
	void *ptr = real_function(alignment, bytes);

	if (tapped)
		tap_end(&call, ptr);
	return ptr;
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes)
{
	return real_resolve() ? hooked_aligned(real.aligned_alloc, alignment, bytes) : NULL;
}

EXPORT void *memalign(size_t alignment, size_t bytes)
{
	return real_resolve() ? hooked_aligned(real.memalign, alignment, bytes) : NULL;
}

static void *hooked_paged(void *(*real_function)(size_t), size_t bytes)
{
	struct call call;
	bool tapped = tap_begin(&call, EVENT_MALLOC, bytes);
	void *ptr = real_function(bytes);

	if (tapped)
		tap_end(&call, ptr);
	return ptr;
}

EXPORT void *valloc(size_t bytes)
{
	return real_resolve() ? hooked_paged(real.valloc, bytes) : NULL;
}

EXPORT void *pvalloc(size_t bytes)
{
	return real_resolve() ? hooked_paged(real.pvalloc, bytes) : NULL;
}
