/* The reader's end of a ring against producers that are late, dead, hostile and fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../collector/ring.h"

enum { SLOTS = RING_MIN_SLOTS, CANCEL_SLOTS = 8, TEMP_SLOTS = 4 };

/* A ring file with the producer's mapping of it. */
struct made_ring {
	char path[64];
	struct ring_header *header;
	struct record *slots;
	size_t bytes;
	struct ring ring;
	struct record out[SLOTS * 2];
};

static struct ring_header good_header(void)
{
	return (struct ring_header){
		.magic = RING_MAGIC,
		.version = STREAM_VERSION,
		.header_bytes = sizeof(struct ring_header),
		.file_bytes = RING_HEADER_BYTES + 4096 + SLOTS * sizeof(struct record),
		.capacity = SLOTS,
		.cancel_offset = RING_HEADER_BYTES,
		.cancel_slots = CANCEL_SLOTS,
		.temp_offset = RING_HEADER_BYTES + 1024,
		.temp_slots = TEMP_SLOTS,
		.slots_offset = RING_HEADER_BYTES + 4096,
		.pid = (uint32_t)getpid(),
		.uid = getuid(),
	};
}

static void make_file(struct made_ring *made, const struct ring_header *header)
{
	int fd;

	snprintf(made->path, sizeof(made->path), "/tmp/test_ring.XXXXXX");
	fd = mkstemp(made->path);
	assert_true(fd >= 0);
	made->bytes = good_header().file_bytes;
	assert_int_equal(ftruncate(fd, (off_t)made->bytes), 0);
	assert_int_equal(pwrite(fd, header, sizeof(*header), 0), sizeof(*header));
	made->header = mmap(NULL, made->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	made->slots =
		(struct record *)(void *)((char *)made->header + good_header().slots_offset);
	close(fd);
}

static int setup(void **state)
{
	struct made_ring *made = calloc(1, sizeof(*made));
	struct ring_header header = good_header();
	struct err err;

	make_file(made, &header);
	assert_int_equal(ring_open(&made->ring, made->path, RING_FOLLOW, &err), 0);
	*state = made;
	return 0;
}

static int teardown(void **state)
{
	struct made_ring *made = *state;

	ring_close(&made->ring);
	munmap(made->header, made->bytes);
	unlink(made->path);
	free(made);
	return 0;
}

static uint64_t reserve(struct made_ring *made, uint64_t count)
{
	return atomic_fetch_add(&made->header->head, count);
}

static void commit_lap(struct made_ring *made, uint64_t at, uint64_t head, uint64_t body,
		       uint64_t lap)
{
	struct record *slot = &made->slots[at % SLOTS];

	__atomic_store_n(&slot->body, body, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->head, head | lap << 54, __ATOMIC_RELEASE);
}

static void commit(struct made_ring *made, uint64_t at, uint64_t head, uint64_t body)
{
	commit_lap(made, at, head, body, at / SLOTS % 1023 + 1);
}

static void put(struct made_ring *made, uint64_t head, uint64_t body)
{
	commit(made, reserve(made, 1), head, body);
}

static size_t copy(struct made_ring *made)
{
	return ring_copy(&made->ring, made->out, SLOTS * 2);
}

static void what_is_written_is_read(void **state)
{
	struct made_ring *made = *state;

	assert_int_equal(copy(made), 0);
	put(made, record_head(R_FREE, 64), 1);
	put(made, record_head(R_NODE, 1), 2);
	put(made, record_head(R_DATA, 3), 4);
	assert_int_equal(ring_waiting(&made->ring), 3);
	assert_int_equal(copy(made), 3);
	assert_int_equal(made->out[0].head, record_head(R_FREE, 64));
	assert_int_equal(made->out[1].body, 2);
	assert_int_equal(made->out[2].head, record_head(R_DATA, 3));
	assert_int_equal(copy(made), 0);
	assert_int_equal(atomic_load(&made->header->tail), 0);
	ring_publish(&made->ring);
	assert_int_equal(atomic_load(&made->header->tail), 3);
}

/* More laps than there are stamps, in bursts that straddle the wrap, groups across it. */
static void laps_wrap_around(void **state)
{
	struct made_ring *made = *state;
	uint64_t wrote = 0, read = 0, end = (uint64_t)SLOTS * (STREAM_LAPS + 3);

	while (wrote < end) {
		uint64_t burst = SLOTS - 2 - wrote % 5;
		size_t count;

		burst -= burst % 2;
		for (uint64_t i = 0; i < burst; i += 2, wrote += 2) {
			put(made, record_head(R_ALLOC_MALLOC, 8),
			    (uint64_t)STREAM_SIZE_WIDE << 32);
			put(made, record_head(R_DATA, 0), wrote);
		}
		count = copy(made);
		assert_int_equal(count, burst);
		for (size_t i = 0; i < count; i += 2, read += 2)
			assert_int_equal(made->out[i + 1].body, read);
		ring_publish(&made->ring);
	}
	assert_int_equal(copy(made), 0);
}

static void a_hole_is_waited_for(void **state)
{
	struct made_ring *made = *state;
	uint64_t hole;

	put(made, record_head(R_FREE, 64), 0);
	hole = reserve(made, 1);
	put(made, record_head(R_FREE, 128), 0);
	assert_int_equal(copy(made), 1);
	ring_age(&made->ring, 0);
	ring_age(&made->ring, 9000000000);
	assert_int_equal(copy(made), 0);
	commit(made, hole, record_head(R_FREE, 96), 0);
	assert_int_equal(copy(made), 2);
	assert_int_equal(record_a(&made->out[0]), 96);
	assert_int_equal(record_a(&made->out[1]), 128);
}

static void an_old_hole_is_skipped_and_counted(void **state)
{
	struct made_ring *made = *state;

	put(made, record_head(R_FREE, 64), 0);
	reserve(made, 3);
	put(made, record_head(R_DATA, 1), 0); /* of the group that never got its beginning */
	put(made, record_head(R_FREE, 128), 0);
	assert_int_equal(copy(made), 1);
	ring_age(&made->ring, 0);
	ring_age(&made->ring, 6000000000);
	assert_int_equal(copy(made), 0);
	reserve(made, 1); /* younger: not skipped with them */
	ring_age(&made->ring, 6000000000);
	assert_int_equal(copy(made), 2);
	assert_int_equal(made->out[0].head, record_head(R_LOST, 4));
	assert_int_equal(made->out[0].body, 1);
	assert_int_equal(record_a(&made->out[1]), 128);
	put(made, record_head(R_FREE, 160), 0);
	assert_int_equal(copy(made), 0);
}

static void progress_makes_no_hole_old(void **state)
{
	struct made_ring *made = *state;

	for (int i = 0; i < 50; i++) {
		uint64_t at = reserve(made, 1);

		assert_int_equal(copy(made), 0);
		ring_age(&made->ring, 0);
		ring_age(&made->ring, 1000000000);
		assert_int_equal(copy(made), 0);
		commit(made, at, record_head(R_FREE, 64), 0);
		assert_int_equal(copy(made), 1);
		assert_int_equal(record_kind(&made->out[0]), R_FREE);
	}
}

static void holes_of_the_dead_are_skipped_at_once(void **state)
{
	struct made_ring *made = *state;

	reserve(made, 2);
	put(made, record_head(R_FREE, 64), 0);
	put(made, record_head(R_NODE, 1), 0);
	reserve(made, 1); /* its R_DATA */
	put(made, record_head(R_FREE, 128), 0);
	reserve(made, 1);
	ring_seal(&made->ring);
	assert_int_equal(copy(made), 5);
	assert_int_equal(made->out[0].head, record_head(R_LOST, 2));
	assert_int_equal(record_a(&made->out[1]), 64);
	assert_int_equal(made->out[2].head, record_head(R_LOST, 2));
	assert_int_equal(made->out[2].body, 3);
	assert_int_equal(record_a(&made->out[3]), 128);
	assert_int_equal(made->out[4].head, record_head(R_LOST, 1));
	assert_int_equal(copy(made), 0);
}

static void stale_slots_are_holes(void **state)
{
	struct made_ring *made = *state;

	commit_lap(made, reserve(made, 1), record_head(R_FREE, 64), 0, 2);
	commit_lap(made, reserve(made, 1), record_head(R_FREE, 64), 0, STREAM_LAPS);
	put(made, record_head(R_FREE, 128), 0);
	assert_int_equal(copy(made), 0);
	ring_seal(&made->ring);
	assert_int_equal(copy(made), 2);
	assert_int_equal(made->out[0].head, record_head(R_LOST, 2));
	assert_int_equal(record_a(&made->out[1]), 128);
}

/* A group whose slots hold another record: stream_check has to see that, the reader goes on. */
static void a_group_of_something_else(void **state)
{
	struct made_ring *made = *state;

	put(made, record_head(R_NODE, 1), 0);
	put(made, record_head(R_FREE, 128), 0);
	put(made, record_head(R_DATA, 0), 0);
	put(made, record_head(R_TICK, 5), 0);
	put(made, record_head(63, 5), 0);
	assert_int_equal(copy(made), 5);
	assert_int_equal(record_kind(&made->out[1]), R_FREE);
	assert_int_equal(record_kind(&made->out[2]), R_DATA);
	assert_int_equal(record_kind(&made->out[3]), R_NONE);
	assert_int_equal(record_kind(&made->out[4]), R_NONE);
}

static void nonsense_heads_end(void **state)
{
	static const uint64_t heads[] = {0, 1, UINT64_MAX, UINT64_MAX / 2, 1ULL << 40};
	struct made_ring *made = *state;

	for (int i = 0; i < 10; i++)
		put(made, record_head(R_FREE, 64), 0);
	assert_int_equal(copy(made), 10);
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		atomic_store(&made->header->head, heads[i]);
		assert_in_range(ring_waiting(&made->ring), 0, SLOTS);
		assert_int_equal(copy(made), 0);
	}
	atomic_store(&made->header->head, UINT64_MAX);
	ring_seal(&made->ring);
	assert_int_equal(copy(made), 1);
	assert_int_equal(record_kind(&made->out[0]), R_LOST);
	assert_in_range(record_a(&made->out[0]), SLOTS, SLOTS + (1 << 17));
}

