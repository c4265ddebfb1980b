#include "tap.h"

#include <errno.h>

#include "audit.h"
#include "cancel.h"
#include "collection.h"
#include "debug_blocks.h"
#include "event.h"
#include "freer.h"
#include "gc_clock.h"
#include "intern.h"
#include "life.h"
#include "mark.h"
#include "pystack.h"
#include "ring.h"
#include "thread.h"

/*
 * What may be asked for once per event: a mark from outside, the end of stacks, an audit. Pools
 * are looked at between two calls of the mem and object domains alone, for which the GIL is
 * held.
 */
static __attribute__((noinline)) void attend(enum event_domain domain)
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
	if (event_is_block(domain))
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
static __attribute__((noinline)) struct thread *enter_slowly(enum event_domain domain)
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
static inline struct thread *enter(uint32_t life, enum event_domain domain)
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

static void record_inner(struct thread *self, struct call *outer, const struct event *event)
{
	struct call inner = {
		.outer = outer, .gil_held = outer->gil_held, .tstate = outer->tstate};

	event_record(self, &inner, event, 0);
}

/* What the call holds and was not its own block: each an event of its own. */
static void settle(struct thread *self, struct call *call, uint64_t address)
{
	call_settle(call, address);
	for (unsigned i = 0; i < call->held_count; i++)
		record_inner(self, call, &call->held[i]);
}

