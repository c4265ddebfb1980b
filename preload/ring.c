#include "ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"
#include "proc.h"
#include "spin.h"

struct ring ring;

enum {
	WAIT_SPINS = 256,
	WAIT_NAP_NS = 50000,
	PATIENCE_NS = 2000000000,
	PAGE = 4096,
};

static uint64_t slots_for(uint64_t record_bytes)
{
	uint64_t slots = RING_MIN_SLOTS;

	while (slots < RING_MAX_SLOTS && slots * STREAM_RECORD_BYTES < record_bytes)
		slots *= 2;
	return slots;
}

enum {
	CANCEL_OFFSET = RING_HEADER_BYTES,
	TEMP_OFFSET = CANCEL_OFFSET + RING_CANCEL_SLOTS * sizeof(struct cancel_slot),
	SLOTS_OFFSET = TEMP_OFFSET + RING_TEMP_SLOTS * sizeof(struct temp_slot),
};
_Static_assert(SLOTS_OFFSET % PAGE == 0, "records begin on a page");

size_t ring_file_bytes(uint64_t record_bytes)
{
	return SLOTS_OFFSET + slots_for(record_bytes) * STREAM_RECORD_BYTES;
}

bool ring_open(int fd, uint64_t record_bytes)
{
	size_t bytes = ring_file_bytes(record_bytes);
	long at = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);

	if (at == -1)
		return false;
	char *base = (char *)at;
	struct ring_header *header = (struct ring_header *)base;

	memcpy(header->magic, RING_MAGIC, sizeof(header->magic));
	header->version = STREAM_VERSION;
	header->header_bytes = RING_HEADER_BYTES;
	header->file_bytes = bytes;
	header->capacity = slots_for(record_bytes);
	header->cancel_offset = CANCEL_OFFSET;
	header->cancel_slots = RING_CANCEL_SLOTS;
	header->temp_offset = TEMP_OFFSET;
	header->temp_slots = RING_TEMP_SLOTS;
	header->slots_offset = SLOTS_OFFSET;
	ring.header = header;
	ring.capacity = header->capacity;
	ring.capacity_shift = (unsigned)__builtin_ctzll(header->capacity);
	atomic_store(&ring.room_end, header->capacity);
	ring.cancel = (struct cancel_slot *)(base + CANCEL_OFFSET);
	ring.temp = (struct temp_slot *)(base + TEMP_OFFSET);
	ring.slots = (struct record *)(base + SLOTS_OFFSET);
	ring_tell_memory();
	return true;
}

void ring_tell_memory(void)
{
	memory_areas(ring.header->memory_areas);
}

void ring_close(struct ring *other)
{
	memory_drop(other->header, other->header->file_bytes);
}

void ring_give_up(void)
{
	uint32_t traced = PROGRAM_TRACED;

	atomic_compare_exchange_strong(&ring.header->program_state, &traced, PROGRAM_INERT);
	/* The one word that each event looks at. */
	atomic_fetch_or(&ring.header->attention, ATTENTION_INERT);
}

bool ring_given_up(void)
{
	return atomic_load_explicit(&ring.header->program_state, memory_order_relaxed) ==
	       PROGRAM_INERT;
}

bool ring_collector_lives(void)
{
	pid_t pid = (pid_t)atomic_load(&ring.header->collector_pid);

	/* Of another user it is where the program has dropped its privileges. */
	if (!pid || (syscall(SYS_kill, pid, 0) && errno == ESRCH))
		return false;
	/*
	 * A killed one may lie unreaped for ever: where the program or whoever is PID 1 doesn't
	 * wait.
	 */
	struct proc_stat stat;

	proc_stat_of(pid, &stat);
	return stat.state != 'Z' && stat.state != 'X';
}

/* A collector that naps or is slow moves its heartbeat; one that is stopped or dead doesn't. */
struct patience {
	uint64_t heartbeat;
	uint64_t since_ns;
};

