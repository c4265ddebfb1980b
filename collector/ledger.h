/*
 * ledger.h - the books of a run: every batch, from wherever it comes, is checked, put into the
 * journal and applied to the heap here, in this order, so that a replay of the journal ends
 * with the same heap and the same figures.
 */
#ifndef MEMTRACE_LEDGER_H
#define MEMTRACE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checkpoint.h"
#include "heap.h"
#include "journal.h"
#include "log.h"
#include "profile_write.h"
#include "stream_read.h"

struct ledger {
	struct heap heap;
	struct stream_check check;
	struct run_identity identity;
	struct log log;
	struct journal *journal;  /* NULL: none, or not any more */
	char *journal_out;        /* OUT of its segments' names */
	uint32_t journal_segment; /* the one that is being written */
	uint32_t journal_covered; /* those that a checkpoint stands for; 0: there is none */
	uint64_t journal_closed_bytes; /* of those before it, but for the checkpoint */
	uint64_t journal_limit_bytes;  /* UINT64_MAX: none */
	struct checkpoint checkpoint;  /* being made */
	bool checkpoint_whole;         /* made, and not in its place yet */
	uint64_t checkpoint_bytes;     /* of the last one */
	uint64_t covering_bytes; /* of journal_closed_bytes, by the one that is being made */
	uint64_t checkpoint_due_bytes; /* of journal, when the next one is made */
	/* Whether segments may go now; NULL: always. */
	bool (*may_go)(void *user);
	void *user;
	uint64_t crash_safe_until_ms; /* UINT64_MAX: all along */
	/* The interpreter finalises or has finalised: `end` was marked, no new start since. */
	bool ended;
	bool end_kept; /* `end` holds what was live then */
	struct snapshot end;
	struct pulse pulse; /* beats while arenas are summed up and `end` is taken */
};

void ledger_init(struct ledger *ledger);
void ledger_release(struct ledger *ledger);
/* Whose books they are. */
void ledger_identify(struct ledger *ledger, const struct ring_header *facts);
/*
 * Batches go to the journal of the run OUT from now on; where that fails the run isn't
 * crash-safe.
 */
void ledger_keep_journal(struct ledger *ledger, const char *out, uint64_t limit_bytes);
/* What was written can't be used: the run isn't crash-safe. */
void ledger_lose_journal(struct ledger *ledger, const char *why);
/* In a forked collector: the journal is the parent's, and nothing is added to it. */
void ledger_leave_journal(struct ledger *ledger);
/* Likewise a checkpoint that is being made. */
void ledger_leave_checkpoint(struct ledger *ledger);
/*
 * In the collector of a forked process, a fork of its parent's: the segments have the names of
 * the run OUT now, too, and the next batch begins one of this run's own.
 */
void ledger_inherit_journal(struct ledger *ledger, const char *out);
/*
 * A batch of whole groups that lay at these ring positions (before == after: it comes from the
 * collector itself). The records are changed.
 */
void ledger_take(struct ledger *ledger, struct record *records, size_t count,
		 uint64_t ring_before, uint64_t ring_after);
/* A batch out of a journal; into another one, where one is kept. */
void ledger_replay(struct ledger *ledger, const struct journal_batch *batch);
/* The profile. `flags`: enum profile_run_flags, added to what the books say. */
int ledger_write(struct ledger *ledger, const char *path, uint32_t flags, struct err *err);

#endif