static inline void push(struct thread *self, struct call *call, enum event_domain domain,
			uint64_t bytes, uint64_t old)
{
	call->outer = self->call;
	call->domain = domain;
	call->gil_held = event_is_block(domain) || domain == EVENT_ARENA ||
			 (call->outer && call->outer->gil_held);
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

/* In a collection, or where the freeing stack is wanted, or nothing waits. */
static __attribute__((noinline)) void record_special_free(struct thread *self,
							  struct call *call, uint64_t address,
							  enum free_flags flags)
{
	call->by = (struct freer){freer_stack(self, call), flags};
	/* What the collector frees is told apart per stack: its pairs are not cancelled. */
	if (flags & F_GC)
		cancel_send(address);
	else if (cancel_on)
		call->was_waiting = cancel_take_by(address, call->by, &call->waiting);
	if (!call->was_waiting)
		ring_put(record_head(R_FREE, address),
			 call->by.stack | (uint64_t)flags << 32 | (uint64_t)self->slot << 40);
}

/* The free's record, unless the pair cancels or an outer call has recorded it. */
static void record_free(struct thread *self, struct call *call, uint64_t address,
			enum free_flags flags)
{
	if (call->outer &&
	    (call_is_covered(call, address) || call_forget(call->outer, address)))
		return;
	flags |= collection_flags(self, call->tstate, call->gil_held);
	if (__builtin_expect(!cancel_plain || flags & F_GC, 0))
		record_special_free(self, call, address, flags);
	else if (!(call->was_waiting = cancel_take(address, &call->waiting)))
		ring_put(record_head(R_FREE, address),
			 (uint64_t)flags << 32 | (uint64_t)self->slot << 40);
	if (call->domain == EVENT_OBJECT)
		intern_forget_code((const void *)(uintptr_t)address);
}

static bool is_ordinary(void)
{
	return collection_watch.trusted && !debug_blocks_overhead() &&
	       !debug_blocks_looking() && cancel_plain;
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

bool tap_begin(struct call *call, enum event_domain domain, size_t bytes)
{
	struct thread *self = enter(domain == EVENT_ARENA ? PRESENT : RECORDING, domain);

	if (!self)
		return false;
	int saved = *self->errno_place;

	push(self, call, domain, bytes, 0);
	if (call->gil_held)
		collection_flags(self, call->tstate, true);
	if (domain == EVENT_OBJECT && gc_clock_count(self))
		collection_expect(self, call->tstate);
	if (domain == EVENT_OBJECT && !life_quick())
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

static void end_alloc(struct call *call, struct event *event, uint32_t kept_class)
{
	struct thread *self = resume(call);

	if (!self)
		return;
	int saved = *self->errno_place;

	if (event->address && event->domain <= EVENT_OBJECT && !kept_class)
		debug_blocks_look(event->domain, event->address, event->bytes);
	if (call->held_count)
		settle(self, call, event->address);
	if (event->address && (life_recording() || event->domain == EVENT_ARENA)) {
		if (!call->outer || !call_hold(call->outer, event))
			event_record(self, call, event, kept_class);
	}
	if (gc_clock.watching && call->gil_held && self->objects_left == &gc_clock.objects_left)
		gc_clock_start(self);
	leave(self, saved);
}

void tap_end(struct call *call, const void *ptr)
{
	struct event event = {.address = (uint64_t)(uintptr_t)ptr,
			      .bytes = call->bytes,
			      .domain = call->domain};

	end_alloc(call, &event, 0);
}

void tap_end_map(struct call *call, const void *ptr, bool anonymous)
{
	struct event event = {
		.address = (uint64_t)(uintptr_t)ptr,
		.bytes = call->bytes,
		.domain = EVENT_MAP,
		/*
		 * What another allocator (mimalloc is Python's own) maps for its use is not
		 * live by itself.
		 */
		.anonymous = anonymous && !(call->outer && call->outer->domain <= EVENT_OBJECT),
	};

	end_alloc(call, &event, 0);
}

bool tap_begin_realloc(struct call *call, enum event_domain domain, const void *ptr,
		       size_t bytes)
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

	settle(self, call, 0);
	if (call->was_waiting && cancel_plain)
		cancel_restore(call->waiting);
	else if (call->was_waiting)
		cancel_restore_by(call->waiting, call->by);
	else if (!call->covered)
		ring_put(record_head(R_RESTORE, call->old), self->slot);
	leave(self, saved);
}

void tap_end_realloc(struct call *call, const void *ptr)
{
	struct event event = {.address = (uint64_t)(uintptr_t)ptr,
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

bool tap_begin_free(struct call *call, enum event_domain domain, const void *ptr, size_t bytes)
{
	struct thread *self = enter(PRESENT, domain);
	uint64_t address = (uint64_t)(uintptr_t)ptr;

	if (!self)
		return false;
	int saved = *self->errno_place;

	push(self, call, domain, bytes, address);
	if (domain == EVENT_ARENA)
		ring_put(record_head(R_ARENA_FREE, address),
			 event_pages(bytes) << (32 + EVENT_PAGE_SHIFT));
	else if (domain == EVENT_MAP && !(call->outer && call->outer->old == address))
		ring_put(record_head(R_UNMAP, address),
			 freer_stack(self, call) | event_pages(bytes) << 32);
	else if (domain != EVENT_MAP)
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

/* Who let go of the object that was there before can't be seen. */
static void retag_specially(uint64_t address, uint32_t stack)
{
	if (!cancel_on || !cancel_retag_by(address, stack, (struct freer){0}))
		ring_put(record_head(R_RETAG, address), stack);
}

void tap_reuse(const void *block)
{
	uint64_t address = (uint64_t)(uintptr_t)block;
	struct thread *self = enter(RECORDING, EVENT_OBJECT);

	if (!self)
		return;
	int saved = *self->errno_place;
	uint32_t stack = pystack_id(self, pystack_running(self), true);

	if (__builtin_expect(pystack_main_seen(), 0))
		mark_main();
	if (!cancel_plain)
		retag_specially(address, stack);
	else if (!cancel_retag(address, stack))
		ring_put(record_head(R_RETAG, address), stack);
	leave(self, saved);
}

bool tap_begin_remap(struct call *call, const void *old, size_t old_bytes, size_t new_bytes)
{
	if (!tap_begin_free(call, EVENT_MAP, old, old_bytes))
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
