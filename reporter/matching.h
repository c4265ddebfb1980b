/*
 * matching.h - which file, function and line of one profile is which of another one's: of an
 * older version of a program and a newer one.
 *
 * Files are the same by path, then by module where only one on each side has it, then by what
 * is in them: a file that was renamed has functions that nothing else has. Functions are the
 * same by their file and qualified name; then where all their lines have equal prints
 * (functions.h) and no other function's have, in the same file, then in any: they were renamed,
 * or moved. Lines of one function in two versions are aligned as diff(1) does with text: by
 * their text where both sources are here and weren't changed since, else by prints; between
 * lines that are the same, as many on one side as on the other are taken for edited, one by
 * one.
 *
 * Nothing is taken for the same when two are as likely: then one appeared, and the other went.
 *
 * Memory: matching_release; texts belong to the profiles.
 */
#ifndef MEMTRACE_MATCHING_H
#define MEMTRACE_MATCHING_H

#include "functions.h"

#define MATCHING_NONE 0xffffffffu

struct matching_file {
	const char *path;
	const char *module;
	uint32_t first, count; /* into the functions */
};

struct matching_side {
	struct functions functions;
	struct matching_file *files; /* by path */
	size_t file_count;
	uint32_t *file_of; /* by function */
};

struct matching {
	struct matching_side before, after;
	/* By index before: the index after, or MATCHING_NONE. */
	uint32_t *files, *functions;
	uint32_t *lines; /* into after.functions.lines */
	/* By index after: whether one before is it. */
	bool *file_taken, *function_taken;
};

struct lines;

void matching_init(struct matching *matching, const struct lines *before,
		   const struct lines *after);
void matching_release(struct matching *matching);

/* What a place before is after; NULL, or false: nothing is. */
const char *matching_file_of(const struct matching *matching, const char *file);
const struct function *matching_function_of(const struct matching *matching, const char *file,
					    const char *function);
bool matching_line_of(const struct matching *matching, const char *file, const char *function,
		      int32_t line, const char **ret_file, int32_t *ret_line);

#endif
