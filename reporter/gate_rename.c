#include "gate_rename.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

/* "put" of "main > Store.put". */
static const char *bare_name(const char *key)
{
	const char *name = key;
	for (const char *at = key; (at = strstr(at, " > "));)
		name = at += 3;
	const char *dot = strrchr(name, '.');
	return dot ? dot + 1 : name;
}

struct one {
	const struct gate_baseline_site *site;
	const char *name;
	size_t index; /* into its baseline */
};

static int by_bytes(const void *a, const void *b)
{
	const struct gate_baseline_site *one = ((const struct one *)a)->site;
	const struct gate_baseline_site *other = ((const struct one *)b)->site;
	if (one->live_bytes.median != other->live_bytes.median)
		return one->live_bytes.median < other->live_bytes.median ? 1 : -1;
	return strcmp(one->key, other->key);
}

/* Sites worth a line that the other hasn't, heaviest first. */
static struct one *only_in(const struct gate_baseline *baseline,
			   const struct gate_baseline *other, size_t *ret_count)
{
	struct one *ones = mem_alloc(baseline->site_count * sizeof ones[0]);
	size_t count = 0;
	for (size_t i = 0; i < baseline->site_count; i++) {
		const struct gate_baseline_site *site = &baseline->sites[i];
		if (site->live_bytes.median >= GATE_BASELINE_LEAST_BYTES &&
		    !gate_baseline_find(other, site->key))
			ones[count++] = (struct one){site, bare_name(site->key), i};
	}
	if (count)
		qsort(ones, count, sizeof ones[0], by_bytes);
	*ret_count = count;
	return ones;
}

static struct one *closest(struct one *gone, size_t count, const struct one *appeared)
{
	struct one *found = NULL;
	double least = INFINITY;
	for (size_t i = 0; i < count; i++) {
		if (!gone[i].site || strcmp(gone[i].name, appeared->name) != 0)
			continue;
		const double bytes = gone[i].site->live_bytes.median;
		const double far = fabs(bytes - appeared->site->live_bytes.median);
		if (far > bytes * GATE_RENAME_PART || far >= least)
			continue;
		found = &gone[i];
		least = far;
	}
	return found;
}

const struct gate_baseline_site **gate_rename_find(const struct gate_baseline *before,
						   const struct gate_baseline *now)
{
	size_t gone_count, count;
	__attribute__((cleanup(mem_scope))) struct one *gone = only_in(before, now,
								       &gone_count);
	__attribute__((cleanup(mem_scope))) struct one *appeared = only_in(now, before, &count);
	const struct gate_baseline_site **were = mem_alloc(now->site_count * sizeof were[0]);

	for (size_t i = 0; i < count; i++) {
		struct one *was = closest(gone, gone_count, &appeared[i]);
		if (!was)
			continue;
		were[appeared[i].index] = was->site;
		was->site = NULL;
	}
	return were;
}
