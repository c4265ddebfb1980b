/*
 * alignment.h - the lines of a function in two versions, side by side.
 *
 * The longest common subsequence of their prints; of several equally long ones, that which
 * pairs what comes first. Between lines that are the same, as many on one side as on the other
 * are paired one by one: they were edited.
 */
#ifndef MEMTRACE_ALIGNMENT_H
#define MEMTRACE_ALIGNMENT_H

#include "functions.h"

#define ALIGNMENT_NONE 0xffffffffu

/* For each line of `a` the index of the one in `b` that it is, or ALIGNMENT_NONE. */
void alignment_find(const struct function_line *a, size_t a_count,
		    const struct function_line *b, size_t b_count, uint32_t *ret_of_a);

#endif
