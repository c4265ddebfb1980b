#include "live.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "profile.h"

static const char *path_of(struct buf *path, const char *out, const char *suffix)
{
	return buf_format(path, "%s.live-profile%s", out, suffix);
}

/* In the child. The ring's lock must not outlive the collector. */
static void write_books(struct drain *drain, const char *out, pid_t collector)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};
	struct ledger *ledger = drain->ledger;
	struct err err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != collector)
		return;
	ring_leave_file(drain->ring);
	drain_look_ahead(drain);
	if (ledger_write(ledger, path_of(&path, out, ""), PROFILE_SO_FAR, &err) < 0)
		log_line(&ledger->log, "no profile for a live report: %s", err.text);
}

static void start(struct live *live, struct drain *drain, const char *out)
{
	pid_t collector = getpid(), pid;

	/* Small batches wait a while: what the program has said by now belongs to it. */
	drain_add_tick(drain);
	drain_add_counts(drain);
	drain_batch(drain);
	pid = fork();
	if (pid == 0) {
		write_books(drain, out, collector);
		_exit(0);
	}
	if (pid > 0)
		live->pid = pid;
	else
		log_line(&drain->ledger->log, "no profile for a live report: no process: %m");
}

static void tell(const struct live *live, struct ring_header *header)
{
	/* Release: who sees the number sees the file. Pairs with the reader's acquire. */
	atomic_store_explicit(&header->profile_made, live->number, memory_order_release);
}

void live_attend(struct live *live, struct drain *drain, const char *out)
{
	struct ring_header *header = drain->ring->header;
	/* Relaxed: a number on its own. */
	uint32_t asked = atomic_load_explicit(&header->profile_request, memory_order_relaxed);

	if (live->pid) {
		/* Where SIGCHLD is ignored, one that has ended is nobody's child any more. */
		if (waitpid(live->pid, NULL, WNOHANG) == 0)
			return;
		live->pid = 0;
		tell(live, header);
	}
	if (asked == live->number)
		return;
	live->number = asked;
	start(live, drain, out);
	if (!live->pid)
		tell(live, header);
}

void live_stop(struct live *live, const char *out)
{
	if (live->pid && waitpid(live->pid, NULL, WNOHANG) == 0) {
		kill(live->pid, SIGKILL);
		waitpid(live->pid, NULL, 0);
	}
	live->pid = 0;
	if (live->number)
		live_remove(out);
}

void live_remove(const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};

	unlink(path_of(&path, out, ""));
	unlink(path_of(&path, out, ".tmp"));
}