static bool patience_lost(struct patience *patience, uint64_t now)
{
	uint64_t beat = atomic_load_explicit(&ring.header->heartbeat, memory_order_relaxed);

	if (beat != patience->heartbeat || !patience->since_ns) {
		*patience = (struct patience){.heartbeat = beat, .since_ns = now};
		return false;
	}
	if (now - patience->since_ns < PATIENCE_NS)
		return false;
	return !ring.wait_for_ever || !ring_collector_lives();
}

static bool has_room(uint64_t end)
{
	/*
	 * Acquire: what the reader read out of the slots happened before we write into them.
	 * Pairs with the collector's release of tail.
	 */
	uint64_t tail = atomic_load_explicit(&ring.header->tail, memory_order_acquire);

	/*
	 * Release: for those who find room by it and not by the tail. Two at once may put an
	 * older end in place of a newer one: then the tail is looked at once more.
	 */
	atomic_store_explicit(&ring.room_end, tail + ring.capacity, memory_order_release);
	return end <= tail + ring.capacity;
}

/* Until the slots before `end` are free to write. False: given up. */
static bool wait_for_room(uint64_t end)
{
	uint64_t start = clock_mono_ns();
	struct patience patience = {0};
	bool room = false;

	for (unsigned tries = 0; !ring_given_up() && !(room = has_room(end)); tries++) {
		if (tries < WAIT_SPINS) {
			spin_pause();
			continue;
		}
		if (patience_lost(&patience, clock_mono_ns())) {
			ring_give_up();
			break;
		}
		/*
		 * Not nanosleep, where a thread may be cancelled: with our locks, inside a
		 * malloc.
		 */
		syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = WAIT_NAP_NS}, NULL);
	}
	atomic_fetch_add_explicit(&ring.header->waited_ns, clock_mono_ns() - start,
				  memory_order_relaxed);
	return room;
}

bool ring_ask_room(uint64_t end)
{
	int saved = errno;
	bool room = has_room(end) || wait_for_room(end);

	errno = saved;
	return room;
}

static void commit_data(uint64_t position, const char *bytes, size_t len)
{
	uint64_t words[2] = {0};

	/* Six bytes beside the kind, eight in the body: stream.h. */
	memcpy(&words[0], bytes, len < 6 ? len : 6);
	if (len > 6)
		memcpy(&words[1], bytes + 6, len - 6);
	ring_commit(position, record_head(R_DATA, words[0]), words[1]);
}

void ring_put_with(uint64_t head, uint64_t body, const void *data)
{
	uint64_t at;

	if (!ring_reserve(2, &at))
		return;
	ring_commit(at, head, body);
	commit_data(at + 1, data, STREAM_DATA_BYTES);
}

static uint64_t data_slots(size_t len)
{
	return (len + STREAM_DATA_BYTES - 1) / STREAM_DATA_BYTES;
}

void ring_put_group(uint64_t head, uint64_t body, const void *data, size_t len)
{
	const char *bytes = data;
	uint64_t at;

	if (!ring_reserve(1 + data_slots(len), &at))
		return;
	ring_commit(at, head, body);
	for (size_t done = 0; done < len; done += STREAM_DATA_BYTES) {
		size_t part = len - done < STREAM_DATA_BYTES ? len - done : STREAM_DATA_BYTES;

		commit_data(++at, bytes + done, part);
	}
}

void ring_put_text(enum record_kind kind, uint32_t id, const void *bytes, size_t len)
{
	enum { FRAGMENT = STREAM_MAX_DATA_SLOTS * STREAM_DATA_BYTES };
	const char *text = bytes;
	size_t done = 0;

	do {
		size_t part = len - done < FRAGMENT ? len - done : FRAGMENT;

		ring_put_group(record_head(kind, id | data_slots(part) << 32),
			       len | (uint64_t)done << 32, text + done, part);
		done += part;
	} while (done < len);
}
