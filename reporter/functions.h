/*
 * functions.h - the functions of a profile, and what their lines look like from inside.
 *
 * A line's print is made of its instructions, as the line table has them: how many bytes they
 * are and how many columns of source each stands for. It stays the same when the line moves or
 * is indented, and differs between most lines that differ; no source file is needed for it.
 * Prints of two minor versions of Python have nothing in common.
 *
 * Code objects of one file and one qualified name are one function: a function that is made
 * again and again, all lambdas of a scope, and before 3.11 the methods of one name.
 *
 * Memory: functions_release; texts belong to the profile, which must outlive this.
 */
#ifndef MEMTRACE_FUNCTIONS_H
#define MEMTRACE_FUNCTIONS_H

#include "../collector/profile_read.h"
#include "source.h"

struct function_line {
	int32_t line;
	uint32_t function;
	uint64_t print;
};

struct function {
	const char *file, *name;
	size_t first, count; /* into lines; ascending, each line once */
	uint64_t print;      /* of all lines, and of how far they are from the first */
};

struct functions {
	struct function *items; /* by file, then by name */
	size_t count;
	struct function_line *lines;
	size_t line_count, line_capacity;
};

void functions_init(struct functions *functions, const struct profile *profile);
/*
 * A function's lines with prints of their source text instead; false: it can't be read here, or
 * was changed since the run.
 */
bool functions_read_text(const struct functions *functions, const struct function *function,
			 struct source *source, struct function_line *ret_lines);
void functions_release(struct functions *functions);

#endif
