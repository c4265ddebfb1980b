/*
 * gate_ratchet.h - a baseline brought up to date, quietly.
 *
 * What differs from its old figure by no more than its tolerance and noise keeps the old one, to
 * the last digit, so that a file that nothing happened to stays the same byte for byte, and so
 * that many small steps add up to one that is seen. Metrics have the tolerances of their
 * budgets, or the default ones; sites that of GATE_RATCHET_SITE, as a site that isn't kept may
 * hold what is too little to be kept. Where noise becomes known that wasn't, figures are taken
 * over with it.
 *
 * A ratchet takes over what became less, and nothing that became more: no site that is new
 * either, but for one that has just another name. Asked for by --update-baseline=ratchet.
 */
#ifndef MEMTRACE_GATE_RATCHET_H
#define MEMTRACE_GATE_RATCHET_H

#include "gate_compare.h"

enum gate_update {
	GATE_UPDATE_ALL = 0, /* it is as now, be that more or less */
	GATE_UPDATE_RATCHET,
};

extern const struct gate_tolerance gate_ratchet_site;

/* What becomes of `old`; false: it stays as it is. */
bool gate_ratchet_merge(const struct gate_comparison *comparison,
			const struct gate_baseline *old, const struct gate_result *result,
			enum gate_update how, struct gate_baseline *ret_merged);
/*
 * Of a file. Where there is none, or none that can be read or compared with, GATE_UPDATE_ALL
 * writes it anew; a ratchet says what is wrong with it.
 */
int gate_ratchet_update(const char *path, const struct gate_comparison *comparison,
			const struct gate_result *result, enum gate_update how,
			bool *ret_written, struct err *err);

#endif
