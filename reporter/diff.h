/*
 * diff.h - two profiles compared: two runs, two versions or two processes.
 *
 * Rows are what grouping.h makes of each profile, joined by what they are in the newer program
 * (matching.h): what a line before is after. A row that only one side has appeared, or went.
 * Figures are differences of what one asked for: what is live at `to`, what grew since `from`,
 * what was live at the peak, or all that was allocated. Rows come largest growth first.
 *
 * Memory: diff_release; the sides' profiles must outlive it.
 */
#ifndef MEMTRACE_DIFF_H
#define MEMTRACE_DIFF_H

#include "growth.h"
#include "matching.h"
#include "resident_set.h"

enum diff_weight {
	DIFF_LIVE = 0,
	DIFF_GROWTH,
	DIFF_PEAK,
	DIFF_TOTAL,
	DIFF_WEIGHT_COUNT,
};

extern const char *const diff_weight_names[DIFF_WEIGHT_COUNT + 1]; /* ends with NULL */

/* Figures of a whole process. */
enum diff_figure {
	DIFF_LIVE_BYTES = 0,
	DIFF_LIVE_BLOCKS,
	DIFF_PEAK_BYTES,
	DIFF_ALLOCATIONS,
	DIFF_ARENA_BYTES,
	DIFF_ARENA_FREE_BYTES,
	DIFF_HEAP_USED_BYTES,
	DIFF_HEAP_FREE_BYTES,
	DIFF_RSS_BYTES,
	DIFF_ANON_BYTES,
	DIFF_FILE_BYTES,
	DIFF_FIGURE_COUNT,
};

struct diff_figure_name {
	const char *key, *text;
	bool bytes;
};

extern const struct diff_figure_name diff_figure_names[DIFF_FIGURE_COUNT];

struct diff_side {
	const struct profile *profile;
	bool running; /* a checkpoint of a run that goes on */
	struct moment from, to;
	struct lines *lines;
	struct grouping grouping;
	struct growth growth;
	uint64_t figures[DIFF_FIGURE_COUNT]; /* UINT64_MAX: not known */
	struct resident_set resident;        /* at `to`, or nearest to it */
};

enum diff_change { DIFF_SAME = 0, DIFF_GREW, DIFF_SHRANK, DIFF_APPEARED, DIFF_WENT };

extern const char *const diff_change_names[];

struct diff_row {
	const struct group *before, *after; /* NULL: that side has no such row */
	struct growth_figures before_figures, after_figures;
	int64_t bytes, blocks; /* difference of what was asked for; no blocks of the peak */
	enum diff_change change;
};

struct diff_query {
	const struct profile *before, *after;
	bool before_running, after_running;
	struct moment before_from, before_to, after_from, after_to;
	enum grouping_by by; /* anything but stacks and threads */
	enum diff_weight weight;
	const regex_t *focus, *ignore;
};

struct diff {
	enum grouping_by by;
	enum diff_weight weight;
	bool filtered;
	struct diff_side before, after;
	struct diff_row *rows;
	size_t row_count;
	size_t grown; /* rows that grew come first, those that shrank last */
	size_t shrunk;
	struct diff_row total;
};

void diff_init(struct diff *diff, const struct diff_query *query);
void diff_release(struct diff *diff);

/* Fills figures. */
void diff_figures_of(struct diff_side *side);
/* What is compared of one side of a row. */
int64_t diff_bytes(enum diff_weight weight, const struct growth_figures *figures);
int64_t diff_blocks(enum diff_weight weight, const struct growth_figures *figures);

/* Sentences: why figures may differ without the program being better or worse. */
typedef void diff_each(void *user, const char *sentence);
void diff_notes(const struct diff *diff, diff_each *each, void *user);

#endif
