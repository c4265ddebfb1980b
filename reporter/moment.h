/*
 * moment.h - what --from and --to name: a mark, or a time.
 *
 * `start` is there in every profile, as nothing live; so is `end`: the mark, or else the last
 * event that was recorded. A name used again is NAME#2, NAME#3, ...; the plain name means the
 * last of them, NAME#1 the first. A time means the last mark or point (profile.h, PNTS) at or
 * before it, but no point behind the end: what teardown frees is no growth. Of a point only
 * the figures of stacks are known, not who held which arenas.
 */
#ifndef MEMTRACE_MOMENT_H
#define MEMTRACE_MOMENT_H

#include "../collector/profile_read.h"

enum moment_kind {
	MOMENT_START = 0, /* nothing live */
	MOMENT_MARK,
	MOMENT_POINT,
	MOMENT_LAST, /* the end of the stream */
};

struct moment {
	enum moment_kind kind;
	size_t mark;          /* of MOMENT_MARK */
	size_t point;         /* of MOMENT_POINT */
	char name[160];       /* of a point the time, as moment_find takes it */
	double seconds;       /* since start */
	double asked_seconds; /* the time that was asked for; negative: a name was */
};

/*
 * Where growth begins unless something else is asked for: the fork of a forked process, else
 * the start.
 */
const char *moment_beginning(const struct profile *profile);
int moment_find(const struct profile *profile, const char *text, struct moment *ret_moment,
		struct err *err);
/* Likewise, but a time means a mark, where more is known. */
int moment_find_mark(const struct profile *profile, const char *text, struct moment *ret_moment,
		     struct err *err);
/* From `from`, or the beginning where it is NULL, to `to`, which must not come first. */
int moment_find_span(const struct profile *profile, const char *from, const char *to,
		     struct moment *ret_from, struct moment *ret_to, struct err *err);
/* Of the run: what is known of single blocks is as of then (profile.h). */
bool moment_is_end(const struct profile *profile, const struct moment *moment);
/* Live figures of each stack at a moment: arrays of node_count + 1. */
void moment_live(const struct profile *profile, const struct moment *moment,
		 uint64_t *bytes_by_stack, uint64_t *blocks_by_stack);
/* Over all stacks. */
uint64_t moment_live_bytes(const struct profile *profile, const struct moment *moment);
uint64_t moment_live_blocks(const struct profile *profile, const struct moment *moment);

#endif
