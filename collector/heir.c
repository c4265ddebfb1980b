#include "heir.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "program.h"

enum {
	SHORT_NAPS = 100, /* most children allocate at once */
	SHORT_NAP_MS = 1,
	LONG_NAP_MS = 20,
	/* A fork that failed has no child that would tell. */
	UNKNOWN_MOST_MS = 10000,
	LOOK_AT_MAPS_MS = 1000,
	/* A dead child's ring that somebody else has locked: it may be ours yet. */
	LOCKED_TURNS = 250,
};

/* What is known of the program's child. */
struct child {
	struct program program; /* pid 0: nothing yet */
	uint64_t waited_ms, looked_ms;
};

static void nap(struct child *child, unsigned turn)
{
	long ms = turn < SHORT_NAPS ? SHORT_NAP_MS : LONG_NAP_MS;

	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
	child->waited_ms += (uint64_t)ms;
}

/* The slot is the program's memory, and a later fork may have taken it. */
static void read_slot(const struct ring *parents, uint64_t fork_id, struct child *child,
		      bool *ret_gone)
{
	const struct fork_slot *slot = &parents->header->forks[fork_id % RING_FORKS];
	/* Acquire: pairs with the child's release; what it wrote before is there. */
	uint32_t id = atomic_load_explicit(&slot->id, memory_order_acquire);

	if (id != (uint32_t)fork_id)
		return;
	if (!child->program.pid)
		program_init(&child->program, slot->pid, 0);
	*ret_gone = atomic_load_explicit(&slot->state, memory_order_relaxed) == FORK_GONE;
}

/* Its parent's ring is mapped in it until it has its own, or is another program. */
static bool was_replaced(const struct ring *parents, const struct child *child)
{
	return program_shows_maps(&child->program) &&
	       !program_maps(&child->program, "", parents->inode);
}

/* Nothing more will come from it. */
static bool is_gone(const struct ring *parents, uint64_t fork_id, struct child *child)
{
	bool gone = false;

	read_slot(parents, fork_id, child, &gone);
	if (gone || !child->program.pid)
		return gone || child->waited_ms > UNKNOWN_MOST_MS;
	if (!program_alive(&child->program))
		return true;
	if (child->waited_ms - child->looked_ms < LOOK_AT_MAPS_MS)
		return false;
	child->looked_ms = child->waited_ms;
	return was_replaced(parents, child);
}

/*
 * Where its profile goes, the ring says itself, and a program that has dropped its privileges
 * can write to it as before: it has to be the ring of that name, which only its owner can give.
 */
static bool lies_at_its_name(const struct ring *ring)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};
	struct stat named, open;

	buf_format(&path, "%s.ring", ring->facts.out);
	return ring->facts.out[0] == '/' && lstat(buf_chars(&path), &named) == 0 &&
	       fstat(ring->fd, &open) == 0 && named.st_dev == open.st_dev &&
	       named.st_ino == open.st_ino;
}

static bool open_ring(const struct ring *parents, const char *path, uint64_t fork_id,
		      struct ring *ring)
{
	if (ring_open(ring, path, RING_FOLLOW, NULL) < 0)
		return false;
	if (ring->facts.fork_id == fork_id &&
	    ring->facts.parent_run_id == parents->facts.run_id && lies_at_its_name(ring))
		return true;
	/* Left there by a run of long ago. */
	ring_close(ring);
	return false;
}

int heir_wait(const struct ring *parents, const char *path, uint64_t fork_id,
	      struct ring *ret_ring)
{
	struct child child = {.program = {.pidfd = -1, .statm_fd = -1}};
	bool gone = false, found = false;
	int locked = 0;

	for (unsigned turn = 0; !gone && !found; turn++) {
		/* Asked first: a ring that a dead child made is there then. */
		gone = is_gone(parents, fork_id, &child);
		found = open_ring(parents, path, fork_id, ret_ring);
		if (gone && !found && access(path, F_OK) == 0 && locked++ < LOCKED_TURNS)
			gone = false;
		if (!gone && !found)
			nap(&child, turn);
	}
	program_release(&child.program);
	return found;
}
