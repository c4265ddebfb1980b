#include "ledger.h"

#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "profile.h"
#include "segments.h"

static void forget_end(struct ledger *ledger)
{
	snapshot_release(&ledger->end);
	ledger->ended = ledger->end_kept = false;
}

static void keep_end(struct ledger *ledger, const struct heap *heap)
{
	struct err err;

	forget_end(ledger);
	ledger->ended = true;
	ledger->end_kept = snapshot_take(heap, &ledger->pulse, ledger->journal_out,
					 &ledger->end, &err) == 0;
	if (!ledger->end_kept)
		log_line(&ledger->log, "what is live at the end can't be kept: %s", err.text);
}

/*
 * What comes after the tracer's own `end` is teardown, until another mark of its own (start,
 * main, fork) tells of a runtime that lives: then there will be a later end.
 */
static void at_mark(void *user, const struct heap *heap, const struct mark *mark)
{
	struct ledger *ledger = user;

	if (mark->figures.origin != MARK_TRACER)
		return;
	if (strcmp(mark->base, "end") == 0)
		keep_end(ledger, heap);
	else
		forget_end(ledger);
}

void ledger_init(struct ledger *ledger)
{
	memset(ledger, 0, sizeof(*ledger));
	heap_init(&ledger->heap);
	ledger->heap.watch = (struct heap_watch){at_mark, ledger};
	ledger->heap.census.pulse = &ledger->pulse;
	stream_check_init(&ledger->check);
	ledger->log.fd = -1;
	ledger->journal_limit_bytes = UINT64_MAX;
	ledger->crash_safe_until_ms = UINT64_MAX;
}

void ledger_identify(struct ledger *ledger, const struct ring_header *facts)
{
	ledger->identity = (struct run_identity){
		.run_id = facts->run_id,
		.process_start = facts->process_start,
		.start_real_ns = facts->start_real_ns,
		.pid = facts->pid,
		.uid = facts->uid,
		.slack_bytes = (uint64_t)facts->cancel_slots * STREAM_WAITING_MOST_BYTES,
		.parent_run_id = facts->parent_run_id,
	};
}

static void drop_checkpoint(struct ledger *ledger)
{
	if (ledger->checkpoint.pid || ledger->checkpoint_whole)
		checkpoint_stop(&ledger->checkpoint, ledger->journal_out);
	ledger->checkpoint_whole = false;
}

void ledger_release(struct ledger *ledger)
{
	drop_checkpoint(ledger);
	journal_free(ledger->journal);
	mem_scope(&ledger->journal_out);
	stream_check_release(&ledger->check);
	heap_release(&ledger->heap);
	snapshot_release(&ledger->end);
	log_close(&ledger->log);
}

/* From here on a crash of program and collector together costs what comes. */
static void stop_journal(struct ledger *ledger, const char *why)
{
	drop_checkpoint(ledger);
	journal_free(ledger->journal);
	ledger->journal = NULL;
	ledger->crash_safe_until_ms = ledger->heap.windows.now_ms;
	log_line(&ledger->log, "not crash-safe from %llu ms on: %s",
		 (unsigned long long)ledger->crash_safe_until_ms, why);
}

/* Segments are written one after the other; sequence numbers go on. */
static void open_segment(struct ledger *ledger, uint32_t segment, uint64_t sequence)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};
	struct err err;

	ledger->journal_segment = segment;
	if (journal_create(segments_path(&path, ledger->journal_out, segment), segment,
			   sequence, &ledger->identity, &ledger->journal, &err) < 0)
		stop_journal(ledger, err.text);
}

/* Returns the sequence number that is due. */
static uint64_t close_segment(struct ledger *ledger)
{
	uint64_t sequence = journal_sequence(ledger->journal);

	ledger->journal_closed_bytes += journal_bytes(ledger->journal);
	journal_free(ledger->journal);
	ledger->journal = NULL;
	return sequence;
}

