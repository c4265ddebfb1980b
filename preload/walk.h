/*
 * walk.h - the interpreter's frames of one thread, and how many are those of the walk before.
 *
 * Every frame's code, instruction and caller are compared at every event: a frame's address can
 * come again under another caller, and an outer frame can stand at another line below the same
 * inner one. What the walk before saves is the waiting. A chain is followed no faster than each
 * frame tells where the next one is; here the next address is known from before, and that it is
 * still right is checked beside: the processor looks at many frames at once. A frame is read
 * only after the frame that it called has named it, so none is that has gone.
 *
 * Threads: each its own.
 */
#ifndef MEMTRACE_WALK_H
#define MEMTRACE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "stream.h"

enum {
	/* With those that are passed over: one lies between any two calls that C makes. */
	WALK_MOST = 2 * STREAM_MAX_DEPTH,
};

struct walk_frame {
	const void *frame;
	const void *code; /* with its tags */
	const void *instr;
	uint32_t node; /* the stack that ends here, by whoever walks */
	bool foreign;  /* it belongs to C: its node is its caller's */
};

struct walk {
	/* Outermost first. The one in front of the first is empty. */
	struct walk_frame *frames;
	/* The frames being read, innermost first. */
	struct walk_frame *fresh;
	uint32_t depth;
	uint32_t dropped; /* outermost frames that were left out */
	bool chained;     /* each frame is the caller of the next, the first has none */
};

/* Where the innermost frame of this thread state is; NULL: it runs no Python. */
const void *walk_innermost(const void *tstate);
/*
 * Makes `walk` the stack that ends with this frame; the nodes from the returned one on, counted
 * from the outermost, are to be filled in.
 */
uint32_t walk_update(struct walk *walk, const void *innermost);

#endif
