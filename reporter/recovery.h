/*
 * recovery.h - the profile of a run whose processes were all killed.
 *
 * The work is the collector's: it replays the journal and what is still in the ring, with the
 * code that it collects with.
 */
#ifndef MEMTRACE_RECOVERY_H
#define MEMTRACE_RECOVERY_H

#include "../collector/err.h"

/* `out` is the profile that should exist. On failure the sentence is the collector's own. */
int recovery_run(const char *out, struct err *err);

#endif
