#include "path_globs.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* Longer ones no file system has. */
enum { COMPONENT_MOST = 255 };

struct component {
	char text[COMPONENT_MOST + 1];
};

/* Where the next one begins; NULL: there is none. */
static const char *cut(const char *path, struct component *ret_component)
{
	const size_t len = strcspn(path, "/");
	snprintf(ret_component->text, sizeof ret_component->text, "%.*s", (int)len, path);
	return path[len] && path[len + 1] ? path + len + 1 : NULL;
}

static bool matches(const char *pattern, const char *path)
{
	struct component wanted, is;
	const char *const pattern_rest = cut(pattern, &wanted);
	if (!strcmp(wanted.text, "**")) {
		/* Of nothing, or of one component and what else it is of. */
		if (!pattern_rest || matches(pattern_rest, path))
			return true;
		const char *const path_rest = cut(path, &is);
		return path_rest && matches(pattern, path_rest);
	}
	const char *const path_rest = cut(path, &is);
	if (fnmatch(wanted.text, is.text, 0))
		return false;
	return !pattern_rest || (path_rest && matches(pattern_rest, path_rest));
}

bool path_globs_match(const struct path_globs *globs, const char *path)
{
	const size_t len = strlen(globs->folder);
	const char *below = strncmp(path, globs->folder, len) ? path : path + len;
	for (size_t i = 0; i < globs->count; i++) {
		const char *pattern = globs->patterns[i];
		if (matches(pattern, *pattern == '/' ? path : below))
			return true;
	}
	return false;
}
