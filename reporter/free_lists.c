#include "free_lists.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST = 8, FIRST_WITHOUT_FRAMES = 11, FIRST_TRACKABLE = 13, NEWEST = 15 };

struct kept {
	unsigned first, last; /* minor versions */
	unsigned limit, block_bytes;
	bool object; /* the interpreter tells of its making; else it can't be followed */
};

/*
 * 3.8 to 3.12: the *_MAXFREELIST constants of Objects/ and pycore_*.h; from 3.13 on
 * pycore_freelist.h and pycore_freelist_state.h. Block bytes: the struct with its collector's
 * head.
 */
static const struct kept all_kept[] = {
	{8, 15, 100, 32, true},                          /* float */
	{8, 15, 80, 64, true},                           /* list */
	{8, 15, 80, 64, true},                           /* dict */
	{8, 10, 80, 176, false},                         /* the smallest dict's keys */
	{11, 15, 80, 160, false}, {8, 8, 256, 64, true}, /* method */
	{8, 8, 256, 80, true},                           /* builtin function */
	{8, 15, 255, 64, true},                          /* context */
	{8, 15, 80, 48, true},                           /* asynchronous generator's value */
	{8, 15, 80, 64, true},                           /* ... its asend() */
	{8, 15, 1, 64, true},                            /* slice */
	{13, 15, 4, 2048, false}, /* the collector's chunk of an object stack */
	{14, 15, 100, 32, true},  /* int of one digit */
	{14, 15, 20, 64, true},   /* method */
	{14, 15, 32, 80, true},   /* builtin function and method */
	{14, 15, 20, 48, true},   /* list and tuple iterator */
	{14, 15, 12, 48, true},   /* range and its iterator */
	{8, 15, 255, 48, true},   /* future's iterator */
	{14, 15, 1, 96, false},   /* writer of a str */
	{15, 15, 100, 32, true},  /* complex */
	{15, 15, 1, 336, false},  /* writer of a bytes */
};

/* One list for each length: 2,000 tuples with a collector's head, three words and the items. */
static uint64_t tuples(unsigned minor)
{
	enum { LIMIT = 2000, HEAD_BYTES = 16 + 24, HASH_BYTES = 8, STEP_BYTES = 16 };
	const unsigned longest = minor < 11 ? 19 : 20;
	uint64_t bytes = 0;
	for (unsigned i = 1; i <= longest; i++) {
		const unsigned size = HEAD_BYTES + (minor >= 14 ? HASH_BYTES : 0) + 8 * i;
		bytes += LIMIT * ((size + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES);
	}
	return bytes;
}

uint64_t free_lists_most_bytes(unsigned minor, bool tracked)
{
	if (minor < OLDEST || minor > NEWEST)
		return 0;
	uint64_t bytes = tracked ? 0 : tuples(minor);
	for (size_t i = 0; i < sizeof all_kept / sizeof all_kept[0]; i++) {
		const struct kept *kept = &all_kept[i];
		if (minor >= kept->first && minor <= kept->last && !(tracked && kept->object))
			bytes += (uint64_t)kept->limit * kept->block_bytes;
	}
	return bytes;
}

/*
 * Free-threaded builds have lists for each thread: no bound. Others than CPython have no
 * stacks.
 */
struct free_lists free_lists_of(const struct profile *profile)
{
	struct free_lists lists = {.known = false};
	const char *version = profile_info(profile, "python_version");
	const char *number = profile_info(profile, "python");
	const char *stacks = profile_info(profile, "stacks");
	const char *reuse = profile_info(profile, "reuse");
	lists.tracked = reuse && strcmp(reuse, "on") == 0;
	if (!number || strncmp(number, "3.", 2) != 0 || !stacks || strcmp(stacks, "on") != 0 ||
	    (version && strstr(version, "free-threading")))
		return lists;
	const unsigned minor = (unsigned)strtoul(number + 2, NULL, 10);
	lists.trackable = minor >= FIRST_TRACKABLE && !reuse;
	lists.most_bytes = free_lists_most_bytes(minor, lists.tracked);
	lists.counted_live_bytes = free_lists_most_bytes(minor, false);
	lists.frames = minor < FIRST_WITHOUT_FRAMES;
	lists.known = lists.most_bytes != 0;
	return lists;
}
