#include "lineage.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

const char *const lineage_words[] = {
	[LINEAGE_FIRST] = NULL,
	[LINEAGE_STARTED] = "started",
	[LINEAGE_FORKED] = "forked",
	[LINEAGE_EXECUTED] = "executed",
};

struct parent {
	size_t part; /* SIZE_MAX: none of them */
	enum lineage_how how;
};

struct parts {
	const struct profile *const *profiles;
	struct parent *parents;
	size_t count;
};

static uint64_t number_of(const struct profile *profile, const char *key)
{
	const char *text = profile_info(profile, key);
	if (!text || !*text || text[strspn(text, "0123456789")])
		return 0;
	return strtoull(text, NULL, 10);
}

uint64_t lineage_parent_pid(const struct profile *profile)
{
	return number_of(profile, "parent_pid");
}

uint64_t lineage_parent_run(const struct profile *profile)
{
	return number_of(profile, "parent_run");
}

static bool became(const struct profile_run *before, const struct profile_run *after)
{
	return before->end == PROFILE_EXEC && before->pid == after->pid &&
	       before->process_start && before->process_start == after->process_start &&
	       before->start_real_ns < after->start_real_ns;
}

/* A process may become one program after the other: the last one before it is meant. */
static size_t find_former(const struct parts *parts, size_t child)
{
	size_t found = SIZE_MAX;
	for (size_t i = 0; i < parts->count; i++) {
		const struct profile_run *run = &parts->profiles[i]->run;
		if (i != child && became(run, &parts->profiles[child]->run) &&
		    (found == SIZE_MAX ||
		     run->start_real_ns >= parts->profiles[found]->run.start_real_ns))
			found = i;
	}
	return found;
}

static size_t find_run(const struct parts *parts, uint64_t run_id)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->profiles[i]->run.run_id == run_id)
			return i;
	return SIZE_MAX;
}

static size_t find_pid(const struct parts *parts, uint64_t pid)
{
	for (size_t i = 0; pid && i < parts->count; i++)
		if (parts->profiles[i]->run.pid == pid)
			return i;
	return SIZE_MAX;
}

static struct parent find_parent(const struct parts *parts, size_t child)
{
	const struct profile *profile = parts->profiles[child];
	const uint64_t run = lineage_parent_run(profile);
	const bool forked = profile_info(profile, "forked");
	struct parent parent = {.part = SIZE_MAX};
	if (!forked)
		parent.part = find_former(parts, child);
	if (parent.part != SIZE_MAX) {
		parent.how = LINEAGE_EXECUTED;
		return parent;
	}
	parent.part = run ? find_run(parts, run) : find_pid(parts, lineage_parent_pid(profile));
	if (parent.part == child)
		parent.part = SIZE_MAX;
	if (forked)
		parent.how = LINEAGE_FORKED;
	else if (run || parent.part != SIZE_MAX)
		parent.how = LINEAGE_STARTED;
	return parent;
}

/* The parents of hostile or old files may go round in a circle. */
static bool leads_back(const struct parts *parts, size_t part)
{
	size_t at = parts->parents[part].part;
	while (at != SIZE_MAX && at != part)
		at = parts->parents[at].part;
	return at == part;
}

static size_t place_children(struct lineage *lineage, const struct parts *parts, size_t parent,
			     size_t depth, size_t filled)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (parts->parents[i].part != parent)
			continue;
		lineage->places[filled++] = (struct lineage_place){i, parent, depth,
								   parts->parents[i].how};
		filled = place_children(lineage, parts, i, depth + 1, filled);
	}
	return filled;
}

void lineage_init(struct lineage *lineage, const struct profile *const *profiles, size_t count)
{
	__attribute__((cleanup(mem_scope))) struct parent *parents =
		mem_alloc(count * sizeof parents[0]);
	const struct parts parts = {profiles, parents, count};
	lineage->places = mem_alloc(count * sizeof lineage->places[0]);
	for (size_t i = 0; i < count; i++)
		parents[i] = (struct parent){.part = SIZE_MAX};
	for (size_t i = 0; i < count; i++) {
		parents[i] = find_parent(&parts, i);
		if (leads_back(&parts, i))
			parents[i].part = SIZE_MAX;
	}
	lineage->count = place_children(lineage, &parts, SIZE_MAX, 0, 0);
}

void lineage_release(struct lineage *lineage)
{
	free(lineage->places);
}
