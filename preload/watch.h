/*
 * watch.h - what every malloc looks out for while something of the interpreter's is about to
 * change.
 *
 * Two things can't be noticed where they happen: that CPython has put its own functions back
 * into the slots of the allocators (python_hooks.h), and that a libpython has been loaded
 * (late.h). Both are followed by a malloc before the first object is made, and a malloc is ours
 * to see. While there is nothing to look out for, one load and one branch are all it costs.
 */
#ifndef MEMTRACE_WATCH_H
#define MEMTRACE_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

enum watch_bits {
	WATCH_SLOTS = 1 << 0, /* the slots may be overwritten */
	WATCH_REACH = 1 << 1, /* reach.h asks whether a malloc comes here */
	WATCH_LOAD = 1 << 2,  /* this bit and those above: how many threads load a library */
};

extern _Atomic uint32_t watch_word;

/* `caller`: where the malloc returns to. */
void watch_look(const void *caller);

#endif
