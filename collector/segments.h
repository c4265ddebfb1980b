/*
 * segments.h - the names of a run's journal: OUT.journal.1, .2, ...
 */
#ifndef MEMTRACE_SEGMENTS_H
#define MEMTRACE_SEGMENTS_H

#include <stdint.h>

#include "buf.h"

/* The name, with its NUL; what was in `path` is replaced. */
const char *segments_path(struct buf *path, const char *out, uint32_t segment);
void segments_remove(const char *out);
/*
 * Second names for the first `count` of them, so that one run may remove its own; the first one
 * stands for those up to `covered`, if any (checkpoint.h). -1: not all.
 */
int segments_link(const char *from_out, const char *to_out, uint32_t covered, uint32_t count);

#endif
