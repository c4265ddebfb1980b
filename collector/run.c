#include "run.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "drain.h"
#include "forks.h"
#include "heir.h"
#include "live.h"
#include "profile.h"
#include "remains.h"
#include "replay.h"
#include "segments.h"

/* For a child's collector to get hold of the journal that its own begins with. */
enum { LINKING_MOST_MS = 10000 };

/* One run's files, and what is made of them. */
struct run {
	const struct run_options *options; /* NULL: nothing is followed */
	const char *out;
	struct buf ring_path; /* a text */
	struct ring ring;
	struct program program;
	struct ledger ledger;
	struct live live;
	int linking[2]; /* a pipe that our heirs hold open until they have linked our journal */
	/* Heirs that are about to link it: shared with them. And when one was made last. */
	_Atomic int *heirs_linking;
	uint64_t forked_ms;
};

static void name_ring(struct run *run)
{
	run->ring_path.len = 0;
	buf_format(&run->ring_path, "%s.ring", run->out);
}

static void run_init(struct run *run, const char *out)
{
	memset(run, 0, sizeof(*run));
	run->out = out;
	run->ring.fd = run->program.pidfd = run->program.statm_fd = -1;
	run->linking[0] = run->linking[1] = -1;
	name_ring(run);
	ledger_init(&run->ledger);
}

static void close_links(struct run *run)
{
	for (int end = 0; end < 2; end++) {
		if (run->linking[end] >= 0)
			close(run->linking[end]);
		run->linking[end] = -1;
	}
}

static void run_release(struct run *run)
{
	close_links(run);
	ledger_release(&run->ledger);
	program_release(&run->program);
	ring_close(&run->ring);
	buf_release(&run->ring_path);
}

static void make_heir(void *user, uint64_t fork_id);

static void attend(void *user, struct drain *drain)
{
	struct run *run = user;

	live_attend(&run->live, drain, run->out);
}

static void follow(struct run *run)
{
	struct drain drain;

	program_init(&run->program, run->ring.facts.pid, run->ring.facts.process_start);
	drain_init(&drain, &run->ledger, &run->ring, &run->program, buf_chars(&run->ring_path));
	drain.forked = make_heir;
	drain.attend = attend;
	drain.user = run;
	atomic_store(&run->ring.header->collector_pid, (uint32_t)getpid());
	ring_announce(&run->ring, COLLECTOR_READY);
	log_line(&run->ledger.log, "follows process %u", run->ring.facts.pid);
	drain_run(&drain);
	drain_finish(&drain);
	drain_release(&drain);
	live_stop(&run->live, run->out);
}

/*
 * A disk that was too full for the whole journal may have room for the profile without it: what
 * is left of it would only give a part of what is known here.
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

/* Our journal may go when nobody is about to link it. */
static void await_links(struct run *run)
{
	struct pollfd heirs = {.fd = run->linking[0], .events = POLLIN};

	if (run->linking[1] >= 0)
		close(run->linking[1]);
	run->linking[1] = -1;
	if (heirs.fd >= 0)
		poll(&heirs, 1, LINKING_MOST_MS);
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
	await_links(run);
	if (!run->options->keep_events)
		segments_remove(run->out);
	unlink(buf_chars(&run->ring_path));
	ring_announce(&run->ring, COLLECTOR_DONE);
	return 0;
}

/* The books are the parent's so far; the ring, the names and the identity are the child's. */
static void inherit(struct run *run, struct ring *ring, const char *waiting)
{
	uint32_t segments = run->ledger.journal ? run->ledger.journal_segment : 0;
	const char *out;

	program_release(&run->program);
	ring_close(&run->ring);
	run->ring = *ring;
	run->live = (struct live){.pid = 0};
	out = run->ring.facts.out;
	if (segments_link(waiting, out, run->ledger.journal_covered, segments) < 0)
		ledger_lose_journal(&run->ledger, "its parent's journal can't be linked");
	run->out = out;
	name_ring(run);
	ledger_identify(&run->ledger, &run->ring.facts);
	ledger_inherit_journal(&run->ledger, out);
	/* From here on the child's own journal is whole (forks.h). */
	unlink(waiting);
	segments_remove(waiting);
	run->ledger.heap.end = HEAP_RUNNING;
}

/* Now, for the parent may end before its child begins. */
static void link_parents_journal(struct run *run, const char *waiting)
{
	uint32_t segments = run->ledger.journal ? run->ledger.journal_segment : 0;

	if (segments_link(run->out, waiting, run->ledger.journal_covered, segments) < 0)
		ledger_lose_journal(&run->ledger, "its parent's journal can't be linked");
	atomic_fetch_sub(run->heirs_linking, 1);
	close_links(run);
	/* With it goes our part in the lock: the parent can be recovered while we wait. */
	ring_leave_file(&run->ring);
}

