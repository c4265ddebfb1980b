/*
 * snapshot.h - what is live in a heap at one moment, as a profile will tell it.
 *
 * A profile holds the blocks that were live when the interpreter began to finalise, but its
 * stream goes on: the teardown frees nearly everything. So that moment is kept while the heap
 * moves on, encoded and compressed as the sections of the file: one to three bytes a block, and
 * 16 for each stack. Encoding takes 0.2 to 0.5 s a million blocks.
 *
 * Memory: owns everything; snapshot_release gives it back. One of zeroes is an empty one.
 */
#ifndef MEMTRACE_SNAPSHOT_H
#define MEMTRACE_SNAPSHOT_H

#include "heap.h"
#include "section_write.h"

struct live_figures {
	uint64_t bytes, blocks;
};

/* Sections that tell of single blocks, arenas and mappings, in their order in the file. */
enum snapshot_section {
	SNAPSHOT_MAPPINGS,
	SNAPSHOT_ARENAS,
	SNAPSHOT_POOLS,
	SNAPSHOT_PINS,
	SNAPSHOT_LIFETIMES,
	SNAPSHOT_ADDRESSES,
	SNAPSHOT_SIZES,
	SNAPSHOT_STACKS,
	SNAPSHOT_WINDOWS,
	SNAPSHOT_SECTIONS,
};

struct snapshot {
	struct section_write sections[SNAPSHOT_SECTIONS]; /* finished */
	struct live_figures *by_stack;                    /* by stack id, site_count of them */
	size_t site_count;
	struct live_figures live; /* over all stacks */
	uint64_t domain_bytes[4], domain_blocks[4];
	uint64_t arena_bytes, arena_count;
	uint64_t block_count; /* in the columns */
};

/*
 * `aside`: a path beside which columns of blocks are put down while they are taken; NULL: they
 * stay in memory. On failure *ret_snapshot is an empty one.
 */
int snapshot_take(const struct heap *heap, const struct pulse *pulse, const char *aside,
		  struct snapshot *ret_snapshot, struct err *err);
void snapshot_release(struct snapshot *snapshot);
/* What was live of a stack. */
struct live_figures snapshot_live(const struct snapshot *snapshot, uint32_t stack);

#endif
