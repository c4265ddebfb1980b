/*
 * thread.h - what the library keeps of each thread, and the guard against itself.
 *
 * A thread gets its slot at its first event and keeps it until the kernel knows its tid no
 * more, so that allocations after the end of its TLS destructors are still its own. Slots are
 * used again: their number is bounded by the threads alive at once.
 *
 * The guard: `busy` is set while the library does work of its own. Whatever allocates then (a
 * signal handler that interrupted us, a page of TLS) passes through unrecorded, and is counted.
 *
 * Signals: thread_enter and thread_leave may be interrupted anywhere.
 */
#ifndef MEMTRACE_THREAD_H
#define MEMTRACE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"
#include "walk.h"

enum {
	CODE_TEXT_BYTES =
		8192,        /* file and qualified name of one code object; the rest is cut */
	THREAD_HINTS = 2048, /* 64 KiB: they are to stay in the core's own cache */
};

struct call;

/* In this intern_epoch() the instruction has this node below node `parent`. */
struct node_hint {
	const void *code;
	const void *instr;
	uint32_t parent;
	uint32_t node; /* 0: nothing is known */
	uint32_t epoch;
	uint32_t reserved;
};

struct thread {
	_Atomic bool walking; /* its frames, without the GIL */
	uint32_t slot;
	_Atomic uint32_t tid; /* others ask the kernel for it */
	struct call *call;    /* the innermost hooked call in progress */
	int *errno_place;     /* of this thread: to find it takes a call */
	uint32_t root_node;   /* 0: not defined yet */
	bool in_collection;   /* as last seen: collection.h */
	bool freeing;         /* the walk is for a free: what it meets may be dying */
	const void *tstate;   /* the Python thread state that ran here last with the GIL */
	/*
	 * To be allocated until somebody looks for a collection (gc_clock.h): in the one place
	 * for all who hold the first interpreter's GIL, or our own.
	 */
	int32_t *objects_left;
	int32_t own_objects_left;
	struct walk walk;
	struct node_hint *hints; /* THREAD_HINTS, by hash: pystack.c */
	uint32_t epoch;          /* intern_epoch() when the walk was made */
	char *text; /* CODE_TEXT_BYTES, for names: the program's stacks may be small */
};

extern __thread struct thread *thread_self_pointer;
extern __thread unsigned thread_busy;

/* The slow half of thread_self: registers the thread. NULL when there is no memory for it. */
struct thread *thread_register(void);

/*
 * Until no other thread is `walking` that was when this began: a second at most, for one that
 * is held up by a full ring.
 */
void thread_wait_for_walks(const struct thread *self);

/* Across a fork; the second in the child, under the lock: this thread has another tid there. */
void thread_lock(void);
void thread_unlock(void);
void thread_after_fork(void);
/* Sends R_THREAD: the slot's present thread. */
void thread_announce(const struct thread *thread);

/* The calling thread's; the guard must be held. */
static inline struct thread *thread_self(void)
{
	struct thread *self = thread_self_pointer;

	return __builtin_expect(self != NULL, 1) ? self : thread_register();
}

/* False: we were inside already, do nothing but pass the call on. */
static inline bool thread_enter(void)
{
	if (__builtin_expect(thread_busy, 0))
		return false;
	thread_busy = 1;
	/* A handler that interrupts from here on sees the guard. */
	atomic_signal_fence(memory_order_seq_cst);
	return true;
}

static inline void thread_leave(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	thread_busy = 0;
}

#endif
