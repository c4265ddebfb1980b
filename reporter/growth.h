/*
 * growth.h - which lines, functions, files, ... memory grew from, between two moments.
 *
 * Size and count are what was live at `to`; their differences are against `from`. The other
 * figures are of the whole run. Rows come largest growth first; their order never depends on
 * chance.
 */
#ifndef MEMTRACE_GROWTH_H
#define MEMTRACE_GROWTH_H

#include "grouping.h"
#include "moment.h"

struct growth_query {
	const struct grouping *grouping; /* computed */
	struct moment from, to;
};

struct growth_figures {
	uint64_t size_bytes, count;
	int64_t size_diff_bytes, count_diff;
	uint64_t total_bytes, total_count; /* ever allocated */
	uint64_t temporary_bytes, temporary_count;
	uint64_t gc_freed_bytes, gc_freed_count;
	uint64_t peak_bytes; /* when the whole program had most */
};

struct growth_row {
	struct group group; /* stood for by the trace that grew most, or has most */
	uint32_t index;     /* of the grouping's groups; of several processes: GROUPING_NONE */
	struct growth_figures figures;
};

struct growth {
	struct growth_row *rows;
	size_t row_count;
	struct growth_figures total;
};

void growth_compute(const struct growth_query *query, struct growth *ret_growth);
void growth_release(struct growth *growth);

/* Wraps instead of overflowing: figures out of a damaged profile may be anything. */
void growth_add(struct growth_figures *sum, const struct growth_figures *more);
bool growth_is_heavier(const struct growth_figures *a, const struct growth_figures *b);
/* For qsort of rows: the order that reports have. */
int growth_compare(const void *left, const void *right);

#endif
