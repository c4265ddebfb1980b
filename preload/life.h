/*
 * life.h - dormant, traced, inert, ended: what the library is in this process, and when that
 * changes.
 *
 * The state lies in a page that the kernel empties in a forked child (MADV_WIPEONFORK): a child
 * finds itself dormant without a system call, however it was made. In a vfork child the page is
 * the parent's, as all its memory is; only what ends or replaces a process asks the kernel who
 * it is (life_is_ours).
 */
#ifndef MEMTRACE_LIFE_H
#define MEMTRACE_LIFE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "stream.h"

enum life_bits {
	LIFE_TRACED = 1 << 0,    /* there is a ring; frees are recorded */
	LIFE_RECORDING = 1 << 1, /* allocations are, too */
	LIFE_FORKED = 1 << 2, /* a forked child that will be traced from its first event on */
	LIFE_QUICK = 1 << 3,  /* recording, and nothing out of the ordinary goes on: quick.h */
};

extern _Atomic uint32_t *life_state;

static inline bool life_traced(void)
{
	return atomic_load_explicit(life_state, memory_order_relaxed) & LIFE_TRACED;
}

/* Traced, or about to be. */
static inline bool life_present(void)
{
	return atomic_load_explicit(life_state, memory_order_relaxed) &
	       (LIFE_TRACED | LIFE_FORKED);
}

static inline bool life_recording(void)
{
	return atomic_load_explicit(life_state, memory_order_relaxed) &
	       (LIFE_RECORDING | LIFE_FORKED);
}

static inline bool life_quick(void)
{
	return atomic_load_explicit(life_state, memory_order_relaxed) & LIFE_QUICK;
}

/* True: from recording alone to LIFE_QUICK. The caller looks again whether it may be so. */
bool life_speed_up(void);
void life_slow_down(void);

void life_pause(bool pause);
/* Nothing is recorded from now on. */
void life_inert(void);
/*
 * In a forked child: family.h. The second at its first event, with the guard held; false:
 * inert.
 */
void life_forked(void);
bool life_begin_child(void);
/* Traced, and this is the traced process itself, no vfork child of it. A system call. */
bool life_is_ours(void);

/*
 * The interpreter starts to finalise: the mark `end`, once for each time it was started. The
 * guard is held.
 */
void life_finalising(void);
/* It makes its first object: after life_finalising it has been started again. */
void life_running(void);
/* A Python came with a library that was loaded late. The guard is held. */
void life_begin_late(void *library);
/* The process ends now: flushes, records R_END, waits for the profile. Does nothing twice. */
void life_end(enum stream_end how, int status);
/* Flushes and records that execve is about to be called; its failure afterwards. */
void life_exec(void);
void life_exec_failed(int error);

#endif
