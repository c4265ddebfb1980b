/*
 * gate_measure.h - the profile of a run becomes a gate's result: its metrics and sites.
 *
 * A run that a gate can rely on came to its end by itself and lost nothing: a profile that was
 * recovered, is of a program that was killed or still runs, or has a doubt (doubts.h) is none.
 *
 * Windows are the iterations between marks "iter..." behind the warm-up. Growth per iteration is
 * Theil and Sen's slope (trend.h) of what was live at those marks, of the whole program and of
 * each site; with fewer than GATE_FEWEST_WINDOWS it isn't known.
 */
#ifndef MEMTRACE_GATE_MEASURE_H
#define MEMTRACE_GATE_MEASURE_H

#include "../collector/err.h"
#include "gate.h"
#include "path_globs.h"
#include "trend.h"

enum { GATE_WARM_UP = 2, GATE_FEWEST_WINDOWS = TREND_FEWEST };

struct gate_measure_query {
	const char *folder; /* frames below it are relative to it; ends with a slash */
	unsigned warm_up;   /* so many of the first marks aren't looked at */
	const struct path_globs *own; /* NULL: neither Python's library nor packages */
};

/* One run, of a FILE argument: every measure has one value. */
int gate_measure_run(const struct gate_measure_query *query, const char *name,
		     struct gate_result *ret_result, struct err *err);

#endif
