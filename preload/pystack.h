/*
 * pystack.h - the Python stack of the calling thread as a stack id, by walking its frames.
 *
 * Nothing is allocated, no reference is taken, no line is looked up. The walk before is kept
 * (walk.h): only the frames behind the first difference, counted from the root, are looked up,
 * in a small table of the thread's and then in everybody's (intern.h). Frames of other threads
 * are never touched.
 *
 * Threads: each its own; the guard is held.
 */
#ifndef MEMTRACE_PYSTACK_H
#define MEMTRACE_PYSTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "intern.h"
#include "python.h"
#include "thread.h"

/*
 * The thread state to walk; NULL: no Python runs on this thread. In a hook of the mem and
 * object domains and of arenas the GIL is held: those are there only where the layout is known.
 */
static inline void *pystack_running(struct thread *self)
{
	void *tstate = python.unchecked_tstate();

	self->tstate = tstate;
	return tstate;
}

/* The same where the GIL may not be held. */
void *pystack_tstate(void);
/*
 * The stack's id, never 0 unless the ring was given up. tstate NULL: the thread's root alone.
 */
uint32_t pystack_id(struct thread *self, void *tstate, bool gil_held);

extern _Atomic bool pystack_stopped;

/* The same with the GIL held and a state, where the innermost frame has only moved on. */
uint32_t pystack_step(struct thread *self);

static inline uint32_t pystack_held(struct thread *self, void *tstate)
{
	const void *innermost = walk_innermost(tstate);

	/* Stopped is first: then nothing is read through the layout. */
	if (__builtin_expect(atomic_load_explicit(&pystack_stopped, memory_order_relaxed) ||
				     !innermost || self->epoch != intern_epoch() ||
				     !walk_callers_unchanged(&self->walk, innermost),
			     0))
		return pystack_id(self, tstate, true);
	const struct walk_frame *top = &self->walk.frames[(int64_t)self->walk.depth - 1];

	return walk_instr(innermost) == top->instr ? top->node : pystack_step(self);
}

/*
 * No walks from now on: the self-test failed. `why` is sent as R_INFO; NULL: the collector
 * knows.
 */
void pystack_stop(const char *why);
/* __main__ may begin again. */
void pystack_restart(void);
enum { PYSTACK_MAIN_TOLD = 2 };
/* 0: the first frame of __main__ wasn't seen, 1: just seen, PYSTACK_MAIN_TOLD. */
extern _Atomic uint32_t pystack_main;

/* True once: since the last call the first frame of __main__ was seen. */
static inline bool pystack_main_seen(void)
{
	uint32_t just = 1;

	return __builtin_expect(atomic_load_explicit(&pystack_main, memory_order_relaxed) == 1,
				0) &&
	       atomic_compare_exchange_strong(&pystack_main, &just, PYSTACK_MAIN_TOLD);
}

#endif
