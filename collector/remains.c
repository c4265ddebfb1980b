#include "remains.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "drain.h"
#include "forks.h"
#include "live.h"
#include "profile.h"
#include "profile_read.h"
#include "program.h"
#include "replay.h"
#include "segments.h"

/* Of processes none of which had a collector. Rings are input: theirs might form a circle. */
enum { MOST_GENERATIONS = 64 };

/* remains.owner before anything was read. */
#define NOBODY_YET ((uid_t)-1)

/* How far to read. */
struct goal {
	uint64_t fork_id; /* behind that fork; 0: to the end */
	int generations;  /* ancestors that may still be asked */
};

static bool has_ring(const struct remains *remains)
{
	return remains->ring.map != NULL;
}

static void name_files(struct remains *remains, const char *out)
{
	memset(remains, 0, sizeof(*remains));
	remains->out = out;
	remains->ring.fd = -1;
	remains->owner = NOBODY_YET;
	buf_format(&remains->ring_path, "%s.ring", out);
}

/* The program may live: for a child's books its records up to a fork are enough. */
static int open_files(struct remains *remains, const char *out, struct err *err)
{
	name_files(remains, out);
	if (access(buf_chars(&remains->ring_path), F_OK) < 0 && errno == ENOENT)
		return 0;
	if (ring_open(&remains->ring, buf_chars(&remains->ring_path), RING_INSPECT, err) < 0) {
		remains_release(remains);
		return -1;
	}
	remains->owner = remains->ring.owner;
	forks_find_parent(&remains->ring.facts, out, &remains->parent_out);
	return 0;
}

/* One that was replaced by execve lives, and is another. */
static bool still_runs(const struct remains *remains)
{
	const char *path = buf_chars(&remains->ring_path);
	struct program program;
	bool runs;

	program_init(&program, remains->ring.facts.pid, remains->ring.facts.process_start);
	runs = program_alive(&program) && program_maps(&program, path, remains->ring.inode);
	program_release(&program);
	return runs;
}

int remains_open(struct remains *remains, const char *out, struct err *err)
{
	if (open_files(remains, out, err) < 0)
		return -1;
	if (has_ring(remains) && still_runs(remains)) {
		err_set(err, "%s: process %u still runs", buf_chars(&remains->ring_path),
			remains->ring.facts.pid);
		remains_release(remains);
		return -1;
	}
	return 0;
}

void remains_release(struct remains *remains)
{
	ring_close(&remains->ring);
	buf_release(&remains->ring_path);
	buf_release(&remains->parent_out);
}

bool remains_has_profile(const struct remains *remains)
{
	struct profile *profile;
	bool has;

	if (!has_ring(remains) || profile_open(remains->out, &profile, NULL) < 0)
		return false;
	has = profile->run.run_id == remains->ring.facts.run_id;
	profile_free(profile);
	return has;
}

/* The journal in the books, if any, must be one that the ring goes on from. */
static int check_ring(struct remains *remains, const struct replay *replay,
		      const struct ledger *ledger, struct err *err)
{
	const char *path = buf_chars(&remains->ring_path);
	bool inherited = remains->parent_out.len > 0;

	if (inherited)
		return 0;
	if (replay->segments && remains->ring.facts.run_id != ledger->identity.run_id)
		return err_set(err, "%s: belongs to another run than its journal", path);
	/* It has no second name yet: its first event was under way. */
	if (replay->segments == 0 && remains->ring.facts.fork_id &&
	    ring_waiting(&remains->ring) == 0)
		return err_set(err, "%s: its process ended before it recorded anything", path);
	if (replay->segments == 0 && remains->ring.facts.fork_id)
		return err_set(err,
			       "%s: of a forked process, and the journal of what it inherited "
			       "is gone",
			       path);
	if (replay->segments == 0 && remains->ring.lost)
		return err_set(
			err, "%s: the run outgrew its journal, and the ring holds only its end",
			path);
	return 0;
}

static int check_owner(struct remains *remains, const char *out, uid_t owner, struct err *err)
{
	if (remains->owner != NOBODY_YET && remains->owner != owner)
		return err_set(err, "%s: its files belong to user %u, and those of %s to %u",
			       out, owner, remains->out, remains->owner);
	remains->owner = owner;
	return 0;
}