void ledger_keep_journal(struct ledger *ledger, const char *out, uint64_t limit_bytes)
{
	ledger->journal_out = mem_text(out);
	ledger->journal_limit_bytes = limit_bytes;
	ledger->checkpoint_due_bytes = limit_bytes / 2;
	open_segment(ledger, 1, 0);
}

void ledger_lose_journal(struct ledger *ledger, const char *why)
{
	if (ledger->journal)
		stop_journal(ledger, why);
}

void ledger_leave_journal(struct ledger *ledger)
{
	ledger->journal = NULL;
	ledger_leave_checkpoint(ledger);
}

void ledger_leave_checkpoint(struct ledger *ledger)
{
	ledger->checkpoint.pid = 0;
	ledger->checkpoint_whole = false;
}

void ledger_inherit_journal(struct ledger *ledger, const char *out)
{
	if (!ledger->journal)
		return;
	uint64_t sequence = close_segment(ledger);

	mem_scope(&ledger->journal_out);
	ledger->journal_out = mem_text(out);
	open_segment(ledger, ledger->journal_segment + 1, sequence);
}

/* Of what would be replayed behind the checkpoint. */
static uint64_t journal_length(const struct ledger *ledger)
{
	return ledger->journal_closed_bytes + journal_bytes(ledger->journal);
}

/*
 * Half of the bound, so that it is made before the rest is full; not more often than it pays.
 */
static void plan_checkpoint(struct ledger *ledger, uint64_t length)
{
	uint64_t half = ledger->journal_limit_bytes / 2;

	ledger->checkpoint_due_bytes =
		length + (half > ledger->checkpoint_bytes ? half : ledger->checkpoint_bytes);
}

/* What is in the segments up to here can be stood for. */
static void turn_journal(struct ledger *ledger)
{
	if (ledger->journal)
		open_segment(ledger, ledger->journal_segment + 1, close_segment(ledger));
}

static void begin_checkpoint(struct ledger *ledger)
{
	struct err err;

	turn_journal(ledger);
	if (!ledger->journal)
		return;
	ledger->covering_bytes = ledger->journal_closed_bytes;
	if (checkpoint_start(&ledger->checkpoint, ledger->journal_out,
			     ledger->journal_segment - 1, &err) == 0)
		return;
	log_line(&ledger->log, "%s", err.text);
	plan_checkpoint(ledger, journal_length(ledger));
}

static void adopt_checkpoint(struct ledger *ledger)
{
	uint32_t covers = ledger->checkpoint.covers;
	struct err err;

	ledger->checkpoint_whole = false;
	if (checkpoint_adopt(ledger->journal_out, ledger->journal_covered, covers,
			     &ledger->checkpoint_bytes, &err) < 0) {
		log_line(&ledger->log, "%s", err.text);
		plan_checkpoint(ledger, journal_length(ledger));
		return;
	}
	ledger->journal_covered = covers;
	ledger->journal_closed_bytes -= ledger->covering_bytes;
	plan_checkpoint(ledger, 0);
	log_line(&ledger->log, "a checkpoint of %llu bytes stands for segments 1 to %u",
		 (unsigned long long)ledger->checkpoint_bytes, covers);
}

static void tend_checkpoint(struct ledger *ledger)
{
	switch (checkpoint_poll(&ledger->checkpoint, ledger->journal_out)) {
	case CHECKPOINT_UNDER_WAY:
		return;
	case CHECKPOINT_WHOLE:
		ledger->checkpoint_whole = true;
		break;
	case CHECKPOINT_FAILED:
		log_line(&ledger->log, "a checkpoint failed");
		plan_checkpoint(ledger, journal_length(ledger));
		return;
	case CHECKPOINT_NONE:
		break;
	}
	if (ledger->checkpoint_whole && (!ledger->may_go || ledger->may_go(ledger->user)))
		adopt_checkpoint(ledger);
	/* What is live at `end` is no part of a state; and what follows is short. */
	if (!ledger->checkpoint_whole && !ledger->ended &&
	    journal_length(ledger) >= ledger->checkpoint_due_bytes)
		begin_checkpoint(ledger);
}

