/*
 * gate_join.h - several runs of one program as one: of each figure the median, and the median
 * absolute deviation (MAD) from it.
 *
 * A metric that isn't known of each run isn't known of all. A site that some runs haven't held
 * nothing in these.
 */
#ifndef MEMTRACE_GATE_JOIN_H
#define MEMTRACE_GATE_JOIN_H

#include "../collector/err.h"
#include "gate.h"

/* At least one; what they hold becomes the result's. All must be of one environment. */
int gate_join(struct gate_result *runs, size_t count, struct gate_result *ret_result,
	      struct err *err);

#endif
