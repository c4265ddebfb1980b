/*
 * path_globs.h - patterns of paths, as people know them from .gitignore and pyproject.toml.
 *
 * A `*`, `?` or `[...]` stands for what is between two slashes, and a component `**` for any
 * number of components, none among them. A pattern of a folder is one of all that lies in it.
 * One that doesn't begin with a slash is of what lies in `folder`; so are paths that don't.
 *
 * Memory: borrows everything.
 */
#ifndef MEMTRACE_PATH_GLOBS_H
#define MEMTRACE_PATH_GLOBS_H

#include <stdbool.h>
#include <stddef.h>

struct path_globs {
	const char *folder; /* ends with a slash */
	char *const *patterns;
	size_t count;
};

bool path_globs_match(const struct path_globs *globs, const char *path);

#endif
