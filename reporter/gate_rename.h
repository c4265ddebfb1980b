/*
 * gate_rename.h - sites that have another name than in the baseline.
 *
 * Where one went and one appeared whose innermost functions have the same bare name (what
 * follows the last dot), and which hold the same within GATE_RENAME_PART, it is taken for the
 * same: a caller, a class or a module was renamed, or code moved. Where several went, the one
 * that is closest in bytes is it, for the heaviest new one first.
 *
 * Memory: the array is the caller's to free.
 */
#ifndef MEMTRACE_GATE_RENAME_H
#define MEMTRACE_GATE_RENAME_H

#include "gate_baseline.h"

#define GATE_RENAME_PART 0.1

/* By index of a site now: which one it was before; NULL: it was there, or it is new. */
const struct gate_baseline_site **gate_rename_find(const struct gate_baseline *before,
						   const struct gate_baseline *now);

#endif