static void seeking_past_what_is_gone(void **state)
{
	struct made_ring *made = *state;

	for (int i = 0; i < SLOTS * 3; i++)
		put(made, record_head(R_FREE, 64), (uint64_t)i << 40);
	atomic_store(&made->header->tail, SLOTS * 2);
	ring_seek(&made->ring, 10);
	ring_seal(&made->ring);
	assert_int_equal(copy(made), SLOTS + 1);
	assert_int_equal(made->out[0].head, record_head(R_LOST, SLOTS * 2 - 10));
	assert_int_equal(made->out[0].body, 10);
	assert_int_equal(made->out[1].body >> 40, SLOTS * 2);
}

/* The head is beyond the ring where threads wait for room: they have overwritten nothing. */
static void seeking_in_a_full_ring(void **state)
{
	struct made_ring *made = *state;
	uint64_t read = 10, waiting = 3;

	for (uint64_t i = 0; i < SLOTS + read; i++)
		put(made, record_head(R_FREE, 64), i << 40);
	atomic_store(&made->header->tail, read);
	reserve(made, waiting);
	ring_seek(&made->ring, read);
	ring_seal(&made->ring);
	assert_int_equal(copy(made), SLOTS + 1);
	for (uint64_t i = 0; i < SLOTS; i++)
		assert_int_equal(made->out[i].body >> 40, read + i);
	assert_int_equal(made->out[SLOTS].head, record_head(R_LOST, waiting));
}

