/*
 * recovery.h - the profile of a run whose processes were all killed.
 *
 * The work is the collector's: it replays the journal and what is still in the ring, with the
 * code that it collects with.
 */
#ifndef MEMTRACE_RECOVERY_H
#define MEMTRACE_RECOVERY_H

#include "../collector/profile_read.h"

/*
 * `out` is the profile that should exist. On failure the sentence is the collector's own. Where
 * it exists, what children have left that were never heard of is cleared away.
 */
int recovery_run(const char *out, struct err *err);
/*
 * The same, where need be without a change to the run: when nothing can be written beside
 * `out`, the profile is made in a temporary folder, and is gone when it is freed.
 */
int recovery_open(const char *out, struct profile **ret_profile, struct err *err);

#endif
