#include "run.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "drain.h"
#include "heir.h"
#include "profile.h"
#include "replay.h"
#include "segments.h"

/* Allocations of more bytes don't wait in the program's cancelling table. */
enum { WAITING_MOST_BYTES = 512 };

/* One run's files, and what is made of them. */
struct run {
	const struct run_options *options; /* NULL: nothing is followed */
	const char *out;
	struct buf ring_path; /* a text */
	struct ring ring;
	struct program program;
	struct ledger ledger;
};

static const char *text_of(const struct buf *buf)
{
	return (const char *)buf->data;
}

static void name_ring(struct run *run)
{
	run->ring_path.len = 0;
	buf_printf(&run->ring_path, "%s.ring", run->out);
	buf_u8(&run->ring_path, 0);
}

static void run_init(struct run *run, const char *out)
{
	memset(run, 0, sizeof(*run));
	run->out = out;
	run->ring.fd = run->program.pidfd = run->program.statm_fd = -1;
	name_ring(run);
	ledger_init(&run->ledger);
}

static void run_release(struct run *run)
{
	ledger_release(&run->ledger);
	program_release(&run->program);
	ring_close(&run->ring);
	buf_release(&run->ring_path);
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

static void make_heir(void *user, uint64_t fork_id);

static void follow(struct run *run)
{
	struct drain drain;

	program_init(&run->program, run->ring.facts.pid, run->ring.facts.process_start);
	drain_init(&drain, &run->ledger, &run->ring, &run->program, text_of(&run->ring_path));
	drain.forked = make_heir;
	drain.user = run;
	atomic_store(&run->ring.header->collector_pid, (uint32_t)getpid());
	ring_announce(&run->ring, COLLECTOR_READY);
	log_line(&run->ledger.log, "follows process %u", run->ring.facts.pid);
	drain_run(&drain);
	drain_finish(&drain);
	drain_release(&drain);
}

/*
 * A disk that was too full for the whole journal may have room for the profile without it: what is
 * left of it would only give a part of what is known here.
 */
static int write_profile(struct run *run, struct err *err)
{
	if (ledger_write(&run->ledger, run->out, 0, err) == 0)
		return 0;
	if (run->ledger.crash_safe_until_ms == UINT64_MAX)
		return -1;
	segments_remove(run->out);
	return ledger_write(&run->ledger, run->out, 0, err);
}

/* The side files stay where there is no profile: they are all there is of the run then. */
static int finish(struct run *run, struct err *err)
{
	ring_announce(&run->ring, COLLECTOR_DRAINED);
	if (write_profile(run, err) < 0) {
		log_line(&run->ledger.log, "no profile: %s", err->text);
		ring_announce(&run->ring, COLLECTOR_FAILED);
		return -1;
	}
	log_line(&run->ledger.log, "wrote %s, %llu records", run->out,
		 (unsigned long long)run->ledger.heap.counts.records);
	if (!run->options->keep_events)
		segments_remove(run->out);
	unlink(text_of(&run->ring_path));
	ring_announce(&run->ring, COLLECTOR_DONE);
	return 0;
}

/* The books are the parent's so far; the ring, the names and the identity are the child's. */
static void inherit(struct run *run, struct ring *ring, const char *parked)
{
	uint64_t parent_run_id = run->ledger.identity.run_id;
	const char *out = run->ring.facts.out;

	program_release(&run->program);
	ring_close(&run->ring);
	run->ring = *ring;
	out = run->ring.facts.out;
	segments_rename(parked, out, run->ledger.journal_segment - 1);
	run->out = out;
	name_ring(run);
	take_identity(run);
	run->ledger.identity.parent_run_id = parent_run_id;
	ledger_inherit_journal(&run->ledger, out);
	run->ledger.heap.end = HEAP_RUNNING;
}

/* In the collector's child, which ends with it. */
static void be_heir(struct run *run, uint64_t fork_id)
{
	__attribute__((cleanup(buf_release))) struct buf parked = {0};
	uint32_t closed = run->ledger.journal ? run->ledger.journal_segment - 1 : 0;
	struct ring ring;
	struct err err;

	/* Now, for the parent may end before its child begins. */
	buf_printf(&parked, "%s.fork.%llu", run->out, (unsigned long long)fork_id);
	buf_u8(&parked, 0);
	if (segments_link(run->out, text_of(&parked), closed) < 0)
		ledger_lose_journal(&run->ledger, "its parent's journal can't be linked");
	if (!heir_wait(&run->ring, run->out, fork_id, &ring)) {
		segments_remove(text_of(&parked));
		return;
	}
	inherit(run, &ring, text_of(&parked));
	follow(run);
	finish(run, &err);
}

static void make_heir(void *user, uint64_t fork_id)
{
	struct run *run = user;

	ledger_turn_journal(&run->ledger);
	pid_t pid = fork();

	if (pid < 0)
		log_line(&run->ledger.log, "a child of process %u can't be followed: %m",
			 run->ring.facts.pid);
	if (pid != 0)
		return;
	be_heir(run, fork_id);
	_exit(0);
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
	run.options = options;
	take_identity(&run);
	ledger_keep_journal(&run.ledger, run.out,
			    options->keep_events ? UINT64_MAX : options->journal_bytes);
	follow(&run);
	return finish(&run, err);
}

int run_replay(const char *out, const char *to, struct err *ret_note, struct err *err)
{
	__attribute__((cleanup(run_release))) struct run run;
	struct replay replay;

	run_init(&run, out);
	if (replay_journal(&run.ledger, out, &replay, err) < 0)
		return -1;
	if (replay.segments == 0)
		return err_set(err, "%s.journal.1: there is no such journal", out);
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
	segments_remove(out);
	unlink(text_of(&run.ring_path));
	return 0;
}

int run_recover_to(const char *out, const char *to, struct err *ret_note, struct err *err)
{
	__attribute__((cleanup(run_release))) struct run run;

	run_init(&run, out);
	if (recover_books(&run, ret_note, err) < 0)
		return -1;
	return ledger_write(&run.ledger, to, PROFILE_REPLAYED, err);
}