/* Room for one group at least, and never a part of one. */
static void batches_hold_whole_groups(void **state)
{
	struct made_ring *made = *state;
	size_t room = 2 + STREAM_MAX_DATA_SLOTS, total = 0, count;

	for (uint64_t i = 0; i < 6; i++) {
		put(made, record_head(R_CODE, 16 | (uint64_t)STREAM_MAX_DATA_SLOTS << 32),
		    7000);
		for (int j = 0; j < STREAM_MAX_DATA_SLOTS; j++)
			put(made, record_head(R_DATA, 0), 0);
		put(made, record_head(R_FREE, 64), 0);
	}
	while ((count = ring_copy(&made->ring, made->out, room)) > 0) {
		assert_int_not_equal(record_kind(&made->out[0]), R_DATA);
		assert_true(count <= room);
		total += count;
	}
	assert_int_equal(total, 6 * (STREAM_MAX_DATA_SLOTS + 2));
}

static void refuses(struct ring_header header)
{
	struct made_ring made;
	struct err err = {0};

	make_file(&made, &header);
	assert_int_equal(ring_open(&made.ring, made.path, RING_FOLLOW, &err), -1);
	assert_non_null(strstr(err.text, made.path));
	munmap(made.header, made.bytes);
	unlink(made.path);
}

#define REFUSES(change)                               \
	do {                                          \
		struct ring_header h = good_header(); \
		change;                               \
		refuses(h);                           \
	} while (0)

