/*
 * verdict.h - what is wrong with the memory of a program, if anything, and what would help.
 *
 * Five things are found. Leaks: rows that grow and don't slow down (leak_test.h), the surest
 * and fastest first. Fragmentation: of the interpreter's arenas, or of the C heap, at least
 * 8 MiB and a quarter are free but not given back, and they are at least a fifth of the
 * resident set (where that is known). Outside: the resident set grows, and live blocks
 * don't explain it. Caches: rows that filled up. High water: a peak is long past, and a fifth
 * of the resident set is what it left. The first of these that is found is the verdict; what is
 * found of the others is among its reasons. Every sentence tells figures of this run: how fast
 * rows grow and when they meet a limit (limit.h), what the lines that hold arenas would give
 * back when they let go, and what the C heap could return by itself.
 *
 * Confidence of a leak: high where nine in ten of the blocks that grew old stayed, and chance
 * alone would show such a rise once in a thousand times. Of fragmentation: high where half of
 * the arenas' bytes are free; medium below, and where not all blocks that hold them have a
 * name. Low where events were lost or an audit found differences, for then nobody knows what is
 * live.
 *
 * Memory: verdict_release.
 */
#ifndef MEMTRACE_VERDICT_H
#define MEMTRACE_VERDICT_H

#include "c_heap.h"
#include "caption.h"
#include "fragmentation.h"
#include "growth.h"
#include "leak_test.h"
#include "limit.h"
#include "pinning.h"
#include "resident_set.h"
#include "units.h"

enum verdict_kind {
	VERDICT_NONE = 0,
	VERDICT_FRAGMENTATION,
	VERDICT_LEAK,
	VERDICT_CACHE,
	VERDICT_OUTSIDE,
	VERDICT_HIGH_WATER,
};
enum verdict_confidence { VERDICT_LOW = 0, VERDICT_MEDIUM, VERDICT_HIGH };

extern const char *const verdict_kind_names[];
extern const char *const verdict_confidence_names[];

enum { VERDICT_MAX_SENTENCES = 10 };

struct verdict {
	enum verdict_kind kind;
	enum verdict_confidence confidence;
	bool of_arenas, of_heap;
	char *reasons[VERDICT_MAX_SENTENCES]; /* NULL from the last one on */
	char *advice[VERDICT_MAX_SENTENCES];
	uint64_t returned_bytes; /* by what is advised, of the arenas */
	size_t released_rows;    /* of pinning.release: whose blocks that takes */
	size_t leaks, caches;    /* rows */
	struct trend leaking;    /* of all rows that leak together: bytes per second */
	struct limit limit;
	struct limit_forecast forecast; /* by `leaking` */
	double restart_marks;           /* so many later, at the soonest; NaN: not by marks */
};

struct verdict_query {
	const struct profile *profile;
	struct moment moment;
	const struct fragmentation *fragmentation;
	const struct c_heap *heap;
	const struct resident_set *resident; /* NULL: nothing is known */
	const struct pinning *pinning;       /* of all rows, nothing left out */
	const struct growth *growth;         /* likewise */
	const struct leak_tests *leaks;
	enum grouping_by by; /* that they were made */
	enum units_kind units;
	struct caption_folder folder;
};

/* Sentences of verdict_growth.c about leaks or caches; how many rows are. */
size_t verdict_say_growth(const struct verdict_query *query, enum leak_kind kind,
			  struct verdict *verdict);
/*
 * Sentences of verdict_resident.c, and how sure they are. False: there is nothing to say.
 * Outside: by the collector's looks, what is resident and no live block grows.
 */
bool verdict_say_outside(const struct verdict_query *query, struct verdict *verdict);
bool verdict_say_high_water(const struct verdict_query *query, struct verdict *verdict);
/* One more sentence, where there is room for it. */
__attribute__((format(printf, 2, 3))) void verdict_say(char **sentences, const char *format,
						       ...);

void verdict_find(const struct verdict_query *query, struct verdict *ret_verdict);
void verdict_release(struct verdict *verdict);

#endif