/*
 * One is being made, or whole and waits until heirs have linked what it stands for; or the
 * program is at its end, what follows is short, and none is made any more.
 */
static bool is_relieved_soon(const struct ledger *ledger)
{
	return ledger->checkpoint.pid || ledger->checkpoint_whole || ledger->ended;
}

/*
 * A checkpoint that doesn't come (a full disk, a machine without a moment for it) gets twice
 * the bound, one that is to come soon some more where the bound is small; then a run that goes
 * on can be recovered no more.
 */
static bool outgrown(const struct ledger *ledger)
{
	enum { SOON_BYTES = 16 << 20 };
	uint64_t limit = ledger->journal_limit_bytes;

	if (limit < ledger->checkpoint_bytes)
		limit = ledger->checkpoint_bytes;
	if (limit > UINT64_MAX / 4)
		return false;
	return journal_length(ledger) >=
	       2 * limit + (is_relieved_soon(ledger) ? SOON_BYTES : 0);
}

static void append_to_journal(struct ledger *ledger, const struct journal_batch *batch)
{
	struct err err;

	if (!ledger->journal)
		return;
	if (journal_append(ledger->journal, batch, &err) < 0) {
		stop_journal(ledger, err.text);
		return;
	}
	tend_checkpoint(ledger);
	if (ledger->journal && outgrown(ledger)) {
		stop_journal(ledger, "the journal outgrew its bound");
		segments_remove(ledger->journal_out);
	}
}

static void note_bad(struct ledger *ledger, uint64_t bad_before)
{
	if (bad_before == 0 && ledger->check.bad_records > 0)
		log_line(&ledger->log, "bad records, the first: %s",
			 ledger->check.first_bad.text);
}

/*
 * Readers of a ring hand over whole groups, unless what the ring holds was none to begin with.
 */
static void drop_rest(struct ledger *ledger, struct record *records, size_t whole, size_t count)
{
	if (whole == count)
		return;
	memset(&records[whole], 0, (count - whole) * sizeof(*records));
	ledger->check.bad_records++;
}

void ledger_take(struct ledger *ledger, struct record *records, size_t count,
		 uint64_t ring_before, uint64_t ring_after)
{
	uint64_t bad_before = ledger->check.bad_records;

	if (count == 0)
		return;
	ledger->check.from_ring = true;
	drop_rest(ledger, records, stream_check(&ledger->check, records, count), count);
	note_bad(ledger, bad_before);
	const struct journal_batch batch = {
		.records = records,
		.count = count,
		.ring_before = ring_before,
		.ring_after = ring_after,
		.bad_records = ledger->check.bad_records,
	};
	append_to_journal(ledger, &batch);
	heap_apply(&ledger->heap, records, count);
}

void ledger_replay(struct ledger *ledger, const struct journal_batch *batch)
{
	struct stream_check *check = &ledger->check;

	check->from_ring = false;
	drop_rest(ledger, batch->records, stream_check(check, batch->records, batch->count),
		  batch->count);
	/* What was bad then is R_NONE now, and only its number is left. */
	if (check->bad_records < batch->bad_records)
		check->bad_records = batch->bad_records;
	append_to_journal(ledger, batch);
	heap_apply(&ledger->heap, batch->records, batch->count);
}

int ledger_write(struct ledger *ledger, const char *path, uint32_t flags, struct err *err)
{
	struct run_result result = {
		.bad_records = ledger->check.bad_records,
		.crash_safe_until_ms = ledger->crash_safe_until_ms,
		.flags = flags,
		.end = ledger->end_kept ? &ledger->end : NULL,
	};
	struct err broken;

	drop_checkpoint(ledger);
	if (heap_check(&ledger->heap, &broken) == 0)
		result.flags |= PROFILE_CONSERVED;
	else
		log_line(&ledger->log, "the books don't balance: %s", broken.text);
	return profile_write(path, &ledger->heap, &ledger->identity, &result, err);
}
