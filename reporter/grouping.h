/*
 * grouping.h - the stacks of a profile put together by line, function, file, ...: the rows that
 * reports have.
 *
 * Every trace belongs to one group, or is left out by what was focused on and ignored. What a
 * group is called is the same for all its traces, but for the function of a line, which may
 * have several (a comprehension's, a lambda's), and the trace that stands for all: whoever adds
 * figures up decides which one it is.
 *
 * Memory: texts belong to the lines and their profile, which must outlive this.
 */
#ifndef MEMTRACE_GROUPING_H
#define MEMTRACE_GROUPING_H

#include <regex.h>

#include "lines.h"

enum grouping_by {
	GROUPING_BY_LINE = 0, /* of the innermost Python frame */
	GROUPING_BY_OWN,      /* of the innermost frame in the user's own code */
	GROUPING_BY_FUNCTION,
	GROUPING_BY_FILE,
	GROUPING_BY_MODULE,
	GROUPING_BY_STACK,
	GROUPING_BY_THREAD, /* wants lines that keep threads apart */
	GROUPING_BY_COUNT,
};

extern const char *const grouping_by_names[GROUPING_BY_COUNT + 1]; /* ends with NULL */

struct group {
	/* What the traces of this kind have in common; NULL or LINE_NONE where they don't. */
	const char *file;
	int32_t line;
	const char *function;
	const char *module;
	struct frame_name name; /* where there is no file: "(no Python frame)", a thread, ... */
	const struct lines *lines;
	uint32_t trace; /* of lines: the one that stands for all */
};

#define GROUPING_NONE 0xffffffffu

struct grouping {
	const struct lines *lines;
	enum grouping_by by;
	/* Matched against "file:line function" of each frame; NULL: everything. */
	const regex_t *focus, *ignore;
	struct group *groups; /* filled by grouping_compute */
	size_t count;
	uint32_t *of_trace; /* into groups; GROUPING_NONE: left out */
};

/* From lines, by, focus and ignore. */
void grouping_compute(struct grouping *grouping);
void grouping_release(struct grouping *grouping);

/* A trace of the group stands for it from now on. */
void grouping_choose(const struct grouping *grouping, struct group *group, uint32_t trace);

/* An order by what groups are called; then, within one profile, by their traces. */
int group_compare(const struct group *a, const struct group *b);
/*
 * Likewise across profiles: 0 for the same line, the same function of a file, threads of one
 * name. Of whole stacks it says nothing; those are equal where all their frames are.
 */
int group_compare_names(const struct group *a, const struct group *b);
int group_compare_stacks(const struct group *a, const struct group *b);

#endif
