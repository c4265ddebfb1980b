#include "python_hooks.h"

#include <pthread.h>

#include "audit.h"
#include "debug_blocks.h"
#include "life.h"
#include "python.h"
#include "quick.h"
#include "reuse.h"
#include "tap.h"
#include "thread.h"
#include "watch.h"

/*
 * What was in the slots, by enum py_domain. Pass-through works for any pointer, as we add
 * nothing to a block. The domain is told by our function and not by ctx: CPython reads the two
 * in two loads.
 */
static struct py_allocator real_domain[3];
static struct py_arena_allocator real_arena;

/*
 * What our functions were put on top of, as told by their malloc: CPython's own, so they may be
 * wrapped again. Beside the default ones there is at most one set of debug functions, or
 * malloc's.
 */
enum { KNOWN = 4 };
static void *(*known[3][KNOWN])(void *ctx, size_t bytes);
/* An object was made: what is in the slots from now on may be tracemalloc's. */
static _Atomic bool started;

/* The first object of an interpreter: nobody overwrites the slots any more. */
static void settle(void)
{
	if (python_finaliser())
		return;
	atomic_store(&started, true);
	atomic_fetch_and(&watch_word, ~(uint32_t)WATCH_SLOTS);
	life_running();
}

static enum event_domain tap_of(enum py_domain domain)
{
	return domain == PY_MEM ? EVENT_MEM : EVENT_OBJECT;
}

static __attribute__((noinline)) void *malloc_slowly(enum py_domain domain, size_t bytes)
{
	struct call call;
	bool tapped = tap_begin(&call, tap_of(domain), bytes);
	void *ptr = real_domain[domain].malloc(real_domain[domain].ctx, bytes);

	if (tapped)
		tap_end(&call, ptr);
	if (domain == PY_OBJECT)
		reuse_note(ptr);
	return ptr;
}

static QUICK void *hooked_malloc(enum py_domain domain, size_t bytes)
{
	struct call call;
	struct thread *self = quick_begin(&call, tap_of(domain), bytes);

	if (__builtin_expect(!self, 0))
		return malloc_slowly(domain, bytes);
	void *ptr = real_domain[domain].malloc(real_domain[domain].ctx, bytes);

	quick_end(self, &call, ptr);
	if (domain == PY_OBJECT)
		reuse_note(ptr);
	return ptr;
}

static inline void *hooked_calloc(enum py_domain domain, size_t count, size_t bytes)
{
	struct call call;
	size_t whole;
	/* An overflow makes the real one fail. */
	bool fits = !__builtin_mul_overflow(count, bytes, &whole);
	bool tapped = fits && tap_begin(&call, tap_of(domain), whole);
	void *ptr = real_domain[domain].calloc(real_domain[domain].ctx, count, bytes);

	if (tapped)
		tap_end(&call, ptr);
	if (domain == PY_OBJECT)
		reuse_note(ptr);
	return ptr;
}

static inline void *hooked_realloc(enum py_domain domain, void *old, size_t bytes)
{
	struct call call;
	bool tapped = tap_begin_realloc(&call, tap_of(domain), old, bytes);
	void *ptr = real_domain[domain].realloc(real_domain[domain].ctx, old, bytes);

	if (tapped)
		tap_end_realloc(&call, ptr);
	if (domain == PY_OBJECT)
		reuse_note(ptr);
	return ptr;
}

static __attribute__((noinline)) void free_slowly(enum py_domain domain, void *ptr)
{
	struct call call;
	bool tapped = ptr && tap_begin_free(&call, tap_of(domain), ptr, 0);

	real_domain[domain].free(real_domain[domain].ctx, ptr);
	if (tapped)
		tap_end_free(&call);
}

static QUICK void hooked_free(enum py_domain domain, void *ptr)
{
	struct call call;
	struct thread *self = ptr ? quick_begin_free(&call, tap_of(domain), ptr) : NULL;

	if (__builtin_expect(!self, 0)) {
		free_slowly(domain, ptr);
		return;
	}
	real_domain[domain].free(real_domain[domain].ctx, ptr);
	quick_end_free(self);
}

static void *mem_malloc(void *ctx, size_t bytes)
{
	(void)ctx;
	return hooked_malloc(PY_MEM, bytes);
}

static void *mem_calloc(void *ctx, size_t count, size_t bytes)
{
	(void)ctx;
	return hooked_calloc(PY_MEM, count, bytes);
}

static void *mem_realloc(void *ctx, void *old, size_t bytes)
{
	(void)ctx;
	return hooked_realloc(PY_MEM, old, bytes);
}

