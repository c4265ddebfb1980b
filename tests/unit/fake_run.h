/*
 * fake_run.h - a program made by hand: a process that only lives, its ring, which the test
 * plays records into, and a collector that follows it; and what its profile must say.
 *
 * Include after cmocka's headers.
 */
#ifndef MEMTRACE_TEST_FAKE_RUN_H
#define MEMTRACE_TEST_FAKE_RUN_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../collector/heap.h"
#include "../../collector/mem.h"
#include "../../collector/profile_read.h"
#include "../../collector/ring.h"
#include "../../collector/run.h"
#include "random_stream.h"

enum { SLOTS = 1 << 14, CANCEL_SLOTS = 64, TEMP_SLOTS = 16 };

/* A program made by hand: a child process that only lives, and its ring. */
struct fake {
	char dir[64], out[96], ring_path[128], journal_path[128], copy[96];
	struct ring_header *header;
	struct cancel_slot *cancel;
	struct temp_slot *temp;
	struct record *slots;
	size_t bytes;
	pid_t program, collector;
};

/* It maps the ring, as the process does that made it: by that it is told from another image. */
static inline void start_program(struct fake *f)
{
	f->program = fork();
	if (f->program == 0) {
		pause();
		_exit(0);
	}
	assert_true(f->program > 0);
	f->header->pid = (uint32_t)f->program;
}

static inline void make_ring(struct fake *f)
{
	size_t cancel = RING_HEADER_BYTES, temp = cancel + CANCEL_SLOTS * sizeof(*f->cancel);
	size_t slots = temp + TEMP_SLOTS * sizeof(*f->temp);
	int fd = open(f->ring_path, O_RDWR | O_CREAT | O_EXCL, 0600);
	char *base;

	f->bytes = slots + SLOTS * sizeof(*f->slots);
	assert_int_equal(ftruncate(fd, (off_t)f->bytes), 0);
	base = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	f->header = (struct ring_header *)(void *)base;
	*f->header = (struct ring_header){
		.magic = RING_MAGIC,
		.version = STREAM_VERSION,
		.header_bytes = sizeof(*f->header),
		.file_bytes = f->bytes,
		.capacity = SLOTS,
		.cancel_offset = (uint32_t)cancel,
		.cancel_slots = CANCEL_SLOTS,
		.temp_offset = (uint32_t)temp,
		.temp_slots = TEMP_SLOTS,
		.slots_offset = slots,
		.uid = getuid(),
		.run_id = 77,
		.start_real_ns = 1000,
		.start_mono_ns = 1,
	};
	f->cancel = (struct cancel_slot *)(void *)(base + cancel);
	f->temp = (struct temp_slot *)(void *)(base + temp);
	f->slots = (struct record *)(void *)(base + slots);
}

static inline int setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));
	int fd;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test_replay.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->out, sizeof(f->out), "%s/run.memtrace", f->dir);
	snprintf(f->copy, sizeof(f->copy), "%s/copy.memtrace", f->dir);
	snprintf(f->ring_path, sizeof(f->ring_path), "%s.ring", f->out);
	snprintf(f->journal_path, sizeof(f->journal_path), "%s.journal.1", f->out);
	fd = open(f->out, O_CREAT | O_EXCL | O_WRONLY, 0600);
	close(fd);
	make_ring(f);
	start_program(f);
	*state = f;
	return 0;
}

static inline void end_child(pid_t *child)
{
	if (*child <= 0)
		return;
	kill(*child, SIGKILL);
	waitpid(*child, NULL, 0);
	*child = 0;
}

