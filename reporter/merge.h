/*
 * merge.h - the growth of several processes as one: a prefork server's workers, a pool's.
 *
 * Rows of the parts are joined by what they are called, not by where they are: the same line,
 * the same function of a file, the same frames of a stack, threads of one name. Figures are
 * added up. Each part's growth is between its own two moments, so what a fork inherited grew
 * once, in the process that allocated it; but it is live, and counted in the totals of the run,
 * in every process that has it. A peak is the sum of what each had at its own highest moment.
 * Each process has arenas of its own, so what is pinned adds up, too; but not what several
 * lines would give back together.
 *
 * Memory: the rows' texts belong to the parts' profiles, which must outlive this.
 */
#ifndef MEMTRACE_MERGE_H
#define MEMTRACE_MERGE_H

#include "lineage.h"
#include "report.h"

struct merge {
	const struct report *parts; /* the caller's, each with its growth */
	size_t part_count;
	struct lineage lineage;
	struct growth growth;
	struct pinning pinning; /* known: of all parts */
};

void merge_init(struct merge *merge, const struct report *parts, size_t part_count);
void merge_release(struct merge *merge);

#endif
