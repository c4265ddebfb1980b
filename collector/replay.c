#include "replay.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "segments.h"

static void close_scope(struct journal_reader **reader)
{
	journal_close(*reader);
}

static void take_identity(struct run_identity *identity, const struct journal_header *header)
{
	*identity = (struct run_identity){
		.run_id = header->run_id,
		.process_start = header->process_start,
		.start_real_ns = header->start_real_ns,
		.pid = header->pid,
		.uid = header->uid,
		.slack_bytes = header->slack_bytes,
		.parent_run_id = header->parent_run_id,
	};
}

/* So that what is read next is always a later one. */
static int check_number(const char *path, const struct journal_header *header,
			const struct replay *replay, struct err *err)
{
	if (header->segment != replay->segments + 1)
		return err_set(err, "%s: says it is segment %u", path, header->segment);
	if (header->covers && header->covers < header->segment)
		return err_set(err, "%s: says it stands for segments up to %u", path,
			       header->covers);
	return 0;
}

static int check_segment(const char *path, const struct ledger *ledger,
			 const struct journal_header *header, const struct replay *replay,
			 struct err *err)
{
	if (replay->segments && header->run_id != ledger->identity.run_id &&
	    header->parent_run_id != ledger->identity.run_id)
		return err_set(err, "%s: belongs to another run", path);
	if (header->first_sequence != replay->batches)
		return err_set(err, "%s: begins with batch %llu where %llu is due", path,
			       (unsigned long long)header->first_sequence,
			       (unsigned long long)replay->batches);
	return 0;
}

/* In a folder that others can write to, anybody might have gone on with it. */
static int check_owner(const char *path, uid_t owner, struct replay *replay, struct err *err)
{
	if (replay->segments && owner != replay->owner)
		return err_set(err, "%s: belongs to user %u, and what comes before it to %u",
			       path, owner, replay->owner);
	replay->owner = owner;
	return 0;
}

/* What a collector takes out of a ring ends with it, so that it closes a batch. */
static bool ends_at_fork(const struct journal_batch *batch, uint64_t fork_id)
{
	const struct record *last = batch->count ? &batch->records[batch->count - 1] : NULL;

	return last && fork_id && record_kind(last) == R_FORK && record_a(last) == fork_id;
}

/*
 * The sequence number from which on a segment's frames are the parent's only: the first of the
 * segment behind it, where that is a forked process's first own one.
 */
static uint64_t find_end(const struct journal_reader *reader, const char *next_path)
{
	__attribute__((cleanup(close_scope))) struct journal_reader *next = NULL;
	const struct journal_header *header = journal_facts(reader), *child;
	struct err err;

	if (journal_open(next_path, &next, &err) < 0)
		return UINT64_MAX;
	child = journal_facts(next);
	if (header->covers || journal_owner(next) != journal_owner(reader) ||
	    child->segment != header->segment + 1 || child->run_id == header->run_id ||
	    child->parent_run_id != header->run_id)
		return UINT64_MAX;
	return child->first_sequence;
}

/* `ledger` NULL: the batches are only looked at. */
static int read_batches(struct ledger *ledger, struct journal_reader *reader, uint64_t end,
			uint64_t fork_id, struct replay *replay, struct err *err)
{
	const struct journal_header *header = journal_facts(reader);
	struct journal_batch batch;
	int more = 0;

	while (!replay->at_fork && replay->batches < end &&
	       (more = journal_next(reader, &batch, err)) > 0) {
		replay->at_fork = ends_at_fork(&batch, fork_id);
		replay->ring_position = batch.ring_after;
		replay->batches = header->covers ? batch.next_sequence : replay->batches + 1;
		if (ledger)
			ledger_replay(ledger, &batch);
	}
	/* Half a segment is worth something, half a checkpoint isn't. */
	if (!header->covers)
		replay->segments++;
	else if (more >= 0)
		replay->segments = header->covers;
	return more < 0 ? -1 : 0;
}

static int replay_segment(struct ledger *ledger, const char *path, const char *next_path,
			  uint64_t fork_id, struct replay *replay, struct err *err)
{
	__attribute__((cleanup(close_scope))) struct journal_reader *reader = NULL;

	if (journal_open(path, &reader, err) < 0)
		return -1;
	if (check_owner(path, journal_owner(reader), replay, err) < 0 ||
	    check_number(path, journal_facts(reader), replay, err) < 0)
		return -1;
	if (ledger && check_segment(path, ledger, journal_facts(reader), replay, err) < 0)
		return -1;
	/* From a fork on it is the child's. */
	if (ledger && (replay->segments == 0 ||
		       journal_facts(reader)->run_id != ledger->identity.run_id)) {
		take_identity(&ledger->identity, journal_facts(reader));
		replay->ring_position = 0;
	}
	return read_batches(ledger, reader, find_end(reader, next_path), fork_id, replay, err);
}

static void read_segments(struct ledger *ledger, const char *out, uint32_t last,
			  uint64_t fork_id, struct replay *replay)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0}, next_path = {0};

	*replay = (struct replay){.complete = true};
	while (replay->complete && !replay->at_fork && replay->segments < last) {
		const char *segment = segments_path(&path, out, replay->segments + 1);

		if (access(segment, F_OK) < 0 && errno == ENOENT)
			break;
		segments_path(&next_path, out, replay->segments + 2);
		if (replay_segment(ledger, segment, buf_chars(&next_path), fork_id, replay,
				   &replay->stopped) < 0)
			replay->complete = false;
	}
}

static int replay_up_to(struct ledger *ledger, const char *out, uint32_t last, uint64_t fork_id,
			struct replay *ret_replay, struct err *err)
{
	struct replay replay;

	read_segments(ledger, out, last, fork_id, &replay);
	if (!replay.complete && replay.segments == 0) {
		*err = replay.stopped;
		return -1;
	}
	*ret_replay = replay;
	return 0;
}

int replay_journal(struct ledger *ledger, const char *out, uint64_t fork_id,
		   struct replay *ret_replay, struct err *err)
{
	return replay_up_to(ledger, out, UINT32_MAX, fork_id, ret_replay, err);
}

int replay_segments(struct ledger *ledger, const char *out, uint32_t last,
		    struct replay *ret_replay, struct err *err)
{
	return replay_up_to(ledger, out, last, 0, ret_replay, err);
}

bool replay_reaches(const char *out, uint64_t fork_id)
{
	struct replay replay;

	read_segments(NULL, out, UINT32_MAX, fork_id, &replay);
	return replay.at_fork;
}
