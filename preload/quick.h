/*
 * quick.h - the events that nearly all are: small blocks of Python's domains, the GIL held.
 *
 * tap.h treats every call; here is the same for calls that need little of it: no other hooked
 * call is in progress, no collection or finalisation begins or ends, no debug allocator adds
 * its own, nobody has asked for anything. Each function says no where that isn't so, before
 * anything was changed, and the call goes through tap.h. Conditions that change rarely are in
 * one bit, LIFE_QUICK, which tap.c sets after it has looked at all of them and whoever changes
 * one clears.
 *
 * What is here leaves errno alone: what waits or takes memory below restores it.
 *
 * Signals: up to the push nothing but reads is done, so that needs no guard. A handler that
 * comes between finds the call pushed or not.
 */
#ifndef MEMTRACE_QUICK_H
#define MEMTRACE_QUICK_H

#include "cancel.h"
#include "collection.h"
#include "gc_clock.h"
#include "intern.h"
#include "life.h"
#include "mark.h"
#include "pystack.h"
#include "ring.h"
#include "tap.h"
#include "thread.h"

/* All of them wait in the cancelling table, and a pool serves them. */
enum { QUICK_MOST_BYTES = 512 };
_Static_assert((int)QUICK_MOST_BYTES <= (int)CANCEL_LARGEST_BYTES, "quick_end puts them there");

/* Once for each domain, in its hook: what is asked about the domain is known there. */
#define QUICK inline __attribute__((always_inline))

/* The thread, where a call may be quick; the state that runs is in self->tstate. */
static QUICK struct thread *quick_thread(void)
{
	struct thread *self = thread_self_pointer;

	if (__builtin_expect(
		    !life_quick() || thread_busy || !self || self->call ||
			    atomic_load_explicit(&ring.header->attention, memory_order_relaxed),
		    0))
		return NULL;
	return __builtin_expect(collection_unchanged(self, pystack_running(self)), 1) ? self
										      : NULL;
}

static QUICK void quick_push(struct thread *self, struct call *call, enum event_domain domain,
			     uint64_t bytes, uint64_t old)
{
	call->outer = NULL;
	call->domain = domain;
	call->gil_held = true;
	call->covered = call->old_seen = call->was_waiting = false;
	call->tstate = (void *)(uintptr_t)self->tstate;
	call->bytes = bytes;
	call->old = old;
	call->held_count = 0;
	/* A handler that finds the call finds all of it. */
	atomic_signal_fence(memory_order_seq_cst);
	self->call = call;
}

/* NULL: tap_begin. Otherwise the call is pushed, for quick_end. */
static QUICK struct thread *quick_begin(struct call *call, enum event_domain domain,
					size_t bytes)
{
	if (__builtin_expect(bytes - 1 >= QUICK_MOST_BYTES, 0))
		return NULL;
	struct thread *self = quick_thread();

	if (__builtin_expect(!self || (domain == EVENT_OBJECT && gc_clock_count(self)), 0))
		return NULL;
	quick_push(self, call, domain, bytes, 0);
	return self;
}

static QUICK void quick_end(struct thread *self, struct call *call, const void *ptr)
{
	/* An arena was made, malloc served it, or the ordinary has ended meanwhile. */
	if (__builtin_expect(!ptr || call->held_count || !life_quick() || !thread_enter(), 0)) {
		tap_end(call, ptr);
		return;
	}
	self->call = NULL;
	uint64_t stack = pystack_held(self, call->tstate);
	uint64_t class = (call->bytes + 15) >> 4;

	if (__builtin_expect(pystack_main_seen(), 0))
		mark_main();
	cancel_put((struct record){
		record_head(call->domain == EVENT_MEM ? R_SMALL_MEM : R_SMALL_OBJECT,
			    (uint64_t)(uintptr_t)ptr),
		stack | call->bytes << 32 | class << 48});
	thread_leave();
}

/* NULL: tap_begin_free. Otherwise the call is pushed and its free recorded; quick_end_free. */
static QUICK struct thread *quick_begin_free(struct call *call, enum event_domain domain,
					     const void *ptr)
{
	uint64_t address = (uint64_t)(uintptr_t)ptr;
	struct thread *self = quick_thread();

	if (__builtin_expect(!self || self->in_collection || !thread_enter(), 0))
		return NULL;
	quick_push(self, call, domain, 0, address);
	if (!cancel_take(address, &call->waiting))
		ring_put(record_head(R_FREE, address), (uint64_t)self->slot << 40);
	if (domain == EVENT_OBJECT)
		intern_forget_code(ptr);
	thread_leave();
	return self;
}

static inline void quick_end_free(struct thread *self)
{
	self->call = NULL;
}

#endif
