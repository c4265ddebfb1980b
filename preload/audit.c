#include "audit.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "arenas.h"
#include "cancel.h"
#include "clock.h"
#include "intern.h"
#include "life.h"
#include "pool.h"
#include "python.h"
#include "ring.h"
#include "spin.h"
#include "tap.h"
#include "thread.h"
#include "touched.h"
#include "words.h"

enum {
	MAIN = 0, /* the main interpreter's id */
	/*
	 * Events of others that an interpreter without any is waited for: it may have ended and
	 * left its arenas behind. Each costs a few nanoseconds.
	 */
	MOST_LOOKS = 1 << 22,
	/* Looks that one costs which finds nothing but has to search for it. */
	SEARCH = 256,
	SETTLED = 16,
	REASON_BYTES = 256,
};

static bool on;
static const char *python_malloc;
static _Atomic(const char *) why_off;
static _Atomic bool told;

/* The audit that is wanted: they are counted. And what it belongs to. */
static _Atomic uint32_t wanted;
static _Atomic uint32_t wanted_mark;
/* Interpreters that were found to owe nothing, by their address, and how often one was. */
static _Atomic(const void *) settled[SETTLED];
static _Atomic uint32_t looks;
/* Held while an audit is made. Never waited for. */
static _Atomic uint32_t making;

static void tell(const char *key, const char *value)
{
	char buffer[REASON_BYTES];
	struct words words = words_over(buffer, sizeof(buffer));

	words_add(&words, key);
	words_add(&words, value);
	intern_put_text(R_INFO, 0, buffer, words.len);
}

void audit_init(bool wanted_at_all, const char *allocator)
{
	on = wanted_at_all && python.has_layout && python.interpreter_id;
	python_malloc = allocator;
	if (!wanted_at_all)
		tell("audit=", "off: MEMTRACE_AUDIT=off");
}

void audit_stop(const char *why)
{
	atomic_store(&why_off, why);
}

/* Free-threaded builds have said so at the start. */
static void tell_no_pools(void)
{
	bool named = python_malloc && strstr(python_malloc, "malloc") &&
		     strncmp(python_malloc, "pymalloc", 8);
	char buffer[REASON_BYTES];
	struct words words = words_over(buffer, sizeof(buffer));

	if (python.layout.free_threaded)
		return;
	if (named) {
		words_add(&words, "PYTHONMALLOC=");
		words_add(&words, python_malloc);
		words_add(&words, " serves blocks without arenas");
	} else {
		words_add(&words, "the interpreter never asked for an arena");
	}
	tell("pools=none: ", buffer);
}

static bool possible(void)
{
	const char *why = atomic_load(&why_off);

	if (on && !why && !arenas_never())
		return true;
	if (!on || atomic_exchange(&told, true))
		return false;
	if (why)
		tell("audit=off: ", why);
	else
		tell_no_pools();
	return false;
}

void audit_owe(uint32_t mark)
{
	if (!possible())
		return;
	atomic_store(&wanted_mark, mark);
	atomic_fetch_add(&wanted, 1);
	atomic_store(&looks, 0);
	for (unsigned i = 0; i < SETTLED; i++)
		atomic_store(&settled[i], NULL);
	atomic_fetch_or(&ring.header->attention, ATTENTION_OWED);
}

/* The interpreter that this thread runs; NULL: none. The GIL is held. */
static const void *own_interpreter(void)
{
	const char *tstate = python.unchecked_tstate();
	const void *interp = NULL;

	if (tstate)
		memcpy(&interp, tstate + python.layout.tstate_interp, sizeof(interp));
	return interp;
}

/*
 * Whoever has a GIL of its own has an allocator of its own (3.12 and later). Those that share
 * the main one's GIL mostly share its allocator, too, and where not, that GIL guards both.
 */
static uint32_t owner_of(const void *interp)
{
	static _Atomic(const void *) main_gil;
	uint32_t id = (uint32_t)python.interpreter_id(interp);
	const void *gil;

	if (!python.layout.interp_gil)
		return MAIN;
	memcpy(&gil, (const char *)interp + python.layout.interp_gil, sizeof(gil));
	if (id == MAIN)
		atomic_store(&main_gil, gil);
	return gil == atomic_load(&main_gil) ? MAIN : id;
}

/*
 * An arena is got in the middle of an allocation; a chunk of the stack of Python's frames,
 * which comes through the same hook, never is.
 */
static bool is_in_python_call(void)
{
	const struct thread *self = thread_self_pointer;

	return self && self->call && event_is_block(self->call->domain);
}

