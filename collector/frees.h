/*
 * frees.h - whose blocks a stack frees: blocks and bytes by the stack that allocated and the
 * stack that freed.
 *
 * Only of a stream that tells who frees (the fact "frees=1"), and until the interpreter
 * finalises: then everything goes, and not because a line of the program let go of it.
 *
 * Memory: a program can have as many pairs of stacks as it likes. After FREES_MOST_PAIRS of
 * them a new pair's frees are added up as PROFILE_OTHER_STACKS, for each allocating stack: its
 * sum stays exact, and that there are others is told.
 */
#ifndef MEMTRACE_FREES_H
#define MEMTRACE_FREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile.h"
#include "u64map.h"

enum { FREES_MOST_PAIRS = 1 << 18 };

struct frees {
	bool on;
	bool partial; /* some frees aren't in it: those past the interpreter's end */
	/* Of the record that is being applied; at other times nobody. */
	uint32_t by;
	uint32_t flags;      /* enum free_flags */
	struct u64map index; /* both stacks → index + 1 */
	struct profile_freed *items;
	size_t count, capacity;
	uint64_t blocks, bytes; /* all of them */
};

void frees_init(struct frees *frees);
void frees_release(struct frees *frees);
/* What a stack frees of another's; `flags`: enum free_flags. */
void frees_note(struct frees *frees, const struct profile_freed *sum);
/* The block that was noted last with these stacks lives on. */
void frees_take_back(struct frees *frees, const struct profile_freed *sum);
/* One block, as frees_note and frees_take_back want it. */
struct profile_freed frees_block(uint32_t stack, uint32_t by, uint32_t flags, uint64_t bytes,
				 uint64_t blocks);
/* Ascending by stack, then by the freeing stack; frees->count items, the caller's to free. */
struct profile_freed *frees_sorted(const struct frees *frees);

#endif
