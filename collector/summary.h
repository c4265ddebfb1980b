/*
 * summary.h - what is told of arenas at one moment, small enough to be kept for every mark.
 *
 * Some arenas, each with its figures and the stacks that hold most of its blocks, as numbers of
 * variable length in one compressed piece: 10 to 30 bytes an arena as a rule.
 *
 * Memory: a summary owns its piece; one of zeroes is an empty one.
 */
#ifndef MEMTRACE_SUMMARY_H
#define MEMTRACE_SUMMARY_H

#include "arena_map.h"
#include "buf.h"
#include "profile.h"

struct arena_summary {
	uint64_t address;
	uint64_t bytes; /* 0: it is gone, and there is no more to tell */
	uint64_t live_bytes, block_bytes;
	uint32_t live_blocks, pools;
	uint32_t other_stacks, holder_count;
	struct profile_holder holders[PROFILE_MARK_HOLDERS];
};

struct class_summary {
	uint32_t pools, blocks;
};

struct summary {
	uint8_t *stored;
	size_t stored_bytes, raw_bytes; /* equal: not compressed */
	size_t count;                   /* of arenas told of, ascending by address */
	size_t holder_count;            /* of all of them */
	/* Of all arenas that there are, told of or not. */
	uint64_t arena_bytes, arena_count;
	struct class_summary classes[POOL_CLASSES + 1];
};

void summary_release(struct summary *summary);
/* As bytes, and back; what isn't one reads as an empty one, and the cursor fails. */
void summary_write(const struct summary *summary, struct buf *out);
struct summary summary_read(struct cursor *cursor);
/* What either tells, `to` where both do. Its totals stay. */
void summary_add_earlier(struct summary *to, const struct summary *from);
/* Only how many stacks hold each arena, not which. */
void summary_strip(struct summary *summary);

struct summary_draft {
	struct buf raw;
	uint64_t last_address;
	size_t count, holder_count;
};

void summary_draft_init(struct summary_draft *draft);
/* Ascending by address. */
void summary_draft_put(struct summary_draft *draft, const struct arena_summary *arena);
/* The draft becomes the summary's arenas and is released. */
void summary_draft_finish(struct summary_draft *draft, struct summary *summary);

struct summary_reader {
	struct buf raw;
	struct cursor cursor;
	uint64_t last_address;
	size_t left;
};

void summary_reader_init(struct summary_reader *reader, const struct summary *summary);
void summary_reader_release(struct summary_reader *reader);
bool summary_reader_next(struct summary_reader *reader, struct arena_summary *ret_arena);

#endif