void audit_arena_made(const void *address, size_t bytes)
{
	int saved = errno;

	if (!on || !address || !life_present() || !thread_enter())
		return;
	const void *interp = is_in_python_call() ? own_interpreter() : NULL;

	if (interp && !arenas_add((struct arena){.address = (uintptr_t)address,
						 .bytes = bytes,
						 .owner = owner_of(interp),
						 .audited = atomic_load(&wanted)}))
		audit_stop("there was no memory for the list of arenas");
	thread_leave();
	errno = saved;
}

void audit_arena_goes(const void *address)
{
	if (!on || !address || !life_present() || !thread_enter())
		return;
	arenas_remove((uintptr_t)address);
	thread_leave();
}

static void send_pool(const struct pool *pool)
{
	uint8_t bits[POOL_BITS_BYTES];
	uint32_t len = pool_is_full(pool) ? 0 : pool_live_bits(pool, bits);
	uint64_t slots = (len + STREAM_DATA_BYTES - 1) / STREAM_DATA_BYTES;

	ring_put_group(record_head(R_AUDIT_POOL, pool->address),
		       pool->class | pool->live << 8 | slots << 24, bits, len);
}

/* The first pool with live blocks at or after an address of the arena. */
static bool next_pool(struct touched *touched, const struct arena *arena, uint64_t at,
		      struct pool *ret_pool)
{
	uint32_t bytes = pool_bytes_in(arena->bytes);
	uint64_t end = arena->address + arena->bytes;

	for (at = (at + bytes - 1) & ~(uint64_t)(bytes - 1); at + bytes <= end; at += bytes)
		if (touched_at(touched, at) && pool_read(at, bytes, ret_pool))
			return true;
	return false;
}

static void send_arena(struct touched *touched, const struct arena *arena)
{
	struct pool pool;
	uint64_t pools = 0;

	touched_range(touched, arena->address, arena->bytes);
	for (uint64_t at = arena->address; next_pool(touched, arena, at, &pool); pools++)
		at = pool.address + pool.bytes;
	ring_put(record_head(R_AUDIT_ARENA, arena->address), pools | arena->bytes << 32);
	for (uint64_t at = arena->address; next_pool(touched, arena, at, &pool);
	     at = pool.address + pool.bytes)
		send_pool(&pool);
}

static void make(uint32_t owner)
{
	uint64_t begin = clock_mono_ns();
	uint32_t mark = atomic_load(&wanted_mark);
	struct arena arena = {.address = 0};
	struct touched touched;

	if (!touched_open(&touched)) {
		audit_stop("which pages were touched can't be told here");
		return;
	}
	cancel_flush();
	ring_put(record_head(R_AUDIT, mark), owner);
	while (!ring_given_up() && arenas_next(owner, arena.address, &arena))
		send_arena(&touched, &arena);
	touched_close(&touched);
	if (!touched.failed)
		ring_put(record_head(R_AUDIT_END, mark), clock_mono_ns() - begin);
}

/* Nobody owes any more, or who still does isn't waited for. */
static void forget(void)
{
	atomic_fetch_and(&ring.header->attention, ~(uint32_t)ATTENTION_OWED);
}

static _Atomic(const void *) *settled_place(const void *interp)
{
	uintptr_t address = (uintptr_t)interp;

	return &settled[(address >> 12 ^ address >> 5) % SETTLED];
}

static void settle(const void *interp, uint32_t audit)
{
	atomic_store(settled_place(interp), interp);
	forget();
	/* After the bit went: one that was asked for meanwhile is seen here. */
	if (arenas_any_owed(atomic_load(&wanted)))
		atomic_fetch_or(&ring.header->attention, ATTENTION_OWED);
	if (atomic_load(&wanted) != audit)
		atomic_store(settled_place(interp), NULL);
}

static bool is_wanted(void)
{
	return atomic_load_explicit(&ring.header->attention, memory_order_relaxed) &
	       ATTENTION_OWED;
}

/* Only the call that is being entered may be in progress: the allocator must be at rest. */
static bool at_rest(void)
{
	const struct call *call = thread_self_pointer->call;

	return !call || !call->outer;
}

/* Waits for nobody who has no event of its own while others have so many. */
static void count_look(uint32_t cost)
{
	if (atomic_fetch_add_explicit(&looks, cost, memory_order_relaxed) >= MOST_LOOKS)
		forget();
}

void audit_look(void)
{
	if (!is_wanted() || !at_rest())
		return;
	const void *interp = own_interpreter();

	if (!interp)
		return;
	if (interp == atomic_load_explicit(settled_place(interp), memory_order_relaxed)) {
		count_look(1);
		return;
	}
	uint32_t owner = owner_of(interp), audit = atomic_load(&wanted);

	if (arenas_owed(owner, audit)) {
		if (!spin_try(&making))
			return;
		make(owner);
		arenas_audited(owner, audit);
		spin_unlock(&making);
	} else {
		count_look(SEARCH);
	}
	settle(interp, audit);
}

void audit_after_fork(void)
{
	atomic_store(&making, 0);
}
