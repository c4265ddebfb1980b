/*
 * outcome.h - the line that `memtrace run` says about each profile of its run.
 */
#ifndef MEMTRACE_OUTCOME_H
#define MEMTRACE_OUTCOME_H

#include "units.h"

/*
 * On stderr: what the run left at `out`, and what to do with it. Waits for it, ten seconds at
 * most.
 */
void outcome_say(const char *out, enum units_kind units);

#endif
