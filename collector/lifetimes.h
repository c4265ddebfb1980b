/*
 * lifetimes.h - how old blocks became before they were freed, for each stack.
 *
 * Blocks that were freed in another window (windows.h) than that of their birth are counted by
 * age: age k is from 2^k seconds on, the last one has no end. A block's age is taken from the
 * beginning of its window, so it is too high by a window's length at most. Those that were
 * freed in the window of their birth are most, and aren't counted here: they are what a stack
 * ever freed less these.
 */
#ifndef MEMTRACE_LIFETIMES_H
#define MEMTRACE_LIFETIMES_H

#include <stddef.h>
#include <stdint.h>

enum { LIFETIMES_AGES = 16 };

struct lifetime {
	uint32_t blocks[LIFETIMES_AGES]; /* stops at its maximum */
};

struct lifetimes {
	struct lifetime *by_stack; /* a stack past `count` has none */
	size_t count, capacity;
};

void lifetimes_release(struct lifetimes *lifetimes);
void lifetimes_note(struct lifetimes *lifetimes, uint32_t stack, uint64_t age_ms);
/* It was not freed after all. */
void lifetimes_take_back(struct lifetimes *lifetimes, uint32_t stack, uint64_t age_ms);
/* The stack's, to be filled in. */
struct lifetime *lifetimes_of(struct lifetimes *lifetimes, uint32_t stack);

/* The age that so many milliseconds are. */
static inline unsigned lifetimes_age(uint64_t ms)
{
	uint64_t seconds = ms / 1000;
	unsigned age = seconds ? 63 - (unsigned)__builtin_clzll(seconds) : 0;

	return age < LIFETIMES_AGES ? age : LIFETIMES_AGES - 1;
}

#endif
