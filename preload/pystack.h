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

#include "thread.h"

/*
 * The thread state to walk; NULL: no Python runs on this thread. In a hook of the mem and
 * object domains and of arenas the GIL is held; elsewhere it may not be.
 */
void *pystack_tstate(bool gil_held);
/*
 * The stack's id, never 0 unless the ring was given up. tstate NULL: the thread's root alone.
 */
uint32_t pystack_id(struct thread *self, void *tstate, bool gil_held);

/*
 * No walks from now on: the self-test failed. `why` is sent as R_INFO; NULL: the collector
 * knows.
 */
void pystack_stop(const char *why);
/* __main__ may begin again. */
void pystack_restart(void);
/* True once: since the last call the first frame of __main__ was seen. */
bool pystack_main_seen(void);

#endif
