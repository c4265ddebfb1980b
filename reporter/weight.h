/*
 * weight.h - one figure of every stack of a profile: what flame graphs are drawn from.
 *
 * Live bytes are those at `to`, growth is since `from`, pinned bytes are the stack's share of
 * what is free in arenas at `to` (pinning.h); peak and total are of the whole run. A picture
 * has no room for less than nothing: stacks that shrank are left out of growth and told apart,
 * so that what grew less what shrank is the total of a report.
 *
 * Memory: weight_release; the lines must outlive it.
 */
#ifndef MEMTRACE_WEIGHT_H
#define MEMTRACE_WEIGHT_H

#include "grouping.h"
#include "moment.h"

enum weight_kind {
	WEIGHT_LIVE = 0,
	WEIGHT_GROWTH,
	WEIGHT_PINNED,
	WEIGHT_PEAK,
	WEIGHT_TOTAL,
	WEIGHT_COUNT,
};

extern const char *const weight_names[WEIGHT_COUNT + 1]; /* ends with NULL */

struct weight_stack {
	uint32_t trace; /* of the lines */
	uint64_t bytes; /* never 0 */
};

struct weight {
	enum weight_kind kind;
	bool known;                  /* false: the profile doesn't tell, see pinning.h */
	char caption[360];           /* "growth from warm to end", ... */
	struct weight_stack *stacks; /* in the order in which they first came */
	size_t count;
	uint64_t total_bytes; /* of stacks */
	size_t shrunk_count;
	uint64_t shrunk_bytes;
};

struct weight_query {
	const struct grouping *grouping; /* computed, by stack */
	struct moment from, to;
};

void weight_compute(const struct weight_query *query, enum weight_kind kind,
		    struct weight *ret_weight);
void weight_release(struct weight *weight);

#endif
