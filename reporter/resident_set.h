/*
 * resident_set.h - the resident set at a moment, closed: parts that are disjoint and add up.
 *
 * The collector looks from outside after marks that the program or somebody else makes, at the
 * end, and from time to time (collector/resident.h); the look that belongs to the moment is
 * taken, or else the nearest in time. It says how many pages each kind of area holds; what is
 * live in them, as requested, is from the records up to then. Live memory that isn't resident
 * (never touched, or swapped out) can't be told apart from it: where more is live than is
 * resident, all that is resident counts as live.
 *
 * The parts add up to the kernel's list of areas (smaps). Its counter (statm) is kept by rule
 * of thumb and read a little before: the difference is told, too.
 */
#ifndef MEMTRACE_RESIDENT_SET_H
#define MEMTRACE_RESIDENT_SET_H

#include "moment.h"

enum resident_set_share {
	SHARE_LIVE = 0,       /* in Python's pools */
	SHARE_CLASS_ROUNDING, /* what size classes add to those */
	SHARE_POOL_HEADERS,
	SHARE_PINNED,         /* the rest of the arenas */
	SHARE_C_LIVE,         /* requested of malloc, in its heap */
	SHARE_ALLOCATOR_FREE, /* the rest of that heap */
	SHARE_C_MAPPED,       /* blocks that malloc maps one by one */
	SHARE_MAPPED,         /* private memory that the program maps itself */
	SHARE_FILE,
	SHARE_SHARED,
	SHARE_STACK,
	SHARE_MEMTRACE,
	SHARE_UNATTRIBUTED,
	SHARES,
};

extern const char *const resident_set_keys[];  /* in JSON */
extern const char *const resident_set_names[]; /* for people */

struct resident_set {
	bool known;
	bool at_moment;   /* else it is the nearest */
	double seconds;   /* since start */
	uint64_t time_ns; /* of the look: the same to the nanosecond */
	uint64_t bytes;   /* all shares */
	uint64_t shares[SHARES];
	int64_t residual_bytes; /* the kernel's counter less `bytes` */
	uint64_t swap_bytes;
	/*
	 * At most so much of SHARE_LIVE lies on the interpreter's free lists and holds no
	 * object; UINT64_MAX: not known.
	 */
	uint64_t free_lists_most_bytes;
};

struct resident_set resident_set_at(const struct profile *profile, const struct moment *moment);
/* One look, whichever. */
struct resident_set resident_set_of(const struct stream_resident *look);

#endif
