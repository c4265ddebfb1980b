/*
 * short_names.h - files by as little of their paths as tells them apart: "app.py", and where
 * there is another one of that name "shop/app.py". A package's own file is never "__init__.py"
 * alone.
 *
 * Memory: short_names_release; names point into the profile's texts.
 */
#ifndef MEMTRACE_SHORT_NAMES_H
#define MEMTRACE_SHORT_NAMES_H

#include "grouping.h"

struct short_names {
	struct u64map by_path; /* both are texts' addresses */
};

void short_names_init(struct short_names *names, const struct lines *lines);
void short_names_release(struct short_names *names);
/* "app.py:31", or what a group without a file is called; for the caller to free. */
char *short_names_group(const struct short_names *names, const struct group *group);

#endif
