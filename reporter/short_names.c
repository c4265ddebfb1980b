#include "short_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/linetable.h"
#include "../collector/mem.h"

struct ended {
	const char *path;
	size_t len;
};

/* By their last characters first, so that files of one name are neighbours. */
static int compare_ends(const void *left, const void *right)
{
	const struct ended *a = left, *b = right;
	for (size_t i = 1; i <= a->len && i <= b->len; i++) {
		const int difference = (unsigned char)a->path[a->len - i] -
				       (unsigned char)b->path[b->len - i];
		if (difference)
			return difference;
	}
	return (a->len > b->len) - (a->len < b->len);
}

/* Components, from the last one on, that two paths have in common. */
static size_t shared_components(const struct ended *a, const struct ended *b)
{
	size_t shared = 0, i = 1;
	for (; i <= a->len && i <= b->len; i++) {
		if (a->path[a->len - i] != b->path[b->len - i])
			return shared;
		shared += a->path[a->len - i] == '/';
	}
	/* One of them ends here: it shares its first component where the other's ends, too. */
	const struct ended *longer = a->len > b->len ? a : b;
	return shared + (i > longer->len || longer->path[longer->len - i] == '/');
}

static const char *last_components(const struct ended *item, size_t count)
{
	for (size_t i = item->len; i > 0; i--)
		if (item->path[i - 1] == '/' && --count == 0)
			return item->path + i;
	return item->path;
}

static const char *name_of(const struct ended *item, size_t shared)
{
	const char *name = last_components(item, shared + 1);
	/* Every package has one: the folder is what it is called by. */
	if (!shared && (strcmp(name, "__init__.py") == 0 || strcmp(name, "__main__.py") == 0))
		name = last_components(item, 2);
	return name;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

void short_names_init(struct short_names *names, const struct lines *lines)
{
	__attribute__((cleanup(mem_scope))) struct ended *ends =
		mem_alloc(lines->place_count * sizeof ends[0]);
	size_t count = 0;
	for (size_t i = 0; i < lines->place_count; i++)
		if (lines->places[i].path)
			ends[count++] = (struct ended){lines->places[i].path,
						       strlen(lines->places[i].path)};
	if (count)
		qsort(ends, count, sizeof ends[0], compare_ends);
	u64map_init(&names->by_path);
	size_t before = 0;
	for (size_t i = 0; i < count; i++) {
		const size_t after = i + 1 < count ? shared_components(&ends[i], &ends[i + 1])
						   : 0;
		*u64map_put(&names->by_path, (uintptr_t)ends[i].path) =
			(uintptr_t)name_of(&ends[i], larger(before, after));
		before = after;
	}
}

void short_names_release(struct short_names *names)
{
	u64map_release(&names->by_path);
}

/* "<frozen importlib._bootstrap>" says no more than the module in it. */
static const char *without_frozen(const char *name, size_t *len)
{
	static const char frozen[] = "<frozen ";
	*len = strlen(name);
	if (strncmp(name, frozen, sizeof frozen - 1) != 0 || name[*len - 1] != '>')
		return name;
	*len -= sizeof frozen;
	return name + sizeof frozen - 1;
}

char *short_names_group(const struct short_names *names, const struct group *group)
{
	if (!group->file)
		return mem_text(group->module ? group->module : group->name.text);
	const uint64_t *found = u64map_get(&names->by_path, (uintptr_t)group->file);
	size_t len;
	const char *name = without_frozen(found ? (const char *)*found : group->file, &len);
	const size_t size = len + (group->function ? strlen(group->function) : 0) + 16;
	char *text = mem_alloc(size);
	if (group->line != LINE_NONE)
		snprintf(text, size, "%.*s:%d", (int)len, name, group->line);
	else if (group->function)
		snprintf(text, size, "%s (%.*s)", group->function, (int)len, name);
	else
		snprintf(text, size, "%.*s", (int)len, name);
	return text;
}