static void note_fork(void *user, uint64_t fork_id)
{
	uint64_t *last = user;

	*last = fork_id;
}

/* -1: the fork isn't in the ring. */
static int drain_to_fork(struct drain *drain, uint64_t fork_id, struct err *err)
{
	uint64_t last = 0;

	drain->forked = note_fork;
	drain->user = &last;
	do
		ring_seal(drain->ring);
	while (drain_batch(drain) && last != fork_id);
	if (last != fork_id)
		return err_set(err, "%s: fork %llu is not in it", drain->ring_path,
			       (unsigned long long)fork_id);
	return 0;
}

/* What the ring holds behind the journal and, at the end, in its tables. */
static int read_ring(struct remains *remains, const struct goal *goal,
		     const struct replay *replay, struct ledger *ledger, struct err *err)
{
	struct drain drain;
	int result = 0;

	ring_seek(&remains->ring, replay->ring_position);
	if (check_ring(remains, replay, ledger, err) < 0)
		return -1;
	if (remains->ring.lost)
		ledger->crash_safe_until_ms = ledger->heap.windows.now_ms;
	if (replay->segments == 0)
		ledger_identify(ledger, &remains->ring.facts);
	drain_init(&drain, ledger, &remains->ring, NULL, buf_chars(&remains->ring_path));
	if (goal->fork_id) {
		result = drain_to_fork(&drain, goal->fork_id, err);
	} else {
		if (!drain_ended(&drain))
			drain_rest(&drain);
		drain_finish(&drain);
	}
	drain_release(&drain);
	return result;
}

static int read_up_to(struct remains *remains, const struct goal *goal, struct ledger *ledger,
		      struct err *ret_note, struct err *err);

static int read_parent(struct remains *remains, const struct goal *goal, struct ledger *ledger,
		       struct err *ret_note, struct err *err)
{
	__attribute__((cleanup(buf_release))) struct buf linked = {0};
	__attribute__((cleanup(remains_release))) struct remains parent = {.ring.fd = -1};
	const char *out = buf_chars(&remains->parent_out);
	struct replay replay;

	forks_path(&linked, out, goal->fork_id);
	if (replay_reaches(buf_chars(&linked), goal->fork_id)) {
		if (replay_journal(ledger, buf_chars(&linked), goal->fork_id, &replay, err) < 0)
			return -1;
		return check_owner(remains, buf_chars(&linked), replay.owner, err);
	}
	if (open_files(&parent, out, err) < 0 ||
	    read_up_to(&parent, goal, ledger, ret_note, err) < 0)
		return -1;
	return check_owner(remains, out, parent.owner, err);
}

/* What the parent's books say at the fork; from there on they are this process's. */
static int inherit(struct remains *remains, const struct goal *goal, struct ledger *ledger,
		   struct err *ret_note, struct err *err)
{
	const struct ring_header *facts = &remains->ring.facts;
	const struct goal parents = {facts->fork_id, goal->generations - 1};

	/* Numbers of forks grow along a line of descent. */
	if (goal->generations == 0 || (goal->fork_id && goal->fork_id <= facts->fork_id))
		return err_set(err, "%s: is no descendant of %s",
			       buf_chars(&remains->ring_path), buf_chars(&remains->parent_out));
	if (read_parent(remains, &parents, ledger, ret_note, err) < 0)
		return err_prefix(err, "what process %u inherited", facts->pid);
	if (ledger->identity.run_id != facts->parent_run_id)
		return err_set(err, "%s: its parent is another run than %s",
			       buf_chars(&remains->ring_path), buf_chars(&remains->parent_out));
	ledger_identify(ledger, facts);
	ledger->heap.end = HEAP_RUNNING;
	return 0;
}

static int read_up_to(struct remains *remains, const struct goal *goal, struct ledger *ledger,
		      struct err *ret_note, struct err *err)
{
	struct replay replay = {.complete = true};