static void mem_free(void *ctx, void *ptr)
{
	(void)ctx;
	hooked_free(PY_MEM, ptr);
}

static void *object_malloc(void *ctx, size_t bytes)
{
	(void)ctx;
	uint32_t watched = atomic_load_explicit(&watch_word, memory_order_relaxed);

	if (__builtin_expect(watched & WATCH_SLOTS, 0))
		settle();
	return hooked_malloc(PY_OBJECT, bytes);
}

static void *object_calloc(void *ctx, size_t count, size_t bytes)
{
	(void)ctx;
	return hooked_calloc(PY_OBJECT, count, bytes);
}

static void *object_realloc(void *ctx, void *old, size_t bytes)
{
	(void)ctx;
	return hooked_realloc(PY_OBJECT, old, bytes);
}

static void object_free(void *ctx, void *ptr)
{
	(void)ctx;
	hooked_free(PY_OBJECT, ptr);
}

static void *arena_alloc(void *ctx, size_t bytes)
{
	/* Where mallocs don't come here (reach.h), the first arena is what tells. */
	if (__builtin_expect(atomic_load_explicit(&watch_word, memory_order_relaxed), 0))
		python_hooks_check();
	struct call call;
	bool tapped = tap_begin(&call, EVENT_ARENA, bytes);
	void *ptr = real_arena.alloc(real_arena.ctx, bytes);

	(void)ctx;
	if (tapped)
		tap_end(&call, ptr);
	audit_arena_made(ptr, bytes);
	return ptr;
}

static void arena_free(void *ctx, void *ptr, size_t bytes)
{
	struct call call;
	/* From 3.14 on it is called for arenas that never were, too. */
	bool tapped = ptr && tap_begin_free(&call, EVENT_ARENA, ptr, bytes);

	(void)ctx;
	audit_arena_goes(ptr);
	real_arena.free(real_arena.ctx, ptr, bytes);
	if (tapped)
		tap_end_free(&call);
}

static bool may_wrap(enum py_domain domain, void *(*function)(void *ctx, size_t bytes))
{
	for (unsigned i = 0; i < KNOWN; i++) {
		if (!known[domain][i] && !atomic_load(&started))
			known[domain][i] = function;
		if (known[domain][i] == function)
			return true;
	}
	return false;
}

static void wrap(enum py_domain domain, struct py_allocator ours)
{
	struct py_allocator now;

	python.get_allocator(domain, &now);
	if (now.malloc == ours.malloc || !may_wrap(domain, now.malloc))
		return;
	real_domain[domain] = now;
	python.set_allocator(domain, &ours);
	/* Debug functions have what they call in their context; CPython's others have none. */
	debug_blocks_forget(now.ctx);
}

static void wrap_domains(void)
{
	wrap(PY_MEM,
	     (struct py_allocator){NULL, mem_malloc, mem_calloc, mem_realloc, mem_free});
	wrap(PY_OBJECT, (struct py_allocator){NULL, object_malloc, object_calloc,
					      object_realloc, object_free});
}

static void wrap_arenas(void)
{
	struct py_arena_allocator ours = {NULL, arena_alloc, arena_free};
	struct py_arena_allocator now;

	python.get_arena_allocator(&now);
	if (real_arena.alloc && now.alloc != real_arena.alloc)
		return;
	real_arena = now;
	python.set_arena_allocator(&ours);
}

void python_hooks_install(void)
{
	wrap_arenas();
	wrap_domains();
	atomic_fetch_or(&watch_word, WATCH_SLOTS);
}

/* Which thread ended the interpreter; 0: none has. */
static _Atomic uintptr_t ended_by;

void python_hooks_expect_restart(void)
{
	atomic_store(&ended_by, (uintptr_t)pthread_self());
	atomic_fetch_or(&watch_word, WATCH_SLOTS);
}

/*
 * The slots are read and written under locks of the interpreter's from 3.12 on, none of which
 * is held around a malloc. That of 3.12 is freed when the interpreter ends, while threads that
 * it forgot go on in C: then only the thread that ended it may look, which can't be in both.
 */
static bool slots_are_safe(void)
{
	const uintptr_t thread = atomic_load(&ended_by);

	return python.minor != 12 || !thread || thread == (uintptr_t)pthread_self();
}

void python_hooks_check(void)
{
	if (!life_traced() || !slots_are_safe() || !thread_enter())
		return;
	wrap_arenas();
	wrap_domains();
	thread_leave();
}
