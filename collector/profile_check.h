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

#endif
