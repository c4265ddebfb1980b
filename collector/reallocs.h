/*
 * reallocs.h - what the first half of a realloc freed, in case the second never comes.
 *
 * A realloc is recorded as a free before the real call and an allocation after it. Where the
 * real call fails, R_RESTORE says that the block lives on; it must come back exactly as it was.
 * Each thread slot has at most one such free open.
 */
#ifndef MEMTRACE_REALLOCS_H
#define MEMTRACE_REALLOCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena_map.h"
#include "block_table.h"
#include "u64map.h"

enum freed_kind { FREED_UNKNOWN, FREED_POOLED, FREED_LARGE };

struct freed_block {
	uint64_t record_address; /* as the free named it: a block may be named by an inner
				    address */
	enum freed_kind kind;
	bool in_gc;
	bool told;                /* it is in frees.h */
	uint32_t by;              /* the stack that freed it */
	uint32_t class;           /* FREED_POOLED */
	struct block pooled;      /* FREED_POOLED */
	struct large_block large; /* FREED_LARGE; with FREED_POOLED its address */
};

struct reallocs {
	struct u64map slots; /* thread slot + 1 → index + 1 */
	struct freed_block *items;
	size_t count, capacity;
};

void reallocs_init(struct reallocs *reallocs);
void reallocs_release(struct reallocs *reallocs);
/* Takes the place of what the slot freed before. */
void reallocs_remember(struct reallocs *reallocs, uint32_t slot,
		       const struct freed_block *freed);
/* What the slot freed last, once. False: nothing, or another address. */
bool reallocs_take(struct reallocs *reallocs, uint32_t slot, uint64_t address,
		   struct freed_block *ret_freed);

#endif
