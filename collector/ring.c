#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "stream_read.h"

/* Threads may reserve a little past the capacity: each checks for space before it reserves. */
enum { RING_OVERRUN_SLOTS = 1 << 16 };
/*
 * A hole is a thread that was interrupted in the middle of a record. On a busy machine, with a
 * low priority, or where the ring's page waits for its disk, it may take seconds until it goes
 * on. One that never comes (its thread was cancelled right there) costs so long a delay, once.
 */
static const uint64_t RING_PATIENCE_NS = 10000000000;

struct region {
	const char *name;
	uint64_t offset, bytes;
};

static int check_region(const char *path, const struct ring_header *h,
			const struct region *region, uint64_t alignment, struct err *err)
{
	if (region->bytes == 0)
		return 0;
	if (region->offset % alignment != 0 || region->offset < RING_HEADER_BYTES ||
	    region->offset > h->file_bytes || region->bytes > h->file_bytes - region->offset)
		return err_set(err, "%s: the %s at offset %llu don't lie in the file", path,
			       region->name, (unsigned long long)region->offset);
	return 0;
}

static bool overlap(const struct region *a, const struct region *b)
{
	return a->bytes && b->bytes && a->offset < b->offset + b->bytes &&
	       b->offset < a->offset + a->bytes;
}

