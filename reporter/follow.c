#include "follow.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ring_peek.h"
#include "run_files.h"

enum {
	POLL_MS = 10,
	SILENCE_MS = 5000, /* the heartbeat comes ten times a second */
	TRIES = 3,         /* somebody else who asked may have taken the file */
};

/* Its owner could cut the ring short under our mapping, or lead us to any file to remove. */
static int check_ours(const struct live_ring *ring, struct err *err)
{
	struct stat status;
	if (fstat(ring->fd, &status))
		return err_set(err, "%s.ring: %s", ring->out, strerror(errno));
	if (status.st_uid != geteuid())
		return err_set(err, "%s.ring belongs to user %u: ask as that user", ring->out,
			       status.st_uid);
	return 0;
}

/* 0: of whoever runs us. Otherwise nothing is open. */
static int open_checked(const char *out, uint32_t pid, struct live_ring *ret_ring,
			struct err *err)
{
	if (out ? live_ring_of_run(out, ret_ring, err)
		: live_ring_of_process(pid, ret_ring, err))
		return -1;
	if (check_ours(ret_ring, err) == 0)
		return 0;
	live_ring_release(ret_ring);
	return -1;
}

int follow_open(const char *name, struct follow *ret_follow, struct err *err)
{
	const uint32_t pid = live_ring_pid(name);
	if (pid && access(name, F_OK))
		return open_checked(NULL, pid, &ret_follow->ring, err);
	struct run_files run;
	if (run_files_find(name, &run, err))
		return -1;
	int result = 0;
	if (run.state != RUN_RUNNING)
		result = err_set(err, "%s: its program doesn't run any more", run.out);
	else
		result = open_checked(run.out, 0, &ret_follow->ring, err);
	run_files_release(&run);
	return result;
}

void follow_release(struct follow *follow)
{
	live_ring_release(&follow->ring);
}

static bool run_is_over(const struct ring_header *header)
{
	/* Acquire: who sees the end finds its files. */
	return atomic_load_explicit(&header->collector_state, memory_order_acquire) >=
	       COLLECTOR_DRAINED;
}

static bool program_is_gone(const struct live_ring *ring)
{
	char path[PATH_MAX];
	struct ring_peek peek;
	snprintf(path, sizeof path, "%s.ring", ring->out);
	return ring_peek_file(path, &peek, NULL) || !ring_peek_process_is_alive(&peek);
}

/* 1: made. 0: the run is over. -1: nobody answers. */
static int await(const struct live_ring *ring, uint32_t request)
{
	struct ring_header *header = ring->header;
	const struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
	uint64_t beat = 0;
	for (int silent = 0; silent < SILENCE_MS; silent += POLL_MS) {
		/* Acquire: the file is there. Pairs with the collector's release. */
		const uint32_t made = atomic_load_explicit(&header->profile_made,
							   memory_order_acquire);
		if ((int32_t)(made - request) >= 0)
			return 1;
		if (run_is_over(header))
			return 0;
		const uint64_t now = atomic_load_explicit(&header->heartbeat,
							  memory_order_relaxed);
		if (now != beat)
			silent = 0;
		beat = now;
		nanosleep(&nap, NULL);
	}
	return program_is_gone(ring) ? 0 : -1;
}

static int take_file(const char *out, struct profile **ret_profile, struct err *err)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s.live-profile", out) >= (int)sizeof path)
		return err_set(err, "%s: too long a name", out);
	/* In a folder that all write to, a file of that name may be anybody's. */
	struct stat status;
	if (lstat(path, &status))
		return err_set(err, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid())
		return err_set(err, "%s isn't the collector's file", path);
	if (profile_open_as(path, out, ret_profile, err))
		return -1;
	unlink(path);
	return 0;
}

int follow_next(struct follow *follow, struct profile **ret_profile, struct err *err)
{
	struct live_ring *ring = &follow->ring;
	for (int tries = 0; tries < TRIES; tries++) {
		/* Relaxed: a number on its own. */
		const uint32_t request =
			atomic_fetch_add_explicit(&ring->header->profile_request, 1,
						  memory_order_relaxed) +
			1;
		const int answer = await(ring, request);
		if (answer == 0)
			return 0;
		if (answer < 0)
			return err_set(err,
				       "%s: its collector doesn't answer: it is stopped or was"
				       " killed; the profile appears when the program ends",
				       ring->out);
		if (take_file(ring->out, ret_profile, err) == 0)
			return 1;
	}
	return err_prefix(err, "its collector could not write a profile");
}

int follow_once(const char *out, struct profile **ret_profile, struct err *err)
{
	struct follow follow;
	if (open_checked(out, 0, &follow.ring, err))
		return -1;
	int got = follow_next(&follow, ret_profile, err);
	if (got == 0)
		err_set(err, "%s: its program ended just now", out);
	follow_release(&follow);
	return got == 1 ? 0 : -1;
}
