/*
 * remains.h - the books of a run whose processes were killed, from what it left on disk: its
 * journal and, behind that, its ring.
 *
 * A forked process whose own collector never began has a ring alone (forks.h). Its books are
 * its parent's up to the fork, from wherever those are, and then what its ring holds. The other
 * way round, a run that is recovered hands over what such children still need before its own
 * files go: so the members of a family may be recovered in any order, each when it is dead.
 *
 * Anybody's run can be read. All its files are one user's, also where others could have added
 * some.
 */
#ifndef MEMTRACE_REMAINS_H
#define MEMTRACE_REMAINS_H

#include "buf.h"
#include "err.h"
#include "ledger.h"
#include "ring.h"

struct remains {
	const char *out;
	struct buf ring_path;  /* a text */
	struct ring ring;      /* fd -1: there is none */
	struct buf parent_out; /* a text where the books begin with the parent's, else empty */
	uid_t owner;           /* of all files, once they are read */
};

/* `out` is kept, not copied. -1: the program lives, or another collector is at work on it. */
int remains_open(struct remains *remains, const char *out, struct err *err);
void remains_release(struct remains *remains);
/*
 * Into an empty ledger. `ret_note`: where a journal stops before its end, empty when none does.
 */
int remains_read(struct remains *remains, struct ledger *ledger, struct err *ret_note,
		 struct err *err);
/*
 * Whether OUT is its profile already: whoever wrote it was killed before the side files were
 * gone.
 */
bool remains_has_profile(const struct remains *remains);
/*
 * The run has its profile: its side files go. -1: what children need of them can't be written,
 * and all of them stay.
 */
int remains_remove(struct remains *remains, const struct run_identity *identity,
		   struct err *err);

#endif
