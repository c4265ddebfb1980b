/*
 * gate_baseline_keys.h - what the writer of a baseline file, its reader and those who compare share.
 */
#ifndef MEMTRACE_GATE_BASELINE_KEYS_H
#define MEMTRACE_GATE_BASELINE_KEYS_H

#include "gate_baseline.h"

#define GATE_BASELINE_FAMILY "memtrace.baseline/"
#define GATE_BASELINE_SCHEMA GATE_BASELINE_FAMILY "1"

/* No figure is larger, so that all of them are whole numbers of 64 bits too. */
#define GATE_BASELINE_MOST_FIGURE 1e18

enum { GATE_BASELINE_MOST_RUNS = 1000000 };

/* With all sites, be they ever so light. */
void gate_baseline_of_all(const struct gate_result *result, struct gate_baseline *ret_baseline);
/* Leaves out what is too light or too much; afterwards sites are by key. */
void gate_baseline_trim(struct gate_baseline *baseline);

#endif