static inline int teardown(void **state)
{
	struct fake *f = *state;

	end_child(&f->collector);
	end_child(&f->program);
	munmap(f->header, f->bytes);
	unlink(f->ring_path);
	unlink(f->journal_path);
	unlink(f->copy);
	unlink(f->out);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* `program` makes checkpoints: NULL: a fork of the collector. */
static inline void start_collector_with(struct fake *f, bool keep_events,
					uint64_t journal_bytes, const char *program)
{
	const struct run_options options = {.out = f->out,
					    .keep_events = keep_events,
					    .journal_bytes = journal_bytes,
					    .program = program};

	f->collector = fork();
	if (f->collector == 0) {
		struct err err;

		_exit(run_collect(&options, &err) < 0);
	}
	assert_true(f->collector > 0);
}

static inline void start_collector(struct fake *f, bool keep_events, uint64_t journal_bytes)
{
	start_collector_with(f, keep_events, journal_bytes, NULL);
}

static inline void wait_collector(struct fake *f)
{
	int status;

	assert_int_equal(waitpid(f->collector, &status, 0), f->collector);
	f->collector = 0;
	assert_int_equal(status, 0);
}

/* As the program does it, one group at a time; never faster than the ring is read. */
static inline void play(struct fake *f, const struct random_stream *s, size_t from, size_t to)
{
	const struct record *records = random_stream_records(s);

	for (size_t i = from; i < to; i++) {
		uint64_t at = atomic_fetch_add(&f->header->head, 1);
		struct record *slot = &f->slots[at % SLOTS];

		while (f->collector && at >= atomic_load(&f->header->tail) + SLOTS)
			usleep(100);
		__atomic_store_n(&slot->body, records[i].body, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->head, records[i].head | record_lap(at, SLOTS) << 54,
				 __ATOMIC_RELEASE);
	}
}

/* What the collector alone may say is no part of what a program plays. */
static inline void add_played(struct random_stream *s, size_t groups)
{
	uint64_t last = s->groups + groups;

	while (s->groups < last) {
		size_t before = s->out.len;

		random_stream_add(s, 1);
		if (s->out.len > before &&
		    record_kind((void *)(s->out.data + before)) >= R_TICK)
			s->out.len = before;
	}
}

static inline void make_stream(struct random_stream *s, size_t groups)
{
	random_stream_init(s, 11);
	add_played(s, groups);
}

static inline void wait_for_tail(struct fake *f, uint64_t position)
{
	for (int i = 0; i < 5000 && atomic_load(&f->header->tail) < position; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&f->header->tail), position);
}

static inline bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

static inline bool same_files(const char *a, const char *b)
{
	FILE *fa = fopen(a, "r"), *fb = fopen(b, "r");
	int ca, cb;

	assert_non_null(fa);
	assert_non_null(fb);
	do {
		ca = getc(fa);
		cb = getc(fb);
	} while (ca == cb && ca != EOF);
	fclose(fa);
	fclose(fb);
	return ca == cb;
}

static inline struct profile *open_conserved(const char *path)
{
	struct profile *profile = NULL;
	struct err err = {0};

	if (profile_open(path, &profile, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(profile->problem_count, 0);
	assert_true(profile->run.flags & PROFILE_CONSERVED);
	assert_int_equal(profile->run.bad_records, 0);
	return profile;
}

static inline struct profile *open_profile(const char *path)
{
	struct profile *profile = open_conserved(path);

	assert_true(profile->mark_count > 0);
	assert_string_equal(profile_text(profile, profile->marks[profile->mark_count - 1].name),
			    "end");
	return profile;
}

/* The books of the stream alone, straight into a heap. */
static inline void heap_of(struct heap *ret_heap, const struct random_stream *s)
{
	struct stream_check check;
	size_t count = random_stream_count(s);
	struct record *records = mem_copy(s->out.data, s->out.len);

	stream_check_init(&check);
	heap_init(ret_heap);
	assert_int_equal(stream_check(&check, records, count), count);
	heap_apply(ret_heap, records, count);
	stream_check_release(&check);
	mem_scope(&records);
}

static inline void assert_heap_is(const struct profile *profile, const struct random_stream *s)
{
	struct heap heap;

	heap_of(&heap, s);
	assert_int_equal(profile->run.live_bytes, heap.sites.live_bytes);
	assert_int_equal(profile->run.live_blocks, heap.sites.live_blocks);
	assert_int_equal(profile->run.allocations, heap.counts.allocations);
	assert_int_equal(profile->run.frees, heap.counts.frees);
	assert_int_equal(profile->node_count, heap.stacks.node_count);
	heap_release(&heap);
}

static inline void put_end(struct random_stream *s)
{
	random_put(s, record_head(R_END, END_EXIT), 3);
}

#endif
