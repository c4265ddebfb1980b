/*
 * A ring's header as the file tells it, and the slots of a ring as a hostile program leaves
 * them while they are being read: whatever is in them, reading ends, moves on only, accounts
 * for each position that it leaves behind, and what it copied can be checked.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../collector/ring.h"
#include "../../collector/stream_read.h"
#include "replay_files.h"

enum {
	RING_BYTES = RING_HEADER_BYTES + RING_MIN_SLOTS * STREAM_RECORD_BYTES,
	ROOM = 2 + STREAM_MAX_DATA_SLOTS,
};

static struct record copied[ROOM];

/* One file for the whole campaign, large enough for the smallest ring. */
static int ring_file(const char **ret_path)
{
	static char path[] = "/dev/shm/fuzz_ring.XXXXXX";
	static int fd = -1;

	if (fd < 0) {
		fd = mkstemp(path);
		if (fd < 0 || ftruncate(fd, RING_BYTES) < 0)
			abort();
	}
	*ret_path = path;
	return fd;
}

static void remove_ring_file(void)
{
	const char *path;

	ring_file(&path);
	unlink(path);
}

/* A table that the header puts outside the file would end this with a signal. */
static void read_tables(const struct ring *ring)
{
	const struct cancel_slot *cancel = ring_cancel_slots(ring);
	const struct temp_slot *temp = ring_temp_slots(ring);
	volatile uint64_t sum = 0;

	for (uint32_t i = 0; i < ring->facts.cancel_slots; i++)
		sum += cancel[i].record.head + cancel[i].reserved[2];
	for (uint32_t i = 0; i < ring->facts.temp_slots; i++)
		sum += temp[i].lock + temp[i].freer + temp[i].flags;
	(void)sum;
}

static void open_header(const uint8_t *bytes, size_t len)
{
	static uint8_t page[sizeof(struct ring_header)];
	const char *path;
	struct ring ring;
	struct err err;
	int fd = ring_file(&path);

	memset(page, 0, sizeof(page));
	memcpy(page, bytes, len < sizeof(page) ? len : sizeof(page));
	if (pwrite(fd, page, sizeof(page), 0) != sizeof(page))
		abort();
	if (ring_open(&ring, path, RING_INSPECT, &err) < 0)
		return;
	if (ring_waiting(&ring) > ring.facts.capacity)
		abort();
	read_tables(&ring);
	ring_seek(&ring, bytes[0] * (uint64_t)RING_MIN_SLOTS);
	ring_copy(&ring, copied, ROOM);
	ring_close(&ring);
}

/* The positions that the copied records stand for. */
static uint64_t positions_of(const struct record *records, size_t count)
{
	uint64_t positions = 0;

	for (size_t i = 0; i < count; i++)
		positions += record_kind(&records[i]) == R_LOST ? record_a(&records[i]) : 1;
	return positions;
}

static void read_all(struct ring *ring)
{
	struct stream_check check;
	size_t count;

	stream_check_init(&check);
	check.from_ring = true;
	for (;;) {
		uint64_t tail = ring->tail;

		count = ring_copy(ring, copied, ROOM);
		if (count > ROOM || ring->tail < tail ||
		    ring->tail - tail != positions_of(copied, count))
			abort();
		if (count == 0)
			break;
		stream_check(&check, copied, count);
	}
	stream_check_release(&check);
}

/* Head and tail begin the input, then records that are put where the tail is. */
static void read_slots(const uint8_t *bytes, size_t len)
{
	static struct ring_header header;
	static struct record slots[RING_MIN_SLOTS];
	struct ring ring = {
		.fd = -1, .header = &header, .slots = slots, .mask = RING_MIN_SLOTS - 1};
	uint64_t words[2];
	size_t count;

	if (len < sizeof(words))
		return;
	memcpy(words, bytes, sizeof(words));
	ring.facts.capacity = RING_MIN_SLOTS;
	ring.tail = words[1] & 0xffffff;
	header.head = ring.tail + (words[0] & 0xff);
	if (words[0] & 0x200)
		header.head = words[0];
	count = (len - sizeof(words)) / sizeof(*slots);
	for (size_t i = 0; i < count && i < RING_MIN_SLOTS; i++)
		memcpy(&slots[(ring.tail + i) & ring.mask],
		       bytes + sizeof(words) + i * sizeof(*slots), sizeof(*slots));
	read_all(&ring);
	/* Of a head that can't be, sealing would skip tens of thousands of slots each time. */
	if ((words[0] & 0x300) == 0x100) {
		ring_seal(&ring);
		read_all(&ring);
	}
	for (size_t i = 0; i < count && i < RING_MIN_SLOTS; i++)
		memset(&slots[((words[1] & 0xffffff) + i) & ring.mask], 0, sizeof(*slots));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static bool prepared;

	if (!prepared)
		atexit(remove_ring_file);
	prepared = true;
	if (len == 0)
		return 0;
	if (bytes[0] & 1 && len > 1)
		open_header(bytes + 1, len - 1);
	else
		read_slots(bytes + 1, len - 1);
	return 0;
}
