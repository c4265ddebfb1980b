/*
 * tap.h - between the hooks and the stream: one hooked call in, at most one event out.
 *
 * A hook brackets the real function with tap_begin... and tap_end...; where the former says no,
 * it just calls the real function. Frees are recorded in begin, allocations in end (stream.h,
 * "Order").
 *
 * Nested calls. A Python block over 512 bytes reaches malloc, an arena mmap: the same memory
 * seen twice. An inner allocation that may be the outer one's (by its size) is held until the
 * outer call returns, and the first whose pointer is the outer one is dropped (with debug
 * allocators: the outer one less 16 or 32, their headers); so is the first inner free of what
 * the outer call frees. All else is an event of its own.
 *
 * Errors: none; errno is left as the real function set it.
 */
#ifndef MEMTRACE_TAP_H
#define MEMTRACE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

enum tap_domain { TAP_MALLOC, TAP_MEM, TAP_OBJECT, TAP_ARENA, TAP_MAP };

struct tap_event {
	uint64_t address;
	uint64_t bytes;
	enum tap_domain domain;
	bool anonymous; /* TAP_MAP */
};

enum { TAP_HELD = 4 };

/* One hooked call in progress, on the stack of the hook. */
struct call {
	struct call *outer;
	void *tstate; /* where gil_held: the thread state that runs */
	enum tap_domain domain;
	bool gil_held;    /* a call of Python's is among this and the outer ones */
	bool covered;     /* what it frees is what the outer call frees */
	bool old_seen;    /* an inner call has freed what this one frees */
	bool was_waiting; /* what a realloc freed was in the cancelling table: `waiting` */
	uint64_t bytes;
	uint64_t old; /* the address it frees; 0: none */
	struct record waiting;
	unsigned held_count;
	struct tap_event held[TAP_HELD];
};

bool tap_begin(struct call *call, enum tap_domain domain, size_t bytes);
void tap_end(struct call *call, const void *ptr);
bool tap_begin_realloc(struct call *call, enum tap_domain domain, const void *ptr,
		       size_t bytes);
void tap_end_realloc(struct call *call, const void *ptr);
/* `bytes`: of an arena or a mapping; otherwise 0. */
bool tap_begin_free(struct call *call, enum tap_domain domain, const void *ptr, size_t bytes);
void tap_end_free(struct call *call);
/* The mark `main`; the guard is held. */
void tap_main_seen(void);
/* Python makes a new object in a block that it had kept; the GIL is held. */
void tap_reuse(const void *block);
/* A mapping was made inside this call: anonymous memory to use, or anything else. */
void tap_end_map(struct call *call, const void *ptr, bool anonymous);

/* mremap: the old range goes first; where the call fails it comes back, as made here. */
bool tap_begin_remap(struct call *call, const void *old, size_t old_bytes, size_t new_bytes);
void tap_end_remap(struct call *call, const void *ptr, size_t old_bytes);

#endif
