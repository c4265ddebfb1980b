#include "run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "drain.h"
#include "profile.h"
#include "replay.h"

/* Allocations of more bytes don't wait in the program's cancelling table. */
enum { WAITING_MOST_BYTES = 512 };

/* One run's files, and what is made of them. */
struct run {
	const char *out;
	struct buf ring_path, journal_path; /* texts; the journal's first segment */
	struct ring ring;
	struct program program;
	struct ledger ledger;
};

static const char *text_of(const struct buf *buf)
{
	return (const char *)buf->data;
}

static void run_init(struct run *run, const char *out)
{
	memset(run, 0, sizeof(*run));
	run->out = out;
	run->ring.fd = run->program.pidfd = run->program.statm_fd = -1;
	buf_printf(&run->ring_path, "%s.ring", out);
	buf_u8(&run->ring_path, 0);
	buf_printf(&run->journal_path, "%s.journal.1", out);
	buf_u8(&run->journal_path, 0);
	ledger_init(&run->ledger);
}

static void run_release(struct run *run)
{
	ledger_release(&run->ledger);
	program_release(&run->program);
	ring_close(&run->ring);
	buf_release(&run->ring_path);
	buf_release(&run->journal_path);
}

static void take_identity(struct run *run)
{
	const struct ring_header *facts = &run->ring.facts;

	run->ledger.identity = (struct run_identity){
		.run_id = facts->run_id,
		.process_start = facts->process_start,
		.start_real_ns = facts->start_real_ns,
		.pid = facts->pid,
		.uid = facts->uid,
		.slack_bytes = (uint64_t)facts->cancel_slots * WAITING_MOST_BYTES,
	};
}

static void remove_journal(const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};

	for (uint32_t segment = 1;; segment++) {
		path.len = 0;
		buf_printf(&path, "%s.journal.%u", out, segment);
		buf_u8(&path, 0);
		if (unlink(text_of(&path)) < 0)
			return;
	}
}

static void follow(struct run *run, const struct run_options *options)
{
	struct drain drain;

	program_init(&run->program, run->ring.facts.pid, run->ring.facts.process_start);
	ledger_keep_journal(&run->ledger, text_of(&run->journal_path),
			    options->keep_events ? UINT64_MAX : options->journal_bytes);
	drain_init(&drain, &run->ledger, &run->ring, &run->program, text_of(&run->ring_path));
	atomic_store(&run->ring.header->collector_pid, (uint32_t)getpid());
	ring_announce(&run->ring, COLLECTOR_READY);
	log_line(&run->ledger.log, "follows process %u", run->ring.facts.pid);
	drain_run(&drain);
	drain_finish(&drain);
	drain_release(&drain);
}

/* The side files stay where there is no profile: they are all there is of the run then. */
static int finish(struct run *run, bool keep_events, struct err *err)
{
	ring_announce(&run->ring, COLLECTOR_DRAINED);
	if (ledger_write(&run->ledger, run->out, 0, err) < 0) {
		log_line(&run->ledger.log, "no profile: %s", err->text);
		ring_announce(&run->ring, COLLECTOR_FAILED);
		return -1;
	}
	log_line(&run->ledger.log, "wrote %s, %llu records", run->out,
		 (unsigned long long)run->ledger.heap.counts.records);
	if (!keep_events)
		remove_journal(run->out);
	unlink(text_of(&run->ring_path));
	ring_announce(&run->ring, COLLECTOR_DONE);
	return 0;
}

int run_collect(const struct run_options *options, struct err *err)
{
	__attribute__((cleanup(run_release))) struct run run;

	run_init(&run, options->out);
	log_open(&run.ledger.log, options->log);
	if (ring_open(&run.ring, text_of(&run.ring_path), RING_FOLLOW, err) < 0) {
		log_line(&run.ledger.log, "%s", err->text);
		return -1;
	}
	take_identity(&run);
	follow(&run, options);
	return finish(&run, options->keep_events, err);
}

int run_replay(const char *out, const char *to, struct err *ret_note, struct err *err)
{
	__attribute__((cleanup(run_release))) struct run run;
	struct replay replay;

	run_init(&run, out);
	if (replay_journal(&run.ledger, out, &replay, err) < 0)
		return -1;
	if (replay.segments == 0)
		return err_set(err, "%s: there is no such journal", text_of(&run.journal_path));
	*ret_note = replay.stopped;
	return ledger_write(&run.ledger, to, 0, err);
}

/* -1: nobody may touch it; 0: there is no ring; 1: it is open. */
static int open_left_ring(struct run *run, struct err *err)
{
	const char *path = text_of(&run->ring_path);

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (ring_open(&run->ring, path, RING_INSPECT, err) < 0)
		return -1;
	program_init(&run->program, run->ring.facts.pid, run->ring.facts.process_start);
	/* One that was replaced by execve lives, and is another. */
	if (program_alive(&run->program) && program_maps(&run->program, path, 0))
		return err_set(err, "%s: process %u still runs", path, run->ring.facts.pid);
	return 1;
}

/* What the ring holds behind the journal, and in its tables. */
static int read_left_ring(struct run *run, const struct replay *replay, struct err *err)
{
	struct drain drain;

	if (replay->segments && run->ring.facts.run_id != run->ledger.identity.run_id)
		return err_set(err, "%s: belongs to another run than its journal",
			       text_of(&run->ring_path));
	ring_seek(&run->ring, replay->ring_position);
	if (run->ring.lost && replay->segments == 0)
		return err_set(
			err, "%s: the run outgrew its journal, and the ring holds only its end",
			text_of(&run->ring_path));
	if (run->ring.lost)
		run->ledger.crash_safe_until_ms = run->ledger.heap.windows.now_ms;
	if (replay->segments == 0)
		take_identity(run);
	drain_init(&drain, &run->ledger, &run->ring, NULL, text_of(&run->ring_path));
	if (!drain_ended(&drain))
		drain_rest(&drain);
	drain_finish(&drain);
	drain_release(&drain);
	return 0;
}

static int recover_books(struct run *run, struct err *ret_note, struct err *err)
{
	struct replay replay;
	int ring = open_left_ring(run, err);

	if (ring < 0)
		return -1;
	if (replay_journal(&run->ledger, run->out, &replay, err) < 0)
		return -1;
	if (replay.segments == 0 && !ring)
		return err_set(err, "%s: neither a ring nor a journal beside it", run->out);
	if (ring && read_left_ring(run, &replay, err) < 0)
		return -1;
	*ret_note = replay.stopped;
	return 0;
}

int run_recover(const char *out, struct err *ret_note, struct err *err)
{
	__attribute__((cleanup(run_release))) struct run run;

	run_init(&run, out);
	if (recover_books(&run, ret_note, err) < 0)
		return -1;
	if (ledger_write(&run.ledger, out, PROFILE_REPLAYED, err) < 0)
		return -1;
	remove_journal(out);
	unlink(text_of(&run.ring_path));
	return 0;
}
