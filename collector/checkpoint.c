#include "checkpoint.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap_state.h"
#include "ledger.h"
#include "mem.h"
#include "replay.h"
#include "segments.h"

/* The collector's work comes first. */
enum { NICENESS = 5 };

static const char *path_of(struct buf *path, const char *out, const char *suffix)
{
	return buf_format(path, "%s.checkpoint%s", out, suffix);
}

static pid_t run_program(const char *program, const char *out, uint32_t covers)
{
	char number[16], collector[16];
	char *argv[] = {(char *)(uintptr_t) "memtrace-collector",
			(char *)(uintptr_t) "--checkpoint",
			(char *)(uintptr_t)out,
			(char *)(uintptr_t) "--covers",
			number,
			(char *)(uintptr_t) "--collector",
			collector,
			NULL};
	char *envp[] = {NULL};
	pid_t pid;

	snprintf(number, sizeof(number), "%u", covers);
	snprintf(collector, sizeof(collector), "%d", getpid());
	errno = posix_spawn(&pid, program, NULL, NULL, argv, envp);
	return errno ? -1 : pid;
}

static pid_t run_fork(const char *out, uint32_t covers)
{
	struct err err;
	pid_t collector = getpid(), pid = fork();

	if (pid == 0)
		_exit(checkpoint_make(out, covers, collector, &err) < 0);
	return pid;
}

int checkpoint_start(struct checkpoint *checkpoint, const char *out, uint32_t covers,
		     struct err *err)
{
	pid_t pid = checkpoint->program ? run_program(checkpoint->program, out, covers) : -1;

	/* Without /proc it can't be found. */
	if (pid < 0)
		pid = run_fork(out, covers);
	if (pid < 0)
		return err_set(err, "%s: no process for a checkpoint: %m", out);
	checkpoint->pid = pid;
	checkpoint->covers = covers;
	return 0;
}

enum checkpoint_state checkpoint_poll(struct checkpoint *checkpoint, const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};

	if (!checkpoint->pid)
		return CHECKPOINT_NONE;
	/*
	 * Where SIGCHLD is ignored nobody is left to be waited for: that says "ended" as well.
	 */
	if (waitpid(checkpoint->pid, NULL, WNOHANG) == 0)
		return CHECKPOINT_UNDER_WAY;
	checkpoint->pid = 0;
	return access(path_of(&path, out, ""), F_OK) < 0 ? CHECKPOINT_FAILED : CHECKPOINT_WHOLE;
}

int checkpoint_adopt(const char *out, uint32_t covered, uint32_t covers, uint64_t *ret_bytes,
		     struct err *err)
{
	__attribute__((cleanup(buf_release))) struct buf from = {0}, to = {0};
	struct stat st;

	path_of(&from, out, "");
	segments_path(&to, out, 1);
	if (stat(buf_chars(&from), &st) < 0 || rename(buf_chars(&from), buf_chars(&to)) < 0)
		return err_set(err, "%s: %m", buf_chars(&from));
	for (uint32_t segment = covered ? covered + 1 : 2; segment <= covers; segment++)
		unlink(segments_path(&to, out, segment));
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

void checkpoint_stop(struct checkpoint *checkpoint, const char *out)
{
	/*
	 * One that has ended is nobody's child any more where SIGCHLD is ignored, and its
	 * number may be another program's by now.
	 */
	if (checkpoint->pid && waitpid(checkpoint->pid, NULL, WNOHANG) == 0) {
		kill(checkpoint->pid, SIGKILL);
		waitpid(checkpoint->pid, NULL, 0);
	}
	checkpoint->pid = 0;
	checkpoint_remove(out);
}

void checkpoint_remove(const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};

	unlink(path_of(&path, out, ".tmp"));
	unlink(path_of(&path, out, ""));
}

/* What is written, and where it came from. */
struct draft {
	struct journal *journal;
	uint64_t ring_position, bad_records;
};

static int take_records(void *user, struct record *records, size_t count, struct err *err)
{
	struct draft *draft = user;
	const struct journal_batch batch = {
		.records = records,
		.count = count,
		.ring_before = draft->ring_position,
		.ring_after = draft->ring_position,
		.bad_records = draft->bad_records,
	};

	return journal_append(draft->journal, &batch, err);
}

static int write_state(const struct ledger *ledger, const struct replay *replay,
		       const char *path, struct err *err)
{
	struct draft draft = {.ring_position = replay->ring_position,
			      .bad_records = ledger->check.bad_records};
	const struct state_sink sink = {take_records, &draft};
	int result;

	if (journal_create_checkpoint(path, replay->segments, replay->batches,
				      &ledger->identity, &draft.journal, err) < 0)
		return -1;
	result = heap_state_write(&ledger->heap, &sink, err);
	if (result == 0)
		result = journal_sync(draft.journal, err);
	journal_free(draft.journal);
	return result;
}

static int replay_closed(struct ledger *ledger, const char *out, uint32_t covers,
			 struct replay *ret_replay, struct err *err)
{
	if (replay_segments(ledger, out, covers, ret_replay, err) < 0)
		return -1;
	if (!ret_replay->complete)
		return err_set(err, "%s", ret_replay->stopped.text);
	if (ret_replay->segments != covers)
		return err_set(err, "%s: segment %u of the journal is missing", out,
			       ret_replay->segments + 1);
	return 0;
}

static int make(struct ledger *ledger, const char *out, uint32_t covers, struct err *err)
{
	__attribute__((cleanup(buf_release))) struct buf draft = {0}, whole = {0};
	struct replay replay;

	path_of(&draft, out, ".tmp");
	path_of(&whole, out, "");
	if (replay_closed(ledger, out, covers, &replay, err) < 0)
		return -1;
	if (write_state(ledger, &replay, buf_chars(&draft), err) < 0 ||
	    rename(buf_chars(&draft), buf_chars(&whole)) < 0) {
		unlink(buf_chars(&draft));
		return -1;
	}
	return 0;
}

int checkpoint_make(const char *out, uint32_t covers, pid_t collector, struct err *err)
{
	struct ledger ledger;
	int result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* One that was killed before this line sends no signal any more. */
	if (getppid() != collector)
		return err_set(err, "%s: its collector, process %d, is gone", out, collector);
	if (nice(NICENESS) < 0)
		errno = 0;
	ledger_init(&ledger);
	result = make(&ledger, out, covers, err);
	ledger_release(&ledger);
	return result;
}
