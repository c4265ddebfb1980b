/*
 * pinning.h - whose few live blocks keep how much of the arenas from going back.
 *
 * An arena goes back to the system when no block in it is live. Its free bytes (arenas.h) are
 * held by all of its live blocks alike, so they are shared out among them: a row's pinned bytes
 * are what falls to its blocks, to the byte, and the rows' pinned bytes and those of others add
 * up to the arenas' free bytes. A row's exclusive bytes are the size of the arenas in which all
 * live blocks are its own: that much goes back when they are freed. What several rows hold
 * together is in none's: see release.h.
 *
 * Others are blocks whose stack isn't named at a mark, and those that --focus and --ignore
 * leave out: the arenas that they hold never go back by what a row does.
 *
 * Rows come largest exclusive bytes first, then pinned bytes; their order never depends on
 * chance.
 */
#ifndef MEMTRACE_PINNING_H
#define MEMTRACE_PINNING_H

#include "arenas.h"
#include "grouping.h"
#include "release.h"

struct pinning_figures {
	uint64_t blocks;
	uint64_t live_bytes;     /* of their size classes */
	uint64_t rounding_bytes; /* of those, what nobody asked for; 0 where it isn't known */
	uint64_t pinned_bytes;
	uint64_t arenas;
	uint64_t exclusive_arenas, exclusive_bytes;
};

struct pinning_row {
	struct group group; /* stood for by the trace that pins most */
	struct pinning_figures figures;
	/* Ages at that moment: births are known by their window, these go back to its start. */
	double oldest_seconds, newest_seconds;
};

struct pinning {
	bool known;
	bool rounding_known;
	struct pinning_row *rows;
	size_t row_count;
	struct pinning_figures total;  /* of rows; arenas that several hold count once */
	struct pinning_figures others; /* likewise; nothing is known of their arenas */
	struct release release;        /* of rows */
};

/* `seconds`: when the arenas were so. `grouping` is computed, of the same profile. */
void pinning_compute(const struct arenas *arenas, const struct grouping *grouping,
		     double seconds, struct pinning *ret_pinning);
void pinning_release(struct pinning *pinning);

/* For qsort of rows: the order that reports have. */
int pinning_compare(const void *left, const void *right);

/* Arenas of several processes are different ones: everything adds up, ages are the widest. */
void pinning_join(struct pinning_row *row, const struct pinning_row *more);
void pinning_add(struct pinning_figures *sum, const struct pinning_figures *more);

#endif
