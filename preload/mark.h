/*
 * mark.h - named moments: the table is flushed, the process's own figures are read, and a
 * record says so.
 *
 * It makes system calls and takes the C allocator's locks for a moment: what the tracer makes
 * or is asked for from outside comes never from inside a real allocation call. The program's
 * own mark may (a signal handler's): the allocator's figures are left out of it then. The guard
 * is held.
 */
#ifndef MEMTRACE_MARK_H
#define MEMTRACE_MARK_H

#include <stdbool.h>

#include "stream.h"

/* Returns the mark's number: stream.h. */
uint32_t mark_make(const char *name, enum mark_origin origin);
/* `main`: the first frame of the program's own is there. */
void mark_main(void);
/* The one that `memtrace mark` left in the ring's header; `audit`: with one. */
void mark_from_outside(bool audit);

#endif
