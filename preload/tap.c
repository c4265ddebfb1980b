#include "tap.h"

#include <errno.h>

#include "audit.h"
#include "cancel.h"
#include "collection.h"
#include "intern.h"
#include "life.h"
#include "mark.h"
#include "pystack.h"
#include "python.h"
#include "ring.h"
#include "thread.h"

/* Two debug allocators on top of each other add 24 bytes each, and 0 bytes become 1. */
enum { MOST_OVERHEAD = 64, SMALL_MOST = 512, PAGE_SHIFT = 12 };

static bool is_python(enum tap_domain domain)
{
	return domain == TAP_MEM || domain == TAP_OBJECT || domain == TAP_ARENA;
}

/* One header in front, or two: a large block passes the raw domain's debug allocator too. */
static bool same_block(uint64_t inner, uint64_t outer)
{
	return inner == outer ||
	       (collection_debug_bytes() && (inner == outer - 16 || inner == outer - 32));
}

/*
 * What may be asked for once per event: a mark from outside, the end of stacks, an audit. Pools
 * are looked at between two calls of the mem and object domains alone, for which the GIL is
 * held.
 */
static __attribute__((noinline)) void attend(enum tap_domain domain)
{
	const uint32_t kept = ATTENTION_OWED | ATTENTION_INERT;
	/*
	 * Taken before it is done: of two threads that see it one does it, and what is asked
	 * for meanwhile is seen by the next event. Acquire: pairs with the release of whoever
	 * asked.
	 */
	uint32_t asked = atomic_fetch_and_explicit(&ring.header->attention, kept,
						   memory_order_acquire) &
			 ~kept;

	if (asked & ATTENTION_NO_STACKS)
		pystack_stop(NULL);
	if (asked & ATTENTION_MARK)
		mark_from_outside(asked & ATTENTION_AUDIT);
	if (domain == TAP_MEM || domain == TAP_OBJECT)
		audit_look();
}

/* An event from inside the library: a signal handler's. */
static __attribute__((noinline)) void drop(void)
{
	if (life_traced())
		atomic_fetch_add_explicit(&ring.header->dropped_events, 1,
					  memory_order_relaxed);
}

/* What is not so at every event: a child's first one, a thread's, or something is asked for. */
static __attribute__((noinline)) struct thread *enter_slowly(enum tap_domain domain)
{
	int saved = errno;
	struct thread *self = NULL;

	if (life_traced() || life_begin_child())
		self = thread_self();
	if (!self || ring_given_up()) {
		life_inert();
		thread_leave();
		self = NULL;
	} else if (!self->call &&
		   atomic_load_explicit(&ring.header->attention, memory_order_relaxed)) {
		attend(domain);
	}
	errno = saved;
	return self;
}

/* The thread, with the guard held; NULL: pass the call on. `life`: one of these is needed. */
static inline struct thread *enter(uint32_t life, enum tap_domain domain)
{
	uint32_t state = atomic_load_explicit(life_state, memory_order_relaxed);

	if (!(state & life))
		return NULL;
	if (!thread_enter()) {
		drop();
		return NULL;
	}
	struct thread *self = thread_self_pointer;

	if (__builtin_expect(
		    !(state & LIFE_TRACED) || !self ||
			    atomic_load_explicit(&ring.header->attention, memory_order_relaxed),
		    0))
		return enter_slowly(domain);
	return self;
}

enum {
	PRESENT = LIFE_TRACED | LIFE_FORKED,
	RECORDING = LIFE_RECORDING | LIFE_FORKED,
};

/* A full ring, a new table: what we call may change it. */
static inline void leave(struct thread *self, int saved)
{
	*self->errno_place = saved;
	thread_leave();
}

/*
 * A realloc in place keeps the class that the block had, unless it can't: then no pool served
 * it.
 */
static uint32_t class_of(uint64_t bytes, uint32_t kept_class)
{
	uint32_t class = (uint32_t)((bytes + 15) >> 4);

	return kept_class >= class ? kept_class : class;
}

/*
 * A mapping's size in its record: 16 TiB or more of reserved address space are as many as fit.
 */
static uint64_t pages_of(uint64_t bytes)
{
	uint64_t pages = (bytes >> PAGE_SHIFT) + ((bytes & 4095) != 0);

	return pages < UINT32_MAX ? pages : UINT32_MAX;
}

