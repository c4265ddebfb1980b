/*
 * heir.h - the collector's child waits for the ring of the program's child.
 *
 * When the program forks, the collector forks at that record of the stream: its child has the
 * books as they were, copy-on-write. The program's child makes its ring at its first event, and
 * a second name of it (forks.h). What becomes of it until then it writes into the parent's ring
 * header.
 */
#ifndef MEMTRACE_HEIR_H
#define MEMTRACE_HEIR_H

#include "ring.h"

/*
 * `path` is the ring's second name. 1: *ret_ring is open. 0: no ring will come: the program's
 * child ended, or is another program by now.
 */
int heir_wait(const struct ring *parents, const char *path, uint64_t fork_id,
	      struct ring *ret_ring);

#endif
