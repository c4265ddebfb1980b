/*
 * gate_chains.h - the stacks of a profile as chains of the user's own functions.
 *
 * A chain is what a gate calls a site: the own functions that were executing, outermost first,
 * by their qualified names alone. What lies between and inside them, of the standard library
 * and of packages, is left out, and so are lines: neither an edit above a line nor another
 * release of a package makes it another site. A function that calls itself stands in it once,
 * and a comprehension is the function that it is in, for newer interpreters make no function of
 * it. Chains end after GATE_CHAIN_MOST functions: what these call is theirs.
 *
 * Memory: names belong to the lines, which must outlive this.
 */
#ifndef MEMTRACE_GATE_CHAINS_H
#define MEMTRACE_GATE_CHAINS_H

#include "../collector/buf.h"
#include "lines.h"

enum { GATE_CHAIN_MOST = 64 };

struct gate_chain {
	uint32_t parent; /* 0: none */
	uint32_t depth;
	const char *name;
	size_t name_len;
	uint64_t live_bytes, live_blocks; /* at the end, as the profile has it */
	uint32_t trace;                   /* with most of it live */
	uint64_t trace_bytes;
};

struct gate_chains {
	struct gate_chain *items; /* 0: no own function; parents before their children */
	size_t count, capacity;
	uint32_t *of_trace;
};

void gate_chains_compute(const struct lines *lines, struct gate_chains *ret_chains);
void gate_chains_release(struct gate_chains *chains);
/* Appends the names, joined by " > "; of 0 "(no own code)". */
void gate_chains_key(const struct gate_chains *chains, uint32_t chain, struct buf *key);

#endif