/* A call that the interpreter's allocator serves. */
static bool is_served(const struct call *call)
{
	return call && (call->domain == TAP_MEM || call->domain == TAP_OBJECT);
}

/*
 * Arenas are got in the middle of an allocation. Whatever else comes through their hook, chunks
 * of the stack of Python's frames (3.11 and later) above all, never is, and may be as large as
 * an arena. Allocations aren't followed while recording is paused: what is got then is taken
 * for an arena.
 */
static bool is_arena(const struct call *outer)
{
	enum { FIRST_WITH_CHUNKS = 11 };

	return python.minor < FIRST_WITH_CHUNKS || !life_recording() || is_served(outer);
}

/* The record's words, but for a size that doesn't fit (STREAM_SIZE_WIDE). */
static struct record make_record(const struct tap_event *event, const struct call *outer,
				 uint32_t stack, uint32_t kept_class)
{
	static const enum record_kind kinds[] = {
		[TAP_MALLOC] = R_ALLOC_MALLOC, [TAP_MEM] = R_ALLOC_MEM,
		[TAP_OBJECT] = R_ALLOC_OBJECT, [TAP_ARENA] = R_ARENA,
		[TAP_MAP] = R_MAP_ANON,
	};
	uint64_t inner = event->bytes + collection_debug_bytes();
	uint64_t size = event->bytes < STREAM_SIZE_WIDE ? event->bytes : STREAM_SIZE_WIDE;
	enum record_kind kind = kinds[event->domain];

	if (event->domain == TAP_MAP) {
		if (!event->anonymous)
			kind = R_MAP_FILE;
		size = pages_of(event->bytes);
	} else if (event->domain == TAP_ARENA && !is_arena(outer)) {
		kind = R_MAP_ANON;
		size = pages_of(event->bytes);
	} else if ((event->domain == TAP_MEM || event->domain == TAP_OBJECT) && inner &&
		   inner <= SMALL_MOST) {
		kind = event->domain == TAP_MEM ? R_SMALL_MEM : R_SMALL_OBJECT;
		size |= (uint64_t)class_of(inner, kept_class) << 16;
	}
	return (struct record){record_head(kind, event->address), stack | size << 32};
}

/*
 * What the interpreter's allocator gets for itself while it serves a line (its table of arenas,
 * the nodes of their radix tree) is nobody's block: it goes to the thread, without a Python
 * frame.
 */
static bool is_allocators_own(const struct call *outer, const struct tap_event *event)
{
	return is_served(outer) && event->domain == TAP_MALLOC;
}

void tap_main_seen(void)
{
	mark_make("main", MARK_TRACER);
}

static void emit(struct thread *self, const struct call *call, const struct tap_event *event,
		 uint32_t kept_class)
{
	bool gil_held = call->gil_held;
	void *tstate = gil_held ? call->tstate : pystack_tstate();
	uint32_t stack = pystack_id(self, is_allocators_own(call->outer, event) ? NULL : tstate,
				    gil_held);

	if (__builtin_expect(pystack_main_seen(), 0))
		tap_main_seen();
	struct record record = make_record(event, call->outer, stack, kept_class);

	if (event->bytes <= CANCEL_LARGEST_BYTES && event->domain <= TAP_OBJECT && cancel_on) {
		cancel_put(record);
	} else if (event->bytes >= STREAM_SIZE_WIDE && event->domain <= TAP_OBJECT) {
		char wide[STREAM_DATA_BYTES] = {0};

		__builtin_memcpy(wide, &event->bytes, sizeof(event->bytes));
		ring_put_with(record.head, record.body, wide);
	} else {
		ring_put(record.head, record.body);
	}
}

/* An inner allocation that can't be told from the outer one before that returns. */
static bool hold(struct call *outer, const struct tap_event *event)
{
	if (!outer || outer->held_count == TAP_HELD || outer->domain == TAP_MAP)
		return false;
	if (event->bytes < outer->bytes || event->bytes - outer->bytes > MOST_OVERHEAD)
		return false;
	outer->held[outer->held_count++] = *event;
	return true;
}

static bool is_held(struct call *call, uint64_t address)
{
	for (; call; call = call->outer)
		for (unsigned i = 0; i < call->held_count; i++)
			if (call->held[i].address == address) {
				call->held[i] = call->held[--call->held_count];
				return true;
			}
	return false;
}

