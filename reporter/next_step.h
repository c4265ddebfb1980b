/*
 * next_step.h - the command that a report ends with: what its reader is likely to ask now.
 *
 * The same moments are asked for again, and of the first row's line its own stack: the heaviest
 * one of all may be the interpreter's.
 */
#ifndef MEMTRACE_NEXT_STEP_H
#define MEMTRACE_NEXT_STEP_H

#include "../collector/buf.h"
#include "report.h"

/*
 * Appends it for a shell, with `path` as the profile's name, and what it is for; without a NUL.
 */
void next_step_append(const struct report *report, const char *path, struct buf *text);

#endif
