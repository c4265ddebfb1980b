/*
 * verdict.h - what is wrong with the memory of a program, if anything, and what would help.
 *
 * So far one thing is found: fragmentation. Of the interpreter's arenas, or of the C heap, at
 * least 8 MiB and a quarter are free but not given back, and they are at least a fifth of the
 * resident set (where that is known). Every sentence tells figures of this run: what the lines
 * that hold arenas would give back when they let go, and what the C heap could return by
 * itself.
 *
 * Confidence: high where half of the arenas' bytes are free; medium below, and where not all
 * blocks that hold them have a name; low where events were lost or an audit found differences,
 * for then nobody knows what is live.
 *
 * Memory: verdict_release.
 */
#ifndef MEMTRACE_VERDICT_H
#define MEMTRACE_VERDICT_H

#include "c_heap.h"
#include "caption.h"
#include "fragmentation.h"
#include "pinning.h"
#include "units.h"

enum verdict_kind { VERDICT_NONE = 0, VERDICT_FRAGMENTATION };
enum verdict_confidence { VERDICT_LOW = 0, VERDICT_MEDIUM, VERDICT_HIGH };

extern const char *const verdict_kind_names[];
extern const char *const verdict_confidence_names[];

enum { VERDICT_MAX_SENTENCES = 6 };

struct verdict {
	enum verdict_kind kind;
	enum verdict_confidence confidence;
	bool of_arenas, of_heap;
	char *reasons[VERDICT_MAX_SENTENCES]; /* NULL from the last one on */
	char *advice[VERDICT_MAX_SENTENCES];
	uint64_t returned_bytes; /* by what is advised, of the arenas */
	size_t released_rows;    /* of pinning.release: whose blocks that takes */
};

struct verdict_query {
	const struct profile *profile;
	struct moment moment;
	const struct fragmentation *fragmentation;
	const struct c_heap *heap;
	const struct pinning *pinning; /* of all rows, nothing left out */
	enum grouping_by by;           /* that they were made */
	enum units_kind units;
	struct caption_folder folder;
};

void verdict_find(const struct verdict_query *query, struct verdict *ret_verdict);
void verdict_release(struct verdict *verdict);

#endif
