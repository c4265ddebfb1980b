/*
 * follow.h - the profile of a program that runs, as often as one likes.
 *
 * The program's collector is asked for it (collector/live.h); the program itself doesn't wait.
 * What it did while the collector was behind isn't in it yet.
 */
#ifndef MEMTRACE_FOLLOW_H
#define MEMTRACE_FOLLOW_H

#include "../collector/profile_read.h"
#include "live_ring.h"

struct follow {
	struct live_ring ring;
};

/* By a process number, or by any file of a run that nobody but it is called. */
int follow_open(const char *name, struct follow *ret_follow, struct err *err);
void follow_release(struct follow *follow);
/*
 * 1: *ret_profile is the caller's. 0: the run has ended, or its collector is at its last
 * profile. -1: the collector doesn't answer, or couldn't write it.
 */
int follow_next(struct follow *follow, struct profile **ret_profile, struct err *err);
/* The same once, of the run OUT. */
int follow_once(const char *out, struct profile **ret_profile, struct err *err);

#endif
