/*
 * forks.h - what lies beside a program's OUT for the children that it forked.
 *
 * OUT.fork.N is a second name of the ring of child N, until the child's collector has a journal
 * of its own: while it is there, whatever becomes of the child's books has to begin with its
 * parent's up to fork N. Those are in OUT.fork.N.journal.1, 2, ... once a collector for the
 * child has linked them, and in the parent's own journal and ring as long as those are there.
 */
#ifndef MEMTRACE_FORKS_H
#define MEMTRACE_FORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "ring.h"

/* OUT.fork.N, with its NUL; what was in `path` is replaced. */
const char *forks_path(struct buf *path, const char *out, uint64_t fork_id);
/*
 * Calls `each` for the children that have a file there, for one more than once. -1: it returned
 * -1.
 */
int forks_each(const char *out, int (*each)(void *user, uint64_t fork_id), void *user);
/*
 * The parent's OUT, a text, found by the second name of this ring beside it; `out` is the
 * child's. False: its ring has none.
 */
bool forks_find_parent(const struct ring_header *child, const char *out, struct buf *ret_out);
/*
 * The run has its profile: journals for children that can't come any more go. Such are left
 * where a child's collector was killed before its child had an event.
 */
void forks_sweep(const char *out);
/* That OUT.fork.N is the ring of a child of this very run. */
bool forks_waits(const char *out, uint64_t run_id, uint64_t fork_id);

#endif