static void hostile_headers_are_refused(void **state)
{
	(void)state;
	REFUSES(h.magic[0] = 'X');
	REFUSES(h.version = 2);
	REFUSES(h.header_bytes = 8);
	REFUSES(h.header_bytes = 1 << 20);
	REFUSES(h.file_bytes += 1);
	REFUSES(h.file_bytes = UINT64_MAX);
	REFUSES(h.file_bytes = 4096);
	REFUSES(h.capacity = 0);
	REFUSES(h.capacity = SLOTS + 1);
	REFUSES(h.capacity = SLOTS * 2);
	REFUSES(h.capacity = SLOTS / 2);
	REFUSES(h.capacity = 1ULL << 60);
	REFUSES(h.slots_offset = 0);
	REFUSES(h.slots_offset += 8);
	REFUSES(h.slots_offset += 16);
	REFUSES(h.slots_offset = UINT64_MAX - 15);
	REFUSES(h.cancel_slots = RING_MAX_SIDE_SLOTS + 1);
	REFUSES(h.cancel_slots = 1000);
	REFUSES(h.cancel_offset = 64);
	REFUSES(h.cancel_offset += 1);
	REFUSES(h.cancel_offset = UINT32_MAX - 7);
	REFUSES(h.temp_offset = h.cancel_offset);
	REFUSES(h.temp_offset = (uint32_t)h.slots_offset + 64);
	REFUSES(h.temp_slots = 1000);
	REFUSES(h.pid = 0);
	REFUSES(h.pid = UINT32_MAX);
}

static void other_files_are_refused(void **state)
{
	struct made_ring *made = *state;
	struct ring second;
	struct err err;
	char link[80];

	assert_int_equal(ring_open(&second, made->path, RING_INSPECT, &err), -1);
	assert_non_null(strstr(err.text, "another collector"));
	snprintf(link, sizeof(link), "%s.link", made->path);
	assert_int_equal(symlink(made->path, link), 0);
	assert_int_equal(ring_open(&second, link, RING_INSPECT, &err), -1);
	unlink(link);
	assert_int_equal(ring_open(&second, "/tmp", RING_INSPECT, &err), -1);
	assert_int_equal(ring_open(&second, "/dev/null", RING_INSPECT, &err), -1);
	assert_int_equal(ring_open(&second, "/nonexistent/ring", RING_INSPECT, &err), -1);
}

enum { FAST_RECORDS = 3000000, WRITERS = 2 };

/* As the program's threads do it: reserve, wait for room, commit. */
static void *write_fast(void *user)
{
	struct made_ring *made = user;

	for (uint64_t i = 0; i < FAST_RECORDS; i++) {
		uint64_t slots = i % 8 == 0 ? 2 : 1, at = reserve(made, slots);

		while (at + slots >
		       atomic_load_explicit(&made->header->tail, memory_order_acquire) + SLOTS)
			sched_yield();
		if (slots == 2) {
			commit(made, at, record_head(R_NODE, 1), at);
			commit(made, at + 1, record_head(R_DATA, 0), at + 1);
		} else {
			commit(made, at, record_head(R_FREE, 64), at);
		}
	}
	return NULL;
}

static void nothing_is_lost_at_full_speed(void **state)
{
	struct made_ring *made = *state;
	uint64_t expected = 0, total = (FAST_RECORDS + FAST_RECORDS / 8) * (uint64_t)WRITERS;
	pthread_t threads[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_fast, made), 0);
	while (expected < total) {
		size_t count = copy(made);

		for (size_t i = 0; i < count; i++, expected++)
			if (made->out[i].body != expected)
				fail_msg("position %llu came where %llu was due",
					 (unsigned long long)made->out[i].body,
					 (unsigned long long)expected);
		ring_publish(&made->ring);
		if (count == 0)
			sched_yield();
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(copy(made), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(laps_wrap_around, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hole_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(an_old_hole_is_skipped_and_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(progress_makes_no_hole_old, setup, teardown),
		cmocka_unit_test_setup_teardown(holes_of_the_dead_are_skipped_at_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(stale_slots_are_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_group_of_something_else, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense_heads_end, setup, teardown),
		cmocka_unit_test_setup_teardown(seeking_past_what_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(seeking_in_a_full_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(batches_hold_whole_groups, setup, teardown),
		cmocka_unit_test(hostile_headers_are_refused),
		cmocka_unit_test_setup_teardown(other_files_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_lost_at_full_speed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
