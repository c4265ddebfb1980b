/*
 * gc_clock.h - how long a cyclic collection took, where the interpreter doesn't say so itself.
 *
 * A collection that starts by itself does so because an object was allocated that brings the
 * youngest generation over its threshold: up to 3.11 in that call, from 3.12 on as soon as the
 * evaluation loop looks. Nothing of the interpreter's calls us as it begins, nor as it ends
 * when it frees nothing. So the clock is read after the last allocation before, and at the
 * first event
 * after: never less than the collection took, and more by the time from the one
 * event to its beginning and from its end to the other. Events are a fraction of a microsecond
 * apart in most programs. Where the thread has slept meanwhile, its own clock tells how much of
 * that it computed.
 *
 * A collection that the program asks for comes without a sign: its time is not known, nor is
 * one's that ended together with another, or without a GIL.
 *
 * The quick way costs a countdown: the young generation can't be over its threshold before as
 * many objects were allocated as it lacks.
 *
 * Threads: who holds the first interpreter's GIL.
 */
#ifndef MEMTRACE_GC_CLOCK_H
#define MEMTRACE_GC_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "gc_settings.h"
#include "thread.h"

struct gc_clock {
	int32_t objects_left; /* until it is to be looked at again */
	bool watching;        /* each event looks whether a collection has ended */
	uint32_t objects;     /* allocated since one may begin */
	uint64_t start_ns;    /* none has begun before; 0: not known */
	/* A thread's own clock as it was then, at start_ns or before. */
	const struct thread *thread;
	uint64_t thread_read_ns, thread_ns;
};

extern struct gc_clock gc_clock;

/* An object is about to be allocated: whether to look (collection_expect). */
static inline bool gc_clock_count(const struct thread *self)
{
	return --*self->objects_left < 0;
}

/* Whether a collection may begin with this allocation; sets the countdown. */
void gc_clock_expect(const struct thread *self, const struct gc_young *young);
/* Nothing has begun up to now. */
void gc_clock_start(const struct thread *self);
/* One collection has ended since: nanoseconds, 0: not known. */
uint64_t gc_clock_took(const struct thread *self);
/* Nothing has begun; the next object is looked at. */
void gc_clock_forget(void);

#endif
