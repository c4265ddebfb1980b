/*
 * ring.h - the shared file that records are written into (stream.h has its layout).
 *
 * There is one ring in a process. Between ring_open and the end of the process it stays mapped.
 *
 * Threads: every function but ring_open may be called by many at once. A full ring makes them
 * wait while the collector moves; when it doesn't for two seconds, the ring is given up:
 * ring_given_up. Signals: callers hold the thread's guard (thread.h).
 */
#ifndef MEMTRACE_RING_H
#define MEMTRACE_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "stream.h"

enum {
	RING_CANCEL_SLOTS = 1024,
	RING_TEMP_SLOTS = 1024,
};

struct ring {
	struct ring_header *header;
	struct record *slots;
	uint64_t capacity;
	unsigned capacity_shift;
	/*
	 * Positions before it are free to write, as was seen last; the reader may be farther.
	 */
	_Alignas(64) _Atomic uint64_t room_end;
	_Alignas(64) struct cancel_slot *cancel;
	struct temp_slot *temp;
	bool wait_for_ever; /* MEMTRACE_FULL=wait */
};

extern struct ring ring;

/* Bytes of a ring file with so many bytes of records, rounded to a power of two of slots. */
size_t ring_file_bytes(uint64_t record_bytes);
/*
 * Takes over the fresh, zeroed file behind fd, ring_file_bytes long. False: it can't be mapped.
 */
bool ring_open(int fd, uint64_t record_bytes);

/* So that the collector knows what is the library's own (memory.h): where that has grown. */
void ring_tell_memory(void);

/* Unmaps another one than `ring`: a forked child's parent's. */
void ring_close(struct ring *other);

/* Asks for the slots before `end`; waits while there are none. False: given up. */
bool ring_ask_room(uint64_t end);

/* Positions first .. first + count - 1 are ours to write when this is true. */
static inline bool ring_reserve(uint64_t count, uint64_t *ret_first)
{
	/* Relaxed: the order of positions is the order of this one location's changes. */
	uint64_t first = atomic_fetch_add_explicit(&ring.header->head, count,
						   memory_order_relaxed);

	*ret_first = first;
	/* Acquire: pairs with the release in ring_ask_room, which has seen the reader's. */
	return __builtin_expect(first + count <= atomic_load_explicit(&ring.room_end,
								      memory_order_acquire),
				1) ||
	       ring_ask_room(first + count);
}

static inline void ring_commit(uint64_t position, uint64_t head, uint64_t body)
{
	struct record *slot = &ring.slots[position & (ring.capacity - 1)];
	/* record_lap, without dividing. */
	uint64_t lap = (position >> ring.capacity_shift) % STREAM_LAPS + 1;

	__atomic_store_n(&slot->body, body, __ATOMIC_RELAXED);
	/* Release: whoever sees this lap sees the body. Pairs with the collector's acquire. */
	__atomic_store_n(&slot->head, head | lap << 54, __ATOMIC_RELEASE);
}

static inline void ring_put(uint64_t head, uint64_t body)
{
	uint64_t at;

	if (ring_reserve(1, &at))
		ring_commit(at, head, body);
}

/* One record and one R_DATA with the first 14 bytes of `data`. */
void ring_put_with(uint64_t head, uint64_t body, const void *data);
/* One record and as many R_DATA as `len` bytes take. */
void ring_put_group(uint64_t head, uint64_t body, const void *data, size_t len);
/* A text, in fragments. Two texts of a kind at once are the caller's to prevent. */
void ring_put_text(enum record_kind kind, uint32_t id, const void *bytes, size_t len);

/* There is a collector, and it has not ended. System calls. */
bool ring_collector_lives(void);
/* Nobody reads any more: the program goes on untraced. */
void ring_give_up(void);
bool ring_given_up(void);

#endif