static void emit_inner(struct thread *self, const struct call *outer,
		       const struct tap_event *event)
{
	struct call inner = {.outer = (struct call *)(uintptr_t)outer,
			     .gil_held = outer->gil_held,
			     .tstate = outer->tstate};

	emit(self, &inner, event, 0);
}

/* The first that fits is the outer block; tracemalloc may have got others after it. */
static void settle_held(struct thread *self, const struct call *call, uint64_t address)
{
	bool found = false;

	for (unsigned i = 0; i < call->held_count; i++)
		if (!found && same_block(call->held[i].address, address))
			found = true;
		else
			emit_inner(self, call, &call->held[i]);
}

static inline void push(struct thread *self, struct call *call, enum tap_domain domain,
			uint64_t bytes, uint64_t old)
{
	call->outer = self->call;
	call->domain = domain;
	call->gil_held = is_python(domain) || (call->outer && call->outer->gil_held);
	/* From here to the end of the call no other takes the GIL: it is the same state. */
	if (call->gil_held)
		call->tstate = call->outer && call->outer->gil_held ? call->outer->tstate
								    : pystack_running(self);
	call->covered = false;
	call->old_seen = false;
	call->was_waiting = false;
	call->bytes = bytes;
	call->old = old;
	call->held_count = 0;
	self->call = call;
}

/* The free's record, unless the pair cancels or an outer call has recorded it. */
static void record_free(struct thread *self, struct call *call, uint64_t address,
			enum free_flags flags)
{
	for (struct call *outer = call->outer; outer; outer = outer->outer)
		if (outer->old && !outer->old_seen && same_block(address, outer->old)) {
			outer->old_seen = true;
			call->covered = true;
			return;
		}
	if (is_held(call->outer, address))
		return;
	flags |= collection_flags(self, call->tstate, call->gil_held);
	/* What the collector frees is told apart per stack: its pairs are not cancelled. */
	if (flags & F_GC)
		cancel_send(address);
	else
		call->was_waiting = cancel_on && cancel_take(address, &call->waiting);
	if (!call->was_waiting)
		ring_put(record_head(R_FREE, address),
			 (uint64_t)flags << 32 | (uint64_t)self->slot << 40);
	if (call->domain == TAP_OBJECT)
		intern_forget_code((const void *)(uintptr_t)address);
}

static bool is_ordinary(void)
{
	return collection_watch.trusted && !collection_debug_bytes() && !collection_looking() &&
	       cancel_on;
}

/*
 * Nothing out of the ordinary is known any more: what comes next may be quick. Whoever changes
 * what is looked at here slows down afterwards: that is seen here, or comes later.
 */
static void speed_up(void)
{
	if (is_ordinary() && life_speed_up() && !is_ordinary())
		life_slow_down();
}

bool tap_begin(struct call *call, enum tap_domain domain, size_t bytes)
{
	struct thread *self = enter(domain == TAP_ARENA ? PRESENT : RECORDING, domain);

	if (!self)
		return false;
	int saved = *self->errno_place;

	push(self, call, domain, bytes, 0);
	if (call->gil_held)
		collection_flags(self, call->tstate, true);
	if (domain == TAP_OBJECT && !life_quick())
		speed_up();
	leave(self, saved);
	return true;
}

/*
 * The second half of a call, with the guard held. NULL: tracing has ended meanwhile, or a
 * handler forked in the middle of the call and this is the child: the ring that it sees is
 * still its parent's.
 */
static struct thread *resume(const struct call *call)
{
	if (!thread_enter())
		return NULL;
	struct thread *self = thread_self_pointer;

	self->call = call->outer;
	if (life_traced())
		return self;
	thread_leave();
	return NULL;
}

static void end_alloc(struct call *call, struct tap_event *event, uint32_t kept_class)
{
	struct thread *self = resume(call);

	if (!self)
		return;
	int saved = *self->errno_place;

	if (event->address && event->domain <= TAP_OBJECT && !kept_class)
		collection_look_for_debug(event->domain, event->address, event->bytes);
	settle_held(self, call, event->address);
	if (event->address && (life_recording() || event->domain == TAP_ARENA)) {
		if (!hold(call->outer, event))
			emit(self, call, event, kept_class);
	}
	leave(self, saved);
}

