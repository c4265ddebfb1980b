/*
 * freer.h - who frees: the Python stack at a free, where the user asked for that.
 *
 * Off, as it is unless MEMTRACE_FREES is set, a free tells its thread alone and costs no walk.
 *
 * Threads: as pystack.h; the guard is held.
 */
#ifndef MEMTRACE_FREER_H
#define MEMTRACE_FREER_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct thread;

/* What a free says of itself. */
struct freer {
	uint32_t stack; /* 0: not known */
	uint32_t flags; /* enum free_flags */
};

/* Set before the first event. */
extern bool freer_on;

/* The stack that frees in this call; 0 where it may not be looked at. */
uint32_t freer_look(struct thread *self, const struct call *call);

/* The same; 0 where it isn't wanted. */
static inline uint32_t freer_stack(struct thread *self, const struct call *call)
{
	return freer_on ? freer_look(self, call) : 0;
}

/*
 * greenlet puts another C stack in the place of the thread's and frees, by PyMem_Free, the copy
 * that it came from, before the interpreter is told of its other frames. From 3.11 on some of
 * the old ones lay on the C stack: with that library loaded, frees of that domain are nobody's.
 */
void freer_note_library(const char *file);

#endif
