/*
 * filter.h - what --focus and --ignore leave of a profile's stacks.
 *
 * Memory: filter_release; the patterns may point into the filter, which must not be moved.
 */
#ifndef MEMTRACE_FILTER_H
#define MEMTRACE_FILTER_H

#include <regex.h>

#include "../collector/err.h"

struct filter {
	const regex_t *focus, *ignore; /* NULL: none was asked for */
	regex_t focus_pattern, ignore_pattern;
};

/* Extended regular expressions, or NULL. On failure there is nothing to release. */
int filter_init(struct filter *filter, const char *focus, const char *ignore, struct err *err);
void filter_release(struct filter *filter);

#endif
