/*
 * gate_openmetrics.h - a gate's figures as metrics, in a text that is both OpenMetrics and what
 * Prometheus reads: gauges alone, of which both write the same, and comments where they differ.
 *
 * Values are rounded to three significant digits: what shows metrics beside a change compares
 * them as texts, and the last bytes differ from run to run. Steps of one size wouldn't do, for
 * sites of a few KiB are reported beside peaks of GiB.
 */
#ifndef MEMTRACE_GATE_OPENMETRICS_H
#define MEMTRACE_GATE_OPENMETRICS_H

#include <stdio.h>

#include "gate.h"

/* Of single sites the heaviest alone: each is a series of its own. */
enum { GATE_OPENMETRICS_SITES = 20 };

void gate_openmetrics_write(const struct gate_result *result, FILE *out);

#endif