static int check_layout(const char *path, const struct ring_header *h, struct err *err)
{
	const struct region regions[] = {
		{"slots", h->slots_offset, h->capacity * sizeof(struct record)},
		{"waiting allocations", h->cancel_offset,
		 (uint64_t)h->cancel_slots * sizeof(struct cancel_slot)},
		{"temporary counters", h->temp_offset,
		 (uint64_t)h->temp_slots * sizeof(struct temp_slot)},
	};

	for (size_t i = 0; i < 3; i++) {
		if (check_region(path, h, &regions[i], i ? 8 : sizeof(struct record), err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (overlap(&regions[i], &regions[j]))
				return err_set(err, "%s: %s and %s overlap at offset %llu",
					       path, regions[j].name, regions[i].name,
					       (unsigned long long)regions[i].offset);
	}
	return 0;
}

static int check_header(const char *path, const struct ring_header *h, uint64_t file_bytes,
			struct err *err)
{
	/* Then it fills the header. */
	if (!h->magic[0] && !h->version)
		return err_set(err, "%s: its process ended before it recorded anything", path);
	if (memcmp(h->magic, RING_MAGIC, sizeof(h->magic)) != 0)
		return err_set(err, "%s: not a ring (offset 0: another magic)", path);
	if (h->version != STREAM_VERSION)
		return err_set(err, "%s: stream version %u, this collector reads %d", path,
			       h->version, STREAM_VERSION);
	if (h->header_bytes < sizeof(*h) || h->header_bytes > RING_HEADER_BYTES)
		return err_set(err, "%s: a header of %u bytes", path, h->header_bytes);
	if (h->file_bytes > file_bytes)
		return err_set(err, "%s: %llu bytes long, %llu by its header", path,
			       (unsigned long long)file_bytes,
			       (unsigned long long)h->file_bytes);
	if (h->capacity < RING_MIN_SLOTS || h->capacity > RING_MAX_SLOTS ||
	    (h->capacity & (h->capacity - 1)) != 0)
		return err_set(err, "%s: a ring of %llu slots", path,
			       (unsigned long long)h->capacity);
	if (h->cancel_slots > RING_MAX_SIDE_SLOTS || h->temp_slots > RING_MAX_SIDE_SLOTS)
		return err_set(err, "%s: side tables of %u and %u slots", path, h->cancel_slots,
			       h->temp_slots);
	if (h->pid == 0 || h->pid > INT32_MAX)
		return err_set(err, "%s: process %u", path, h->pid);
	if (!memchr(h->out, 0, sizeof(h->out)))
		return err_set(err, "%s: a profile's path without an end", path);
	return check_layout(path, h, err);
}

static int check_file(const char *path, int fd, uint64_t *ret_bytes, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, "%s: %m", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s: not a regular file", path);
	/* The program makes the file in its first event. */
	if (st.st_size == 0)
		return err_set(err, "%s: its process ended before it recorded anything", path);
	if (st.st_size < RING_HEADER_BYTES)
		return err_set(err, "%s: %lld bytes are too short for a ring", path,
			       (long long)st.st_size);
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

static int read_facts(const char *path, int fd, struct ring_header *facts, struct err *err)
{
	uint64_t bytes = 0;

	if (check_file(path, fd, &bytes, err) < 0)
		return -1;
	if (pread(fd, facts, sizeof(*facts), 0) != sizeof(*facts))
		return err_set(err, "%s: offset 0: %m", path);
	return check_header(path, facts, bytes, err);
}

/* The program's own memory: of another user's it could be anything, at any time. */
static int map_shared(struct ring *ring, const char *path, struct err *err)
{
	if (ring->owner != geteuid())
		return err_set(err, "%s: belongs to user %u, not to %u", path, ring->owner,
			       geteuid());
	ring->map = mmap(NULL, ring->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			 0);
	if (ring->map != MAP_FAILED)
		return 0;
	ring->map = NULL;
	return err_set(err, "%s: %m", path);
}

/* A mapping would end us by a signal where somebody makes the file shorter meanwhile. */
static int copy_file(struct ring *ring, const char *path, struct err *err)
{
	ring->map = mem_lazy(ring->map_bytes);
	if (!ring->map)
		return err_set(err, "%s: no memory for %zu bytes", path, ring->map_bytes);
	for (size_t at = 0; at < ring->map_bytes;) {
		ssize_t len = pread(ring->fd, ring->map + at, ring->map_bytes - at, (off_t)at);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return err_set(err, "%s: offset %zu: %s", path, at,
				       len ? strerror(errno) : "the file ends here by now");
		at += (size_t)len;
	}
	return 0;
}

static bool collector_is_gone(int fd)
{
	uint32_t pid = 0;
	ssize_t len = pread(fd, &pid, sizeof(pid), offsetof(struct ring_header, collector_pid));

	return len == sizeof(pid) && pid && pid <= INT32_MAX && kill((pid_t)pid, 0) < 0 &&
	       errno == ESRCH;
}

/*
 * A process that a killed collector had started holds its lock until the kernel has ended that
 * as well: a moment, which a recovery waits for.
 */
static bool take_lock(int fd)
{
	enum { NAP_MS = 5, NAPS = 400 };

	for (int naps = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; naps++) {
		if (naps == NAPS || !collector_is_gone(fd))
			return false;
		nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
	}
	return true;
}

static int take_file(struct ring *ring, const char *path, enum ring_access access,
		     struct err *err)
{
	struct stat st;

	if (!take_lock(ring->fd))
		return err_set(err, "%s: another collector is at work on it", path);
	if (read_facts(path, ring->fd, &ring->facts, err) < 0)
		return -1;
	if (fstat(ring->fd, &st) < 0)
		return err_set(err, "%s: %m", path);
	ring->inode = st.st_ino;
	ring->owner = st.st_uid;
	ring->map_bytes = ring->facts.file_bytes;
	return access == RING_FOLLOW ? map_shared(ring, path, err) : copy_file(ring, path, err);
}

int ring_open(struct ring *ring, const char *path, enum ring_access access, struct err *err)
{
	int flags = access == RING_FOLLOW ? O_RDWR : O_RDONLY;

	memset(ring, 0, sizeof(*ring));
	ring->fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (ring->fd < 0)
		return err_set(err, "%s: %m", path);
	if (take_file(ring, path, access, err) < 0) {
		ring_close(ring);
		return -1;
	}
	ring->header = (struct ring_header *)(void *)ring->map;
	ring->slots =
		(const struct record *)(const void *)(ring->map + ring->facts.slots_offset);
	ring->mask = ring->facts.capacity - 1;
	return 0;
}

void ring_close(struct ring *ring)
{
	if (ring->map)
		munmap(ring->map, ring->map_bytes);
	if (ring->fd >= 0)
		close(ring->fd);
	ring->map = NULL;
	ring->fd = -1;
}

void ring_leave_file(struct ring *ring)
{
	close(ring->fd);
	ring->fd = -1;
}

int ring_look_at(const char *path, struct ring_header *ret_facts, struct err *err)
{
	struct ring_header facts;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), result;

	if (fd < 0)
		return err_set(err, "%s: %m", path);
	result = read_facts(path, fd, &facts, err);
	close(fd);
	if (result == 0)
		*ret_facts = facts;
	return result;
}

/* The producers' head, kept to where it can be. */
static uint64_t ring_head(const struct ring *ring)
{
	/* Relaxed: slots are ordered by their own head words. */
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);
	uint64_t most = ring->tail + ring->facts.capacity + RING_OVERRUN_SLOTS;

	if (head < ring->tail)
		return ring->tail;
	return head < most ? head : most;
}

uint64_t ring_waiting(const struct ring *ring)
{
	uint64_t waiting = ring_head(ring) - ring->tail;

	return waiting < ring->facts.capacity ? waiting : ring->facts.capacity;
}

static uint64_t lap_at(const struct ring *ring, uint64_t position)
{
	return record_lap(position, ring->facts.capacity);
}

/* False: not committed, or being overwritten by a thread that came a lap too late. */
static inline bool read_slot(const struct ring *ring, uint64_t position, uint64_t lap,
			     struct record *ret)
{
	const struct record *slot = &ring->slots[position & ring->mask];
	/* Acquire: pairs with the release store of a committing producer; body comes before. */
	uint64_t head = __atomic_load_n(&slot->head, __ATOMIC_ACQUIRE);
	uint64_t body;

	if (head >> 54 != lap)
		return false;
	body = __atomic_load_n(&slot->body, __ATOMIC_RELAXED);
	/* Acquire: keeps the second look at head behind the one at body. */
	atomic_thread_fence(memory_order_acquire);
	if (__atomic_load_n(&slot->head, __ATOMIC_RELAXED) != head)
		return false;
	ret->head = head & ~(0x3ffULL << 54);
	ret->body = body;
	return true;
}

/*
 * Copies what is there of the group at tail behind its first record: stops at what isn't
 * R_DATA.
 */
static size_t read_group(const struct ring *ring, struct record *out, size_t slots,
			 bool *ret_uncommitted)
{
	size_t i = 1;

	*ret_uncommitted = false;
	for (; i < slots; i++) {
		uint64_t position = ring->tail + i;

		if (!read_slot(ring, position, lap_at(ring, position), &out[i])) {
			*ret_uncommitted = true;
			break;
		}
		if (record_kind(&out[i]) != R_DATA)
			break;
	}
	return i;
}

/* Slots skipped in a row become one record where they were. */
static size_t put_lost(struct ring *ring, uint64_t position, struct record *out)
{
	if (ring->lost == 0)
		return 0;
	out->head = record_head(R_LOST, ring->lost);
	out->body = position - ring->lost;
	ring->lost = 0;
	return 1;
}

static void skip_slots(struct ring *ring, uint64_t slots)
{
	ring->tail += slots;
	ring->resync = true;
	ring->lost += slots;
}

/*
 * One record with its R_DATA from tail to `to`. Returns its slots; 0: nothing can be read yet,
 * or no `room`; -1: slots were skipped, look again.
 */
static ssize_t take_group(struct ring *ring, uint64_t lap, struct record *to, size_t room)
{
	bool given_up = ring->tail < ring->given_up, uncommitted = false;
	size_t slots, there = 1;

	if (!read_slot(ring, ring->tail, lap, to)) {
		if (given_up)
			skip_slots(ring, 1);
		return given_up ? -1 : 0;
	}
	if (ring->resync && record_kind(to) == R_DATA) {
		skip_slots(ring, 1);
		return -1;
	}
	/* Only the collector says so: stream_check finds an R_NONE instead. */
	if (record_kind(to) >= R_TICK)
		to->head = 0;
	slots = stream_record_slots(to);
	if (slots <= 1)
		return 1;
	if (slots > room)
		return 0;
	there = read_group(ring, to, slots, &uncommitted);
	if (!uncommitted)
		return (ssize_t)there;
	if (given_up)
		skip_slots(ring, there);
	return given_up ? -1 : 0;
}

size_t ring_copy(struct ring *ring, struct record *out, size_t room)
{
	uint64_t round = ring->tail & ~ring->mask, lap = lap_at(ring, round);
	size_t count = 0;

	while (room - count >= 2) {
		/* The record of what was skipped before it, if any, goes in front. */
		struct record *to = &out[count + (ring->lost != 0)];
		ssize_t slots;

		if ((ring->tail & ~ring->mask) != round) {
			round = ring->tail & ~ring->mask;
			lap = lap_at(ring, round);
		}
		slots = take_group(ring, lap, to, room - count - 1);
		if (slots == 0)
			break;
		if (slots < 0)
			continue;
		bool fork = record_kind(to) == R_FORK;

		count += put_lost(ring, ring->tail, &out[count]) + (size_t)slots;
		ring->tail += (size_t)slots;
		ring->resync = false;
		/* What comes after it is not the child's. */
		if (fork)
			break;
	}
	return count + put_lost(ring, ring->tail, &out[count]);
}

void ring_publish(struct ring *ring)
{
	/* Release: slots were read before producers, who load this with acquire, reuse them. */
	atomic_store_explicit(&ring->header->tail, ring->tail, memory_order_release);
}

void ring_age(struct ring *ring, uint64_t elapsed_ns)
{
	if (ring->tail >= ring->watched) {
		ring->watched = ring_head(ring);
		ring->watch_ns = 0;
		return;
	}
	ring->watch_ns += elapsed_ns;
	if (ring->watch_ns >= RING_PATIENCE_NS)
		ring->given_up = ring->watched;
}

void ring_seal(struct ring *ring)
{
	ring->given_up = ring_head(ring);
}

/*
 * Producers reserve before they wait for room: what lies a capacity below the head is
 * overwritten only where the tail has passed it.
 */
static uint64_t first_kept(const struct ring *ring)
{
	/* Relaxed: nobody moves them any more, or an older answer is as good. */
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
	uint64_t lap = head > ring->facts.capacity ? head - ring->facts.capacity : 0;

	return lap < tail ? lap : tail;
}

void ring_seek(struct ring *ring, uint64_t position)
{
	uint64_t first = first_kept(ring);

	ring->tail = position;
	ring->given_up = ring->lost = 0;
	ring->resync = false;
	if (first > position)
		skip_slots(ring, first - position);
}

const struct cancel_slot *ring_cancel_slots(const struct ring *ring)
{
	return (const void *)(ring->facts.cancel_slots ? ring->map + ring->facts.cancel_offset
						       : NULL);
}

const struct temp_slot *ring_temp_slots(const struct ring *ring)
{
	return (const void *)(ring->facts.temp_slots ? ring->map + ring->facts.temp_offset
						     : NULL);
}

void ring_announce(struct ring *ring, enum ring_collector_state state)
{
	/* Release: whoever sees DONE finds the profile under its name. */
	atomic_store_explicit(&ring->header->collector_state, state, memory_order_release);
	syscall(SYS_futex, &ring->header->collector_state, FUTEX_WAKE, INT32_MAX, NULL, NULL,
		0);
}
