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

#include "python.h"
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

static inline const void *walk_pointer(const void *base, uint16_t offset)
{
	return *(const void *const *)((const char *)base + offset);
}

/* Where the innermost frame of this thread state is; NULL: it runs no Python. */
static inline const void *walk_innermost(const void *tstate)
{
	const struct layout *layout = &python.layout;

	if (layout->tstate_cframe == LAYOUT_NONE)
		return walk_pointer(tstate, layout->tstate_frame);
	const void *cframe = walk_pointer(tstate, layout->tstate_cframe);

	return cframe ? walk_pointer(cframe, layout->cframe_frame) : NULL;
}

/* Where instructions are addresses. */
static inline const void *walk_instr(const void *frame)
{
	return walk_pointer(frame, python.layout.frame_instr);
}

/*
 * Whether this frame is the innermost of the walk before, too, and all those outwards of it
 * stand where they stood. Only where an instruction's address alone tells the code object that
 * it lies in: as long as none that is known was freed (intern_epoch), no other can lie there.
 */
static inline bool walk_callers_unchanged(const struct walk *walk, const void *innermost)
{
	const size_t instr = python.layout.frame_instr, previous = python.layout.frame_previous;
	const struct walk_frame *at = &walk->frames[(int64_t)walk->depth - 1];
	const char *frame = innermost;

	if (at->frame != innermost || python.layout.instr != INSTR_ADDRESS ||
	    python.layout.code_copies)
		return false;
	for (;;) {
		const void *caller = *(const void *const *)(frame + previous);

		/* In front of the outermost there is an address of nothing. */
		if (__builtin_expect(caller != (--at)->frame, 0))
			return false;
		if (!caller)
			return at < walk->frames;
		/*
		 * From the walk before, not the one just read: equal as they are, only the
		 * latter would have to be waited for. Volatile, lest the compiler takes one for
		 * the other.
		 */
		frame = *(const char *const volatile *)&at->frame;
		if (__builtin_expect(*(const void *const *)(frame + instr) != at->instr, 0))
			return false;
	}
}

/* Reads the innermost frame of the walk before again: it has moved on. */
void walk_step(struct walk *walk);
/*
 * Makes `walk` the stack that ends with this frame; the nodes from the returned one on, counted
 * from the outermost, are to be filled in. codes_stay: no code object that is known was freed
 * since the walk before. Otherwise another may lie around the same instruction's address, and
 * what the walk before has for its code is no code object any more.
 */
uint32_t walk_update(struct walk *walk, const void *innermost, bool codes_stay);

#endif
