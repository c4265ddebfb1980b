/*
 * gate_compare_sites.h - the part of gate_compare.h that looks at sites, and what it shares with
 * the others.
 */
#ifndef MEMTRACE_GATE_COMPARE_SITES_H
#define MEMTRACE_GATE_COMPARE_SITES_H

#include "../collector/buf.h"
#include "gate_compare.h"

/* By how many bytes a site grew; what isn't in the baseline may have been the largest left out. */
double gate_compare_growth(const struct gate_baseline *baseline, const struct gate_site *site);
/* As whole as it is printed, whatever a damaged profile makes of it. */
uint64_t gate_compare_whole(double figure);
/* "put (app.py:31)". */
void gate_compare_print_site(struct buf *text, const struct gate_site *site);
/* How much above its baseline a metric may be by its budget, and by noise (NAN: not known). */
double gate_compare_allowance(const struct gate_comparison *comparison,
			      const struct gate_compare_budget *budget,
			      const struct gate_baseline *baseline,
			      const struct gate_result *result, double *ret_noise);
void gate_compare_sites(const struct gate_comparison *comparison,
			const struct gate_baseline *baseline, struct gate_result *result);

#endif
