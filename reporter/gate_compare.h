/*
 * gate_compare.h - judging a result against a baseline.
 *
 * A metric may be above its baseline by what is largest of: an absolute tolerance, a relative
 * one, what runs differ by chance, and what samples do (gate_noise.h). What is above the
 * tolerances and within the noise warns, for more runs would tell. Metrics that aren't counted,
 * and those whose noise isn't known where blocks are sampled, warn unless the budget says that
 * they fail.
 *
 * A site that the baseline hasn't fails where it holds more than may be new, unless it may have
 * been among those that the baseline leaves out, for it is no heavier than the largest of these.
 * One that has just another name (gate_rename.h) warns. Where blocks are sampled, a site that
 * wasn't there may have been missed: it is taken for one sample, with that one's variance.
 *
 * Where the baseline was made in another mode, with another allocator or with arenas of another
 * size, nothing can be compared and there is no verdict; nor where a metric of a budget isn't
 * known on one side.
 */
#ifndef MEMTRACE_GATE_COMPARE_H
#define MEMTRACE_GATE_COMPARE_H

#include "gate_baseline.h"

struct gate_tolerance {
	double relative; /* 0.02: 2 % */
	double absolute; /* in the metric's unit */
};

enum gate_on_noise {
	GATE_ON_NOISE_DEFAULT = 0, /* fail where the metric is counted */
	GATE_ON_NOISE_WARN,
	GATE_ON_NOISE_FAIL,
};

struct gate_compare_budget {
	enum gate_metric metric;
	struct gate_tolerance tolerance;
	enum gate_on_noise on_noise;
};

struct gate_comparison {
	const struct gate_compare_budget *budgets;
	size_t budget_count;
	double new_site_bytes; /* what a site that is new may hold */
	const bool *ignored;   /* by index of the result's sites: not judged; NULL: none */
};

/* Without any settings: live_end and peak_live, 2 % or 256 KiB, no new site over 256 KiB. */
extern const struct gate_comparison gate_comparison_default;

/* -1, and how to mend it, where `now` can't be compared with what was made in `before`. */
int gate_compare_environments(const struct gate_environment *before,
			      const struct gate_environment *now, const char *path,
			      struct err *err);
/*
 * Adds its checks and warnings behind those that are there, in no order; a failed one makes a
 * result that was fine a regression. Without a verdict status and `why` say so. Sentences name
 * the result's baseline_path.
 */
void gate_compare(const struct gate_comparison *comparison,
		  const struct gate_baseline *baseline, struct gate_result *result);
/*
 * The site that a metric is to be blamed on: what grew most against the baseline, or, without
 * one, is the heaviest with own code; of growth per iteration what grows most. NULL: none.
 */
const struct gate_site *gate_compare_blame(const struct gate_baseline *baseline,
					   const struct gate_result *result,
					   enum gate_metric metric);

#endif
