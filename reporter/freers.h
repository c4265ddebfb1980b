/*
 * freers.h - who frees the blocks of a row: the lines, functions, ... of the stacks that freed.
 *
 * Of runs that recorded it (MEMTRACE_FREES=1). Figures are of the whole run until the
 * interpreter finalises, whatever moments a report is of; cancelled pairs are among them. The
 * freeing side is grouped as the rows are, and nothing of it is left out.
 *
 * Freers of a row come most bytes first; their order never depends on chance.
 *
 * Memory: texts belong to the lines and their profile, which must outlive this.
 */
#ifndef MEMTRACE_FREERS_H
#define MEMTRACE_FREERS_H

#include "grouping.h"

enum freer_kind {
	FREER_KNOWN,
	FREER_UNKNOWN, /* Python kept the block for another object, or nobody saw it */
	FREER_OTHERS,  /* stacks that the profile doesn't tell apart */
};

struct freer_figures {
	uint64_t blocks, bytes;
	uint64_t gc_blocks, gc_bytes;       /* inside a cyclic collection */
	uint64_t moved_blocks, moved_bytes; /* by a realloc */
};

struct freer {
	enum freer_kind kind;
	uint32_t row;       /* whose blocks: into the grouping's groups */
	struct group group; /* FREER_KNOWN; stood for by the stack that freed most */
	struct freer_figures figures;
};

struct freers {
	bool known;          /* the run recorded who frees */
	struct freer *items; /* row by row */
	size_t count;
	struct grouping by; /* the freeing side */
};

void freers_compute(const struct grouping *grouping, struct freers *ret_freers);
void freers_release(struct freers *freers);
/* Those of a row, largest first; NULL: nobody freed any. */
const struct freer *freers_of(const struct freers *freers, uint32_t row, size_t *ret_count);
/* All of these together. */
struct freer_figures freers_sum(const struct freer *items, size_t count);

#endif
