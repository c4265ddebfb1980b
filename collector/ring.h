/*
 * ring.h - the collector's end of a ring (preload/stream.h has the layout).
 *
 * A slot is read when it carries the lap of its position; the producer's `head` only tells
 * which slots are reserved, and is not believed beyond one capacity. Slots that were reserved
 * and never committed (holes) stop the reader until they are given up: ring_age does that for
 * a running program, ring_seal for a dead one. What was skipped comes out as R_LOST, in its
 * place.
 *
 * Threads: one reader; the program's threads write at the same time.
 * Trust: a program that cuts its own ring file short takes its collector along (SIGBUS).
 */
#ifndef MEMTRACE_COLLECTOR_RING_H
#define MEMTRACE_COLLECTOR_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/stream.h"
#include "err.h"

enum ring_access {
	RING_FOLLOW = 0,  /* the program lives, and is ours: the header is written to */
	RING_INSPECT = 1, /* nothing is written: a copy, of anybody's ring */
};

struct ring {
	int fd; /* also carries the lock that tells other collectors to keep off */
	ino_t inode;
	uid_t owner;
	uint8_t *map;
	size_t map_bytes;
	struct ring_header *header; /* shared: only its atomics, and mark_name */
	struct ring_header facts;   /* checked copy: what never changes */
	const struct record *slots;
	uint64_t mask;
	uint64_t tail;     /* the next position to read */
	uint64_t given_up; /* uncommitted slots below this position are skipped */
	uint64_t watched;  /* the head when watching began; see ring_age */
	uint64_t watch_ns;
	uint64_t lost; /* slots skipped and not told yet */
	bool resync;   /* slots were skipped: R_DATA before the next record belongs to them */
};

/* Fails with `err` saying which field, or that another collector holds it. */
int ring_open(struct ring *ring, const char *path, enum ring_access access, struct err *err);
void ring_close(struct ring *ring);
/*
 * The mapping stays; where the file is open in another process as well, the lock is that one's.
 */
void ring_leave_file(struct ring *ring);
/* The checked header alone, whoever is at work on the ring, and whose ever it is. */
int ring_look_at(const char *path, struct ring_header *ret_facts, struct err *err);
/* Slots reserved and not read yet: a hint, at most the capacity. */
uint64_t ring_waiting(const struct ring *ring);
/*
 * Copies whole groups in order, laps stripped, to `out`, which has room for `room` records (at
 * least 2 + STREAM_MAX_DATA_SLOTS), up to an R_FORK, which comes last. Returns how many; 0:
 * nothing that can be read yet.
 */
size_t ring_copy(struct ring *ring, struct record *out, size_t room);
/* Lets the producers have what was copied. Call once a batch. */
void ring_publish(struct ring *ring);
/* Time in which the program ran went by: gives up holes that are older than ten seconds. */
void ring_age(struct ring *ring, uint64_t elapsed_ns);
/* The program is dead: gives up all holes. */
void ring_seal(struct ring *ring);
/*
 * Reading starts there, afresh; positions that are overwritten since are skipped (R_LOST counts
 * them).
 */
void ring_seek(struct ring *ring, uint64_t position);

/*
 * A table in the ring file; NULL where it has none. Its slots are the program's memory: copy.
 */
const struct cancel_slot *ring_cancel_slots(const struct ring *ring);
const struct temp_slot *ring_temp_slots(const struct ring *ring);

/* Tells waiting threads of the program. */
void ring_announce(struct ring *ring, enum ring_collector_state state);

#endif
