/*
 * profile_check.h - makes the promises of profile_read.h true for arrays as they came.
 *
 * References that lead nowhere are neutralised one by one; a section whose items contradict
 * each other (out of order, impossible) is emptied and named in the profile's problems.
 */
#ifndef MEMTRACE_PROFILE_CHECK_H
#define MEMTRACE_PROFILE_CHECK_H

#include "profile_read.h"

void profile_check(struct profile *profile);

/* The part that is about arenas; after windows, nodes and marks were checked. */
void profile_check_map(struct profile *profile);
/* An array of no items, with a sentence that says why; the caller forgets `items`. */
void profile_give_up(struct profile *profile, const char *tag, void *items, size_t *count,
		     const char *why);

static inline bool profile_has_stack(const struct profile *profile, uint32_t stack)
{
	return stack <= profile->node_count;
}

#endif
