/*
 * replay.h - the books of a run, made again from what it left on disk.
 */
#ifndef MEMTRACE_REPLAY_H
#define MEMTRACE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "ledger.h"

/* How far a journal led. */
struct replay {
	uint32_t segments;      /* the last one read or stood for; 0: there is no journal */
	uint64_t batches;       /* of the journal as it was written */
	uint64_t ring_position; /* behind the last record that came from the ring */
	uid_t owner;            /* of all its files */
	bool at_fork;           /* it stopped behind the R_FORK that was asked for */
	bool complete; /* no frame was damaged or cut short; `stopped` says which was */
	struct err stopped;
};

/*
 * Applies the segments OUT.journal.1, .2, ... until one is missing or damaged, or behind the
 * fork (0: none) of that number. The identity becomes that of the journal. -1: there is a first
 * segment, and it can't be read at all.
 */
int replay_journal(struct ledger *ledger, const char *out, uint64_t fork_id,
		   struct replay *ret_replay, struct err *err);
/* The same up to that segment, whatever follows. */
int replay_segments(struct ledger *ledger, const char *out, uint32_t last,
		    struct replay *ret_replay, struct err *err);
/* Whether they get as far as that fork, which takes half the time of a replay. */
bool replay_reaches(const char *out, uint64_t fork_id);

#endif
