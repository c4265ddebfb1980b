/*
 * gate.h - what a gate measured and judged: the common ground of what measures, what compares
 * with a baseline, and what writes the outcome for people and machines.
 *
 * A gate takes the profiles of one program, run once or several times, reduces each to the same
 * metrics and sites, takes medians, and judges budgets, new sites and leaks. It fails closed:
 * where something needed isn't there, it has no verdict, and says in one sentence which and how
 * to mend it.
 *
 * Every figure is in the unit that its metric names; an unknown one is NAN. Texts belong to the
 * result unless it is said otherwise.
 *
 * Memory: gate_result_release.
 */
#ifndef MEMTRACE_GATE_H
#define MEMTRACE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gate_metric {
	GATE_LIVE_END = 0,         /* bytes live at the end */
	GATE_PEAK_LIVE,            /* most bytes that were live at once */
	GATE_ALLOCATIONS,          /* blocks ever allocated */
	GATE_ALLOCATED_BYTES,      /* bytes ever allocated */
	GATE_GROWTH_PER_ITERATION, /* bytes, from one mark "iter..." to the next */
	GATE_PINNED_BYTES,         /* free bytes in arenas that can't go back, at the end */
	GATE_ARENAS_PEAK,          /* most bytes in arenas at once */
	GATE_RSS_PEAK,             /* most bytes resident at once */
	GATE_METRIC_COUNT,
	GATE_NO_METRIC = GATE_METRIC_COUNT,
};

struct gate_metric_info {
	const char *key;  /* as in settings and files: "live_end" */
	const char *unit; /* "bytes", "blocks" or "bytes per iteration" */
	bool bytes;
	bool counted;       /* near-deterministic; what isn't, warns unless told otherwise */
	bool needs_windows; /* marks "iter..." */
};

extern const struct gate_metric_info gate_metrics[GATE_METRIC_COUNT];

enum gate_metric gate_metric_find(const char *key); /* GATE_NO_METRIC: none; NULL is fine */

/* Over `runs` runs; mad: median absolute deviation. runs 0: not known. */
struct gate_measure {
	double median, mad;
	unsigned runs;
};

enum gate_outcome { GATE_PASSED = 0, GATE_WARNED, GATE_FAILED, GATE_UNKNOWN };

enum gate_check_kind {
	GATE_CHECK_BUDGET = 0, /* a metric of the whole program */
	GATE_CHECK_NEW_SITE,   /* a site the baseline hasn't */
	GATE_CHECK_LEAK,       /* a site that grows with every iteration */
};

struct gate_frame {
	char *function; /* qualified name */
	char *file;     /* relative to the root where it lies in it */
	int32_t line;   /* 0: not known */
};

/*
 * Where memory was allocated, as the gate names it. The key is the chain of own functions'
 * qualified names, outermost first, joined by " > ": no line numbers and no files, so that edits
 * above a line and renamed files don't orphan it.
 */
struct gate_site {
	char *key;
	char *source; /* the line's text; NULL: not to be had */
	struct gate_frame
		*frames;    /* innermost own frame first; what findings point at is [0] */
	size_t frame_count; /* 0: no line, the whole program */
	struct gate_measure live_bytes, live_blocks; /* at the end */
	/* What it grows by with every iteration, over all windows and over their last half, where
	 * what only fills up doesn't: the less of the two. NAN: too few windows. */
	double bytes_per_iteration;
	/* Of one that doesn't grow rising so clearly (trend.h); NAN: nothing there to test, as
	 * there are too few windows, or it never changed. */
	double growth_chance;
};

/* Something that was judged, whether it passed or not. */
struct gate_check {
	enum gate_check_kind kind;
	enum gate_outcome outcome;
	enum gate_metric metric;      /* of a budget */
	double measured, limit;       /* NAN: none */
	double baseline;              /* NAN: the baseline says nothing, or there is none */
	char *title;                  /* short: "live_end" or "new site: Store.put" */
	char *message;                /* a sentence: what, how much, against what */
	const struct gate_site *site; /* most to blame; NULL: none */
	struct gate_site *own_site;   /* the same, where it isn't one of the result's sites */
};

struct gate_environment {
	char *python, *abi, *arch, *libc, *allocator, *mode, *hash_seed;
	uint64_t arena_bytes;
	uint64_t sample_bytes; /* mean distance of two samples; 0: every block is recorded */
};

enum gate_status {
	GATE_FINE = 0,
	GATE_REGRESSION = 1,
	GATE_NO_VERDICT = 3,
	GATE_COMMAND_FAILED = 4,
};

struct gate_result {
	enum gate_status status;
	char *why;     /* of no verdict, or of a failed command: one sentence, how to mend it */
	char *command; /* to run it all again, as for a shell */
	char *baseline_path; /* NULL: none was given */
	struct gate_environment environment;
	struct gate_measure metrics[GATE_METRIC_COUNT];
	unsigned windows;        /* iterations behind the warm-up; of several runs the least */
	struct gate_site *sites; /* heaviest at the end first */
	size_t site_count;
	struct gate_check *checks; /* failed ones first, then warnings; worst first in each */
	size_t check_count;
	char **warnings; /* what isn't judged but should be known: another minor of Python, ... */
	size_t warning_count;
};

void gate_result_release(struct gate_result *result);
void gate_site_release(struct gate_site *site);
void gate_environment_release(struct gate_environment *environment);
/* Behind those that are there; the result owns its texts then. One that failed makes a result that
 * was fine a regression. */
void gate_result_add_check(struct gate_result *result, struct gate_check check);
void gate_result_add_warning(struct gate_result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The first sentence stays: what comes after it may follow from it. */
void gate_result_no_verdict(struct gate_result *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Failed ones first, then warnings; in each those that are farthest above their limit. */
void gate_result_sort(struct gate_result *result);
enum gate_sites_by { GATE_SITES_BY_KEY = 0, GATE_SITES_BY_BYTES /* most first */ };
void gate_sites_sort(struct gate_site *sites, size_t count, enum gate_sites_by by);
/* How many checks came out so. */
size_t gate_result_count(const struct gate_result *result, enum gate_outcome outcome);

#endif
