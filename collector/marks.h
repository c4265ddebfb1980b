/*
 * marks.h - named moments, each with the live figures of every stack.
 *
 * A mark holds only the stacks whose live figures changed since the mark before it. At most
 * MARK_LIMIT are kept in full; further ones of a name already there are rolled up: they replace
 * the last one of that name (its `rolled` says how many). Where that name is new, the latest of
 * the program's marks gives way (`merged` says how many did). What a mark held that gave way is
 * passed on to the next one, so that figures stay right. A name used again becomes NAME#2,
 * NAME#3, ...
 *
 * Arenas likewise: a mark holds a summary of those that changed since the mark before it. Over
 * MARK_SUMMARY_BYTES of summaries, the oldest ones lose the names of the stacks that hold an
 * arena, and keep how many they are: that leaves about 12 bytes for each arena that changed.
 *
 * A mark that the collector makes while the program sleeps also counts the blocks that the
 * stream doesn't know yet: marks_wait is told of them first. They are in no other mark's
 * figures.
 */
#ifndef MEMTRACE_MARKS_H
#define MEMTRACE_MARKS_H

#include "../preload/stream.h"
#include "changes.h"
#include "summary.h"

enum { MARK_LIMIT = 256, MARK_NAME_BYTES = 255, MARK_SUMMARY_BYTES = 8 << 20 };

struct mark {
	char *name;
	char *base;       /* the name as it was given, without #2 */
	uint64_t ordinal; /* the how many-th of that name, from 1 */
	struct stream_mark figures;
	uint64_t live_bytes, live_blocks; /* over all stacks */
	struct summary arenas;
	uint64_t rolled;
	struct changes changes;
};

struct marks {
	struct mark *items;
	size_t count, capacity;
	uint64_t merged;
	/* For the next mark alone, each a block. */
	struct change *waiting;
	size_t waiting_count, waiting_capacity;
};

void marks_init(struct marks *marks);
void marks_release(struct marks *marks);
/* The next mark counts one block more. Past RING_MAX_SIDE_SLOTS of them it doesn't. */
void marks_wait(struct marks *marks, uint32_t stack, uint64_t bytes);
/* A mark as it was in other marks, behind all that are here; takes over what it points to. */
void marks_put_back(struct marks *marks, const struct mark *mark);
/* `name` of `len` bytes as it came (cut at MARK_NAME_BYTES, without control characters); takes
 * the changed stacks from `sites` and starts the next mark; takes the summary over. */
void marks_add(struct marks *marks, const struct stream_mark *figures, const char *name,
	       size_t len, struct sites *sites, const struct summary *arenas);

#endif
