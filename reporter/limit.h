/*
 * limit.h - the limit that a program will meet first, and when.
 *
 * The collector's looks tell the cgroup that has least left and the machine
 * (collector/room.h); whichever of both has less left is the limit. Pages of files that nobody
 * looked at lately count as left: the kernel drops them first. Others share both, and what they
 * do from now on nobody knows: a forecast takes the rest as it is.
 */
#ifndef MEMTRACE_LIMIT_H
#define MEMTRACE_LIMIT_H

#include "moment.h"
#include "trend.h"

enum limit_kind {
	LIMIT_UNKNOWN = 0,
	LIMIT_CGROUP,
	LIMIT_MACHINE,
};

extern const char *const limit_kind_names[];

struct limit {
	enum limit_kind kind;
	double seconds; /* of the look */
	uint64_t bytes, left_bytes;
};

/* Seconds from the look until it is reached; infinite: never, as far as is sure. */
struct limit_forecast {
	double seconds, soonest, latest;
};

/* By the last look up to a second behind the moment. */
struct limit limit_at(const struct profile *profile, const struct moment *moment);
struct limit_forecast limit_reached(const struct limit *limit, const struct trend *trend);

#endif
