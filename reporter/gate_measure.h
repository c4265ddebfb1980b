/*
 * gate_measure.h - profiles become a gate's result: the metrics and sites of each run, then
 * medians over all runs.
 *
 * A run that a gate can rely on came to its end by itself and lost nothing: a profile that was
 * recovered, is of a program that was killed or still runs, or has a doubt (doubts.h) is none.
 *
 * Growth per iteration is Theil and Sen's slope of what was live at the marks "iter...", the
 * first GATE_WARM_UP of them left out; with fewer than TREND_FEWEST behind these it isn't known.
 */
#ifndef MEMTRACE_GATE_MEASURE_H
#define MEMTRACE_GATE_MEASURE_H

#include "../collector/err.h"
#include "gate.h"

enum { GATE_WARM_UP = 2 };

/*
 * One run, of a FILE argument: every measure has one value. Frames below `folder`, which ends
 * with a slash, are relative to it.
 */
int gate_measure_run(const char *name, const char *folder, struct gate_result *ret_result,
		     struct err *err);
/* At least one; what they hold becomes the result's. All must be of one environment. */
int gate_measure_all(struct gate_result *runs, size_t count, struct gate_result *ret_result,
		     struct err *err);

#endif