/* In the collector's child, which ends with it. */
static void be_heir(struct run *run, uint64_t fork_id)
{
	__attribute__((cleanup(buf_release))) struct buf waiting = {0};
	struct ring ring;
	struct err err;

	ledger_leave_checkpoint(&run->ledger);
	forks_path(&waiting, run->out, fork_id);
	link_parents_journal(run, buf_chars(&waiting));
	if (!heir_wait(&run->ring, buf_chars(&waiting), fork_id, &ring)) {
		segments_remove(buf_chars(&waiting));
		return;
	}
	inherit(run, &ring, buf_chars(&waiting));
	follow(run);
	finish(run, &err);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*
 * Segments may go while no heir is about to link them; one that was killed before it never
 * will.
 */
static bool may_go(void *user)
{
	const struct run *run = user;

	return atomic_load(run->heirs_linking) == 0 ||
	       now_ms() - run->forked_ms > LINKING_MOST_MS;
}

static void make_heir(void *user, uint64_t fork_id)
{
	struct run *run = user;

	if (run->linking[0] < 0 && pipe2(run->linking, O_CLOEXEC) < 0)
		run->linking[0] = run->linking[1] = -1;
	run->forked_ms = now_ms();
	atomic_fetch_add(run->heirs_linking, 1);
	pid_t pid = fork();

	if (pid < 0) {
		atomic_fetch_sub(run->heirs_linking, 1);
		log_line(&run->ledger.log, "a child of process %u can't be followed: %m",
			 run->ring.facts.pid);
	}
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
	if (ring_open(&run.ring, buf_chars(&run.ring_path), RING_FOLLOW, err) < 0) {
		log_line(&run.ledger.log, "%s", err->text);
		return -1;
	}
	run.options = options;
	run.heirs_linking = mmap(NULL, sizeof(*run.heirs_linking), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run.heirs_linking == MAP_FAILED)
		return err_set(err, "%s: no memory to share: %m", run.out);
	run.ledger.checkpoint.program = options->program;
	run.ledger.may_go = may_go;
	run.ledger.user = &run;
	ledger_identify(&run.ledger, &run.ring.facts);
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
	if (replay_journal(&run.ledger, out, 0, &replay, err) < 0)
		return -1;
	if (replay.segments == 0)
		return err_set(err, "%s.journal.1: there is no such journal", out);
	*ret_note = replay.stopped;
	return ledger_write(&run.ledger, to, 0, err);
}

/*
 * What another user's files say may be read. But nothing is written, replaced or removed where
 * they say so: whose folder it is could lead us anywhere.
 */
static int check_ours(const struct remains *remains, struct err *err)
{
	struct stat st;

	if (remains->owner != geteuid())
		return err_set(err,
			       "%s: its files belong to user %u, not to %u: a report "
			       "reads them, and leaves them alone",
			       remains->out, remains->owner, geteuid());
	if (lstat(remains->out, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid()))
		return err_set(err, "%s: isn't a file of user %u", remains->out, geteuid());
	return 0;
}

/* `remove`: the side files go, once the profile is there. */
static int recover(const char *out, const char *to, bool remove, struct err *ret_note,
		   struct err *err)
{
	__attribute__((cleanup(remains_release))) struct remains remains = {.ring.fd = -1};
	struct ledger ledger;
	int result;

	if (remains_open(&remains, out, err) < 0)
		return -1;
	if (remove && remains_has_profile(&remains)) {
		const struct run_identity identity = {.run_id = remains.ring.facts.run_id};

		return remains_remove(&remains, &identity, err);
	}
	ledger_init(&ledger);
	result = remains_read(&remains, &ledger, ret_note, err);
	if (result == 0 && remove)
		result = check_ours(&remains, err);
	if (result == 0)
		result = ledger_write(&ledger, to, PROFILE_REPLAYED, err);
	if (result == 0 && remove)
		result = remains_remove(&remains, &ledger.identity, err);
	ledger_release(&ledger);
	return result;
}

/* A journal beside it is one that somebody asked for. */
static bool has_profile(const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf ring_path = {0};
	struct stat st;

	buf_format(&ring_path, "%s.ring", out);
	return access(buf_chars(&ring_path), F_OK) < 0 && stat(out, &st) == 0 && st.st_size > 0;
}

int run_recover(const char *out, struct err *ret_note, struct err *err)
{
	if (has_profile(out)) {
		forks_sweep(out);
		return 0;
	}
	return recover(out, out, true, ret_note, err);
}

int run_recover_to(const char *out, const char *to, struct err *ret_note, struct err *err)
{
	return recover(out, to, false, ret_note, err);
}
