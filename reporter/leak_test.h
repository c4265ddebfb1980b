/*
 * leak_test.h - which groups of stacks grow, and whether they will go on.
 *
 * Of a history (history.h), without its first fifth, where programs warm up, 24 windows
 * are made, each with the least that was live in it. A group that rises over them more than
 * chance allows (trend.h; one-sided, over all groups that are tested by the procedure of
 * Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57, 1995, at a false
 * discovery rate of 5 %), and by LEAK_FLOOR_BYTES at least and a thousandth of all that is live,
 *	fills	where it isn't sure that it rose more than a quarter as fast in the last third of
 *		the windows as in the first, or as on the whole, or that it rose in the last half
 *		at all (at 1 %): a cache, a table of what was seen. A rise of which one window
 *		makes more than half is none there: a hash table that was made larger once.
 *		Or, by time, where it stands still in the last slices, in so many as chance
 *		allows once in a hundred times by how often it stood still before, while its
 *		blocks are allocated half as fast as before or faster: what is full and goes
 *		on being used. Where they aren't, the program may just rest;
 *	leaks	where it didn't slow down, and blocks that grew old were not freed later on: of n
 *		blocks older than all but a hundredth of those freed had become, s still live, and
 *		(s + 1) / (n + 2), Laplace's rule of succession, is LEAK_LEAST_CHANCE or more;
 *	grows	otherwise.
 * Sure are Theil and Sen's lower bounds (trend.h); with fewer than 18 windows, six of them, or
 * half where there are fewer than twelve, are the last third, as bounds want six. Thirds, the
 * quarter and the half are choices, held against programs of known kind (tests/truth).
 *
 * Where marks are windows their number is the clock, for iterations need not take equally long,
 * and slopes are brought to seconds at the end. Windows by time are a second each at least: a
 * run of less than some eight seconds is too short to tell. Whatever a program still builds when
 * it ends looks like a leak: no figure tells the two apart.
 *
 * Memory: leak_tests_release.
 */
#ifndef MEMTRACE_LEAK_TEST_H
#define MEMTRACE_LEAK_TEST_H

#include "births.h"
#include "history.h"
#include "trend.h"

enum { LEAK_FLOOR_BYTES = 64 << 10, LEAK_WINDOWS = 24, LEAK_AGES = PROFILE_AGES };
#define LEAK_LEAST_CHANCE 0.5

enum leak_kind {
	LEAK_NONE = 0, /* not tested, or it doesn't grow */
	LEAK_TOO_SHORT,
	LEAK_FILLS,
	LEAK_GROWS,
	LEAK_LEAKS,
};

extern const char *const leak_kind_names[];

struct leak_test {
	enum leak_kind kind;
	bool tested;
	struct trend trend;     /* where tested: bytes per second */
	double blocks_per_mark; /* by marks: how many more blocks at each; NaN otherwise */
	double chance;          /* of going on living once old; NaN: nothing is known */
	double score;           /* trend.low * chance, not below 0: reports rank by it */
	/*
	 * The part of blocks that outlives the window of its birth ([0]) or 2^k seconds ([k]),
	 * by the product-limit estimate of E. L. Kaplan and P. Meier, Journal of the American
	 * Statistical Association 53, 1958: a block that is live at the end counts for as long
	 * as it was seen. Known are the first `survival_count`; none grew older.
	 */
	double survival[LEAK_AGES];
	size_t survival_count;
};

struct leak_tests {
	bool too_short; /* for any */
	bool by_marks;
	double from_seconds, to_seconds; /* what was looked at */
	double marks_per_second;         /* in that time; 0: not by marks */
	size_t count;
	struct leak_test *items; /* by group */
};

/* `to`: where the history ends. Ages of blocks are known as of the end of the run alone. */
void leak_tests_compute(const struct grouping *grouping, const struct history *history,
			const struct births *births, const struct moment *to,
			struct leak_tests *ret_tests);
void leak_tests_release(struct leak_tests *tests);
/*
 * Of `count` chances that what isn't there shows itself so clearly, by index: those that are to
 * be believed, so that of all that are, a part of `rate` at most is wrong in the long run.
 */
void leak_tests_believe(const double *chances, size_t count, double rate, bool *ret_believed);

#endif