void tap_end(struct call *call, const void *ptr)
{
	struct tap_event event = {.address = (uint64_t)(uintptr_t)ptr,
				  .bytes = call->bytes,
				  .domain = call->domain};

	end_alloc(call, &event, 0);
}

void tap_end_map(struct call *call, const void *ptr, bool anonymous)
{
	struct tap_event event = {
		.address = (uint64_t)(uintptr_t)ptr,
		.bytes = call->bytes,
		.domain = TAP_MAP,
		/*
		 * What another allocator (mimalloc is Python's own) maps for its use is not
		 * live by itself.
		 */
		.anonymous = anonymous && !(call->outer && call->outer->domain <= TAP_OBJECT),
	};

	end_alloc(call, &event, 0);
}

bool tap_begin_realloc(struct call *call, enum tap_domain domain, const void *ptr, size_t bytes)
{
	struct thread *self = enter(PRESENT, domain);

	if (!self)
		return false;
	int saved = *self->errno_place;

	push(self, call, domain, bytes, (uint64_t)(uintptr_t)ptr);
	if (ptr)
		record_free(self, call, call->old, F_REALLOC);
	leave(self, saved);
	return true;
}

/* The old block lives on. */
static void take_back_free(struct call *call)
{
	struct thread *self = resume(call);

	if (!self)
		return;
	int saved = *self->errno_place;

	settle_held(self, call, 0);
	if (call->was_waiting)
		cancel_restore(call->waiting);
	else if (!call->covered)
		ring_put(record_head(R_RESTORE, call->old), self->slot);
	leave(self, saved);
}

void tap_end_realloc(struct call *call, const void *ptr)
{
	struct tap_event event = {.address = (uint64_t)(uintptr_t)ptr,
				  .bytes = call->bytes,
				  .domain = call->domain};
	uint32_t kept_class = 0;

	/* realloc(p, 0) that gives NULL has freed p. */
	if (!ptr && call->old && call->bytes) {
		take_back_free(call);
		return;
	}
	if (event.address == call->old)
		kept_class = call->was_waiting ? record_high(&call->waiting) >> 16 & 0xff
					       : STREAM_CLASS_KEPT;
	end_alloc(call, &event, kept_class);
}

bool tap_begin_free(struct call *call, enum tap_domain domain, const void *ptr, size_t bytes)
{
	struct thread *self = enter(PRESENT, domain);
	uint64_t address = (uint64_t)(uintptr_t)ptr;

	if (!self)
		return false;
	int saved = *self->errno_place;

	push(self, call, domain, bytes, address);
	if (domain == TAP_ARENA)
		ring_put(record_head(R_ARENA_FREE, address), pages_of(bytes)
								     << (32 + PAGE_SHIFT));
	else if (domain == TAP_MAP && !(call->outer && call->outer->old == address))
		ring_put(record_head(R_UNMAP, address), pages_of(bytes) << 32);
	else if (domain != TAP_MAP)
		record_free(self, call, address, 0);
	leave(self, saved);
	return true;
}

void tap_end_free(struct call *call)
{
	/* Only a pointer is taken off: nothing that a signal could find half done. */
	if (thread_self_pointer)
		thread_self_pointer->call = call->outer;
}

void tap_reuse(const void *block)
{
	uint64_t address = (uint64_t)(uintptr_t)block;
	struct thread *self = enter(RECORDING, TAP_OBJECT);

	if (!self)
		return;
	int saved = *self->errno_place;
	uint32_t stack = pystack_id(self, pystack_running(self), true);

	if (__builtin_expect(pystack_main_seen(), 0))
		tap_main_seen();
	if (!cancel_on || !cancel_retag(address, stack))
		ring_put(record_head(R_RETAG, address), stack);
	leave(self, saved);
}

bool tap_begin_remap(struct call *call, const void *old, size_t old_bytes, size_t new_bytes)
{
	if (!tap_begin_free(call, TAP_MAP, old, old_bytes))
		return false;
	call->bytes = new_bytes;
	return true;
}

void tap_end_remap(struct call *call, const void *ptr, size_t old_bytes)
{
	uint64_t old = call->old;

	if (!ptr)
		call->bytes = old_bytes;
	call->old = 0;
	tap_end_map(call, ptr ? ptr : (const void *)(uintptr_t)old, true);
}
