/*
 * reuse.h - objects that the interpreter makes in a block it had kept.
 *
 * A dead float, tuple, list, ... may go on a free list of its type: its block isn't freed,
 * and the next object of that type gets it without an allocation. To the hooks it is the same
 * block all along, on the line that asked for it first. From 3.13 on the interpreter can tell
 * of each object that it makes (PyRefTracer_SetTracer). One whose block wasn't just allocated
 * is such a second use, and becomes R_RETAG.
 *
 * "Just allocated" is one of the thread's last few allocations of the object domain that no
 * object was made in yet: an object is made right after its block was got.
 *
 * The interpreter has room for one tracer. tracemalloc takes it at its start without asking
 * and leaves it empty at its end. So it is looked at now and then: an empty one is taken,
 * another's is left alone. Interpreters with a GIL each share it: two that look at the same
 * moment may still be in each other's way.
 *
 * Threads: any that holds its interpreter's GIL. Signals: Python's handlers only.
 */
#ifndef MEMTRACE_REUSE_H
#define MEMTRACE_REUSE_H

#include <stdbool.h>
#include <stdint.h>

enum { REUSE_RECENT = 8 };

struct reuse_recent {
	const void *blocks[REUSE_RECENT]; /* NULL: an object is in it by now */
	uint32_t count; /* ever noted; the last one is at (count - 1) % REUSE_RECENT */
};

extern __thread struct reuse_recent reuse_recent;
/* Set before the first event. */
extern bool reuse_on;

/* Once, with the guard held, when the ring is there; says in the stream what came of it. */
void reuse_init(bool wanted);
/* Whether the tracer is ours, and if nobody's, makes it so. */
void reuse_look(void);

/* The object domain has given out this block; NULL: it had none. */
static inline void reuse_note(const void *block)
{
	enum { LOOK_EVERY = 64 };
	struct reuse_recent *recent = &reuse_recent;

	if (__builtin_expect(!reuse_on, 1))
		return;
	if (recent->count % LOOK_EVERY == 0)
		reuse_look();
	recent->blocks[recent->count++ % REUSE_RECENT] = block;
}

#endif
