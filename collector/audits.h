/*
 * audits.h - the map compared with the interpreter's own pool headers, as R_AUDIT and the
 * records after it tell of them.
 *
 * Each record is compared as it comes: nothing of the arenas that an audit tells of changes
 * between its first record and its last, whatever other threads do. So it needs no memory but
 * for its result, and one without an end leaves none.
 *
 * Only arenas that an audit names are compared: the others may be another interpreter's. All
 * audits for one mark are one result. At most AUDIT_LIMIT results are kept; then the oldest one
 * without a difference gives way, or else the oldest.
 */
#ifndef MEMTRACE_AUDITS_H
#define MEMTRACE_AUDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena_map.h"
#include "profile.h"

enum { AUDIT_LIMIT = 512 };

struct audit_result {
	uint64_t number; /* stream_mark.number of its mark; 0: one that the collector made */
	uint32_t id;     /* counted from 1 */
	struct profile_audit figures; /* but for `mark`, which the writer finds */
};

struct audits {
	struct audit_result *items; /* in the order in which they began */
	size_t count, capacity;
	uint32_t last_id;
	/* `audit` is an id. The first difference_count; behind them those of the open audit. */
	struct profile_audit_difference differences[PROFILE_MAX_DIFFERENCES];
	size_t difference_count;

	/* The one that is under way. */
	bool is_open;
	uint64_t number;
	struct profile_audit now;
	size_t differences_now;
	/* The arena it is at; arena_bytes 0: none. */
	uint64_t arena, arena_bytes;
	bool arena_differs;
	uint64_t next; /* pools before it have been compared */
};

void audits_init(struct audits *audits);
void audits_release(struct audits *audits);
/* One of R_AUDIT to R_AUDIT_END. */
void audits_apply(struct audits *audits, const struct arena_map *map, const struct record *r,
		  uint64_t now_ms);

#endif
