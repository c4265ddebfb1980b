/*
 * call.h - hooked calls in progress, one inside the other.
 *
 * A Python block over 512 bytes reaches malloc, an arena mmap: the same memory seen twice. An
 * inner allocation that may be the outer one's (by its size) is held until the outer call
 * returns, and the first whose pointer is the outer one is dropped (with debug allocators: the
 * outer one less 16 or 32, their headers); so is the first inner free of what the outer call
 * frees. All else is an event of its own.
 *
 * Threads: a thread's calls are its own; they lie on its stack, in its hooks.
 */
#ifndef MEMTRACE_CALL_H
#define MEMTRACE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "freer.h"
#include "stream.h"

enum { CALL_HELD = 4 };

struct call {
	struct call *outer;
	void *tstate; /* where gil_held: the thread state that runs */
	enum event_domain domain;
	bool gil_held;    /* a call of Python's is among this and the outer ones */
	bool covered;     /* what it frees is what the outer call frees */
	bool old_seen;    /* an inner call has freed what this one frees */
	bool was_waiting; /* what a realloc freed was in the cancelling table: `waiting` */
	uint64_t bytes;
	uint64_t old; /* the address it frees; 0: none */
	struct record waiting;
	struct freer by; /* of a realloc's free */
	unsigned held_count;
	struct event held[CALL_HELD];
};

/* An inner allocation that can't be told from the outer one before that returns; it is kept. */
bool call_hold(struct call *outer, const struct event *event);
/* True: the block at the address was held by one of these calls; it no longer is. */
bool call_forget(struct call *outer, uint64_t address);
/* Takes what turned out to be the block at `address`, that the call gave, off what it holds. */
void call_settle(struct call *call, uint64_t address);
/* True, once: it is the block that one of the outer calls frees. */
bool call_is_covered(struct call *call, uint64_t address);

#endif
