/*
 * gate_baseline.h - what a gate compares with: the figures of a run that was found good, in a
 * file that is committed beside the program.
 *
 * JSON with sorted keys and a site on each line, so that a change of it reads well and two
 * branches merge. Sites are named by their chains of functions alone, so that a line that moved
 * changes nothing. Those of GATE_BASELINE_LEAST_BYTES or more are kept, at most
 * GATE_BASELINE_SITES of them, the heaviest; of the others their sum and the largest are told:
 * what isn't heavier than that one may have been there before.
 *
 * A file is read whole or not at all. Keys that aren't known are passed over, for a newer
 * memtrace may add some; one that means something else has another schema, and is refused.
 * Figures are kept to a thousandth, and finite.
 *
 * Memory: gate_baseline_release. A baseline is independent of the result it was made of.
 */
#ifndef MEMTRACE_GATE_BASELINE_H
#define MEMTRACE_GATE_BASELINE_H

#include "../collector/err.h"
#include "gate.h"

enum {
	GATE_BASELINE_LEAST_BYTES = 4 << 10,
	GATE_BASELINE_SITES = 1000,
	GATE_BASELINE_MOST_BYTES = 16 << 20, /* of a file */
};

struct gate_baseline_site {
	char *key;
	struct gate_measure live_bytes, live_blocks;
};

struct gate_baseline {
	struct gate_environment environment;
	struct gate_measure metrics[GATE_METRIC_COUNT]; /* runs 0: it isn't in the file */
	struct gate_baseline_site *sites;               /* by key, each once */
	size_t site_count;
	/* Sites that aren't kept: how many, all of them, the largest. */
	uint64_t left_out_sites;
	double left_out_bytes, left_out_largest;
};

void gate_baseline_of(const struct gate_result *result, struct gate_baseline *ret_baseline);
void gate_baseline_release(struct gate_baseline *baseline);
/* NULL: it isn't kept. */
const struct gate_baseline_site *gate_baseline_find(const struct gate_baseline *baseline,
						    const char *key);

/* `path` is for sentences alone. */
int gate_baseline_parse(const void *bytes, size_t len, const char *path,
			struct gate_baseline *ret_baseline, struct err *err);
int gate_baseline_read(const char *path, struct gate_baseline *ret_baseline, struct err *err);
/* The old file stays until the new one is whole. What is a link stays one. */
int gate_baseline_write(const struct gate_baseline *baseline, const char *path,
			struct err *err);

#endif
