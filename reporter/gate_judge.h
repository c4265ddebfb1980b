/*
 * gate_judge.h - a result judged by its settings: against a baseline, where there is one, against
 * budgets that are absolute, and for sites that grow with every iteration.
 *
 * A site leaks where it rises over all windows behind the warm-up and over their last half by
 * min_bytes_per_iteration or more, more clearly than chance would: of those that are told a part
 * of p at most is wrong (leak_tests_believe), over all sites that change at all. With more than
 * max_sites of them each fails; otherwise each warns.
 *
 * What needs windows has no verdict where there are fewer than settings.windows; with none that
 * does, nobody asks for them.
 *
 * An ignored site isn't judged as new or leaking. It counts in what the whole program holds. One
 * that holds more than it may, be it ignored or not, fails; an entry that no site has warns, for
 * it may be forgotten or misspelt.
 */
#ifndef MEMTRACE_GATE_JUDGE_H
#define MEMTRACE_GATE_JUDGE_H

#include "gate_settings.h"

/* Which of the result's sites are ignored, by index; the caller frees it. */
bool *gate_judge_ignored(const struct gate_settings *settings, struct gate_result *result);
/* Those with a tolerance; where settings have no budgets at all, the default ones. */
struct gate_comparison gate_judge_comparison(const struct gate_settings *settings,
					     const bool *ignored,
					     struct gate_compare_budget *ret_budgets);
/* Maxima of budgets. */
void gate_judge_limits(const struct gate_settings *settings,
		       const struct gate_baseline *baseline, struct gate_result *result);
void gate_judge_leaks(const struct gate_settings *settings, const bool *ignored,
		      struct gate_result *result);

#endif
