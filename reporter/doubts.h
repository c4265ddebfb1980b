/*
 * doubts.h - what is known to be wrong or missing in a profile: one sentence each.
 *
 * Nothing here is guessed: the collector counted it, or the reader of the file stumbled over
 * it.
 */
#ifndef MEMTRACE_DOUBTS_H
#define MEMTRACE_DOUBTS_H

#include "../collector/profile_read.h"

typedef void doubts_each(void *user, const char *sentence);

void doubts_of(const struct profile *profile, doubts_each *each, void *user);

#endif
