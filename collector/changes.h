/*
 * changes.h - figures of the stacks that changed between two moments.
 *
 * Of a sequence of moments each holds only what changed since the one before it: a stack's
 * figures at a moment are those of the last change up to it, and zero where there is none.
 *
 * Memory: changes_release.
 */
#ifndef MEMTRACE_CHANGES_H
#define MEMTRACE_CHANGES_H

#include "sites.h"

struct change {
	uint32_t stack, reserved;
	uint64_t live_bytes, live_blocks;
	uint64_t total_blocks; /* ever allocated */
};

struct changes {
	struct change *items; /* ascending by stack, each stack once */
	size_t count;
};

/* What this follower's list names, as it is now; the list begins anew. */
struct changes changes_take(struct sites *sites, enum sites_follower_id id);
/* NULL: the stack didn't change. */
struct change *changes_of(const struct changes *changes, uint32_t stack);
/* `earlier` are those of the moment just before, which is left out from now on. */
void changes_add_earlier(struct changes *changes, const struct changes *earlier);
/* One more, of a later stack than all that are here. */
void changes_append(struct changes *changes, size_t *capacity, const struct change *change);
void changes_release(struct changes *changes);

#endif