	if (remains->parent_out.len) {
		if (inherit(remains, goal, ledger, ret_note, err) < 0)
			return -1;
	} else {
		if (replay_journal(ledger, remains->out, goal->fork_id, &replay, err) < 0)
			return -1;
		*ret_note = replay.stopped;
	}
	if (replay.segments && check_owner(remains, remains->out, replay.owner, err) < 0)
		return -1;
	if (replay.at_fork)
		return 0;
	if (has_ring(remains))
		return read_ring(remains, goal, &replay, ledger, err);
	if (replay.segments == 0)
		return err_set(err, "%s: neither a ring nor a journal beside it", remains->out);
	if (goal->fork_id)
		return err_set(err, "%s: its journal ends before fork %llu", remains->out,
			       (unsigned long long)goal->fork_id);
	return 0;
}

int remains_read(struct remains *remains, struct ledger *ledger, struct err *ret_note,
		 struct err *err)
{
	const struct goal end = {0, MOST_GENERATIONS};

	return read_up_to(remains, &end, ledger, ret_note, err);
}

/* Going over the forks of a run that is about to lose its files. */
struct handing_over {
	struct remains *remains;
	const struct run_identity *identity;
	struct err *err;
};

/* The books up to the fork, as a journal that the child's can begin with. */
static int copy_books(struct handing_over *over, uint64_t fork_id, const char *path)
{
	const struct goal goal = {fork_id, MOST_GENERATIONS};
	struct ledger ledger;
	struct err note, unread;
	int result, failed = 0;

	ledger_init(&ledger);
	ledger.identity = *over->identity;
	segments_remove(path);
	ledger_keep_journal(&ledger, path, UINT64_MAX);
	result = read_up_to(over->remains, &goal, &ledger, &note, &unread);
	/* What can't be read now can't be read later: nothing is lost with it. */
	if (result < 0)
		segments_remove(path);
	else if (!ledger.journal)
		failed = err_set(over->err, "%s.journal.1: can't be written", path);
	ledger_release(&ledger);
	return failed;
}

static bool is_alive(uint32_t pid)
{
	struct program program;
	bool alive;

	program_init(&program, pid, 0);
	alive = program_alive(&program);
	program_release(&program);
	return alive;
}

/*
 * The heir of a child that had no event yet waits for it, and removes what it has linked
 * itself.
 */
static bool has_heir(const struct handing_over *over, uint64_t fork_id)
{
	const struct fork_slot *slot;

	if (!has_ring(over->remains))
		return false;
	slot = &over->remains->ring.header->forks[fork_id % RING_FORKS];
	/* Relaxed: the program is dead. */
	return atomic_load_explicit(&slot->id, memory_order_relaxed) == fork_id && slot->pid &&
	       is_alive(slot->pid);
}

static int hand_over(void *user, uint64_t fork_id)
{
	struct handing_over *over = user;
	__attribute__((cleanup(buf_release))) struct buf path = {0};

	forks_path(&path, over->remains->out, fork_id);
	if (forks_waits(over->remains->out, over->identity->run_id, fork_id))
		return replay_reaches(buf_chars(&path), fork_id)
			       ? 0
			       : copy_books(over, fork_id, buf_chars(&path));
	/* A ring that isn't our child's is somebody else's business, and so is its journal. */
	if (access(buf_chars(&path), F_OK) < 0 && !has_heir(over, fork_id))
		segments_remove(buf_chars(&path));
	return 0;
}

int remains_remove(struct remains *remains, const struct run_identity *identity,
		   struct err *err)
{
	__attribute__((cleanup(buf_release))) struct buf linked = {0};
	struct handing_over over = {remains, identity, err};

	if (forks_each(remains->out, hand_over, &over) < 0)
		return -1;
	/* The ring first: without it the run is one that has its profile. */
	unlink(buf_chars(&remains->ring_path));
	checkpoint_remove(remains->out);
	live_remove(remains->out);
	segments_remove(remains->out);
	if (remains->parent_out.len == 0)
		return 0;
	forks_path(&linked, buf_chars(&remains->parent_out), remains->ring.facts.fork_id);
	unlink(buf_chars(&linked));
	segments_remove(buf_chars(&linked));
	forks_sweep(buf_chars(&remains->parent_out));
	return 0;
}
