/*
 * A run whose processes were killed, or whose journal was kept, gives the profile it would
 * have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
static void start_program(struct fake *f)
{
	f->program = fork();
	if (f->program == 0) {
		pause();
		_exit(0);
	}
	assert_true(f->program > 0);
	f->header->pid = (uint32_t)f->program;
}

static void make_ring(struct fake *f)
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

static int setup(void **state)
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

static void end_child(pid_t *child)
{
	if (*child <= 0)
		return;
	kill(*child, SIGKILL);
	waitpid(*child, NULL, 0);
	*child = 0;
}

static int teardown(void **state)
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

static void start_collector(struct fake *f, bool keep_events, uint64_t journal_bytes)
{
	const struct run_options options = {f->out, NULL, keep_events, journal_bytes};

	f->collector = fork();
	if (f->collector == 0) {
		struct err err;

		_exit(run_collect(&options, &err) < 0);
	}
	assert_true(f->collector > 0);
}

static void wait_collector(struct fake *f)
{
	int status;

	assert_int_equal(waitpid(f->collector, &status, 0), f->collector);
	f->collector = 0;
	assert_int_equal(status, 0);
}

/* As the program does it, one group at a time; never faster than the ring is read. */
static void play(struct fake *f, const struct random_stream *s, size_t from, size_t to)
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

static void make_stream(struct random_stream *s, size_t groups)
{
	random_stream_init(s, 11);
	/* What the collector alone may say is no part of what a program plays. */
	while (s->groups < groups) {
		size_t before = s->out.len;

		random_stream_add(s, 1);
		if (s->out.len > before &&
		    record_kind((void *)(s->out.data + before)) >= R_TICK)
			s->out.len = before;
	}
}

static void wait_for_tail(struct fake *f, uint64_t position)
{
	for (int i = 0; i < 5000 && atomic_load(&f->header->tail) < position; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&f->header->tail), position);
}

static bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool same_files(const char *a, const char *b)
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

static struct profile *open_profile(const char *path)
{
	struct profile *profile = NULL;
	struct err err = {0};

	if (profile_open(path, &profile, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(profile->problem_count, 0);
	assert_true(profile->run.flags & PROFILE_CONSERVED);
	assert_int_equal(profile->run.bad_records, 0);
	assert_true(profile->mark_count > 0);
	assert_string_equal(profile_text(profile, profile->marks[profile->mark_count - 1].name),
			    "end");
	return profile;
}

/* The books of the stream alone, straight into a heap. */
static void assert_heap_is(const struct profile *profile, const struct random_stream *s)
{
	struct stream_check check;
	struct heap heap;
	size_t count = random_stream_count(s);
	struct record *records = mem_copy(s->out.data, s->out.len);

	stream_check_init(&check);
	heap_init(&heap);
	assert_int_equal(stream_check(&check, records, count), count);
	heap_apply(&heap, records, count);
	assert_int_equal(profile->run.live_bytes, heap.sites.live_bytes);
	assert_int_equal(profile->run.live_blocks, heap.sites.live_blocks);
	assert_int_equal(profile->run.allocations, heap.counts.allocations);
	assert_int_equal(profile->run.frees, heap.counts.frees);
	assert_int_equal(profile->node_count, heap.stacks.node_count);
	heap_release(&heap);
	stream_check_release(&check);
	mem_scope(&records);
}

static void put_end(struct random_stream *s)
{
	random_put(s, record_head(R_END, END_EXIT), 3);
}

static void a_kept_journal_gives_the_same_profile(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;
	struct err note = {0}, err = {0};

	make_stream(&s, 60000);
	put_end(&s);
	start_collector(f, true, 0);
	play(f, &s, 0, random_stream_count(&s));
	wait_collector(f);
	assert_int_equal(atomic_load(&f->header->collector_state), COLLECTOR_DONE);
	assert_false(there(f->ring_path));
	assert_true(there(f->journal_path));
	profile = open_profile(f->out);
	assert_int_equal(profile->run.end, HEAP_EXIT);
	assert_int_equal(profile->run.run_id, 77);
	assert_int_equal(profile->run.crash_safe_until_ms, UINT64_MAX);
	assert_heap_is(profile, &s);
	profile_free(profile);
	assert_int_equal(run_replay(f->out, f->copy, &note, &err), 0);
	assert_string_equal(note.text, "");
	assert_true(same_files(f->out, f->copy));
	random_stream_release(&s);
}

static void without_events_no_side_file_stays(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;

	make_stream(&s, 5000);
	put_end(&s);
	start_collector(f, false, 1 << 28);
	play(f, &s, 0, random_stream_count(&s));
	wait_collector(f);
	assert_false(there(f->ring_path));
	assert_false(there(f->journal_path));
	profile = open_profile(f->out);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

static void a_bounded_journal_stops(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;

	make_stream(&s, 40000);
	put_end(&s);
	start_collector(f, false, 20000);
	play(f, &s, 0, random_stream_count(&s) - 1);
	wait_for_tail(f, random_stream_count(&s) - 1);
	assert_false(there(f->journal_path));
	play(f, &s, random_stream_count(&s) - 1, random_stream_count(&s));
	wait_collector(f);
	profile = open_profile(f->out);
	assert_true(profile->run.crash_safe_until_ms != UINT64_MAX);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

static void fill_tables(struct fake *f)
{
	/* One that the ring has as well, and one that it hasn't. */
	f->cancel[3].record = (struct record){record_head(R_ALLOC_MEM, 0x600000000000),
					      1000ULL << 32};
	f->cancel[5].record = (struct record){record_head(R_ALLOC_MEM, 0x600000001000),
					      50ULL << 32};
	f->cancel[9].record = (struct record){record_head(R_FREE, 0x600000002000), 0};
	f->temp[2] = (struct temp_slot){.stack = 0, .pairs = 3ULL << 24, .bytes = 5ULL << 40};
}

/* What fill_tables adds to the stream's own figures. */
static void add_table_records(struct random_stream *s)
{
	random_put(s, record_head(R_ALLOC_MEM, 0x600000001000), 50ULL << 32);
	for (int i = 0; i < 6; i++)
		random_put(s, record_head(R_TEMP, 0),
			   i < 3 ? 0xffffffffffULL | 0xffffffULL << 40
				 : (1ULL << 39) | 1ULL << 40);
}

static void a_killed_program_leaves_its_tables(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;

	make_stream(&s, 3000);
	random_put(&s, record_head(R_ALLOC_MEM, 0x600000000000), 1000ULL << 32);
	fill_tables(f);
	start_collector(f, false, 1 << 28);
	play(f, &s, 0, random_stream_count(&s));
	end_child(&f->program);
	wait_collector(f);
	profile = open_profile(f->out);
	assert_int_equal(profile->run.end, HEAP_DIED);
	assert_int_equal(profile->run.lost_slots, 0);
	assert_int_equal(profile->run.replaced, 0);
	add_table_records(&s);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

/* Both are killed: at a moment when part is journalled, part in the ring, part in the table. */
static void killed_together(struct fake *f, size_t in_ring)
{
	struct random_stream s;
	struct profile *profile;
	struct err note = {0}, err = {0};
	size_t count, journalled;

	make_stream(&s, 30000);
	random_put(&s, record_head(R_ALLOC_MEM, 0x600000000000), 1000ULL << 32);
	count = random_stream_count(&s);
	journalled = count - in_ring;
	while (record_kind(&random_stream_records(&s)[journalled]) == R_DATA)
		journalled++;
	start_collector(f, false, 1 << 28);
	play(f, &s, 0, journalled);
	wait_for_tail(f, journalled);
	end_child(&f->collector);
	play(f, &s, journalled, count);
	assert_int_equal(run_recover(f->out, &note, &err), -1); /* the program lives */
	assert_non_null(strstr(err.text, "still runs"));
	end_child(&f->program);
	assert_int_equal(run_recover(f->out, &note, &err), 0);
	assert_string_equal(note.text, "");
	assert_false(there(f->ring_path));
	assert_false(there(f->journal_path));
	profile = open_profile(f->out);
	assert_int_equal(profile->run.end, HEAP_DIED);
	assert_true(profile->run.flags & PROFILE_REPLAYED);
	assert_int_equal(profile->run.lost_slots, 0);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

static void both_killed_with_little_in_the_ring(void **state)
{
	killed_together(*state, 3000);
}

static void both_killed_with_a_full_ring(void **state)
{
	killed_together(*state, SLOTS);
}

static void both_killed_with_full_tables(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;
	struct err note = {0}, err = {0};

	make_stream(&s, 2000);
	random_put(&s, record_head(R_ALLOC_MEM, 0x600000000000), 1000ULL << 32);
	play(f, &s, 0, random_stream_count(&s));
	fill_tables(f);
	end_child(&f->program);
	assert_int_equal(run_recover(f->out, &note, &err), 0);
	profile = open_profile(f->out);
	add_table_records(&s);
	assert_int_equal(profile->run.replaced, 0);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

static void a_torn_frame_is_read_from_the_ring(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;
	struct err note = {0}, err = {0};
	struct stat st;

	make_stream(&s, 10000);
	start_collector(f, false, 1 << 28);
	play(f, &s, 0, random_stream_count(&s));
	wait_for_tail(f, random_stream_count(&s));
	end_child(&f->collector);
	end_child(&f->program);
	assert_int_equal(stat(f->journal_path, &st), 0);
	assert_int_equal(truncate(f->journal_path, st.st_size - 5), 0);
	assert_int_equal(run_recover(f->out, &note, &err), 0);
	assert_non_null(strstr(note.text, "cut short"));
	profile = open_profile(f->out);
	assert_int_equal(profile->run.lost_slots, 0);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

static void nothing_to_recover_from(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct err note = {0}, err = {0};

	assert_int_equal(run_replay(f->out, f->copy, &note, &err), -1);
	make_stream(&s, 30000);
	start_collector(f, false, 1000);
	play(f, &s, 0, random_stream_count(&s));
	wait_for_tail(f, random_stream_count(&s));
	end_child(&f->collector);
	end_child(&f->program);
	assert_int_equal(run_recover(f->out, &note, &err), -1);
	assert_non_null(strstr(err.text, "outgrew its journal"));
	assert_true(there(f->ring_path));
	unlink(f->ring_path);
	assert_int_equal(run_recover(f->out, &note, &err), -1);
	assert_non_null(strstr(err.text, "neither"));
	random_stream_release(&s);
}

/* What it knew when it gave up is kept; how it ended nobody knows. */
static void a_program_that_gave_up(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;

	make_stream(&s, 3000);
	fill_tables(f);
	start_collector(f, false, 1 << 28);
	play(f, &s, 0, random_stream_count(&s));
	atomic_store(&f->header->program_state, PROGRAM_INERT);
	wait_for_tail(f, random_stream_count(&s));
	assert_int_equal(atomic_load(&f->header->collector_state), COLLECTOR_READY);
	end_child(&f->program);
	wait_collector(f);
	profile = open_profile(f->out);
	assert_int_equal(profile->run.end, HEAP_RUNNING);
	random_put(&s, record_head(R_ALLOC_MEM, 0x600000000000), 1000ULL << 32);
	add_table_records(&s);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

/* A line that differs from the interpreter's own: the program is told to walk no more. */
static void a_failed_self_test_stops_the_stacks(void **state)
{
	struct {
		struct stream_code code;
		char text[2];
	} code = {{.first_line = 5, .file_bytes = 1, .name_bytes = 1}, "ab"};
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;

	random_stream_init(&s, 1);
	stream_put_text(&s.out, R_CODE, STREAM_CODE_FIRST, &code, 26);
	random_put(&s, record_head(R_CHECK, STREAM_CODE_FIRST), 99ULL << 32);
	start_collector(f, false, 1 << 28);
	play(f, &s, 0, random_stream_count(&s));
	for (int i = 0; i < 3000 && !atomic_load(&f->header->attention); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&f->header->attention), ATTENTION_NO_STACKS);
	end_child(&f->program);
	wait_collector(f);
	profile = open_profile(f->out);
	assert_int_equal(profile->run.checks_differing, 1);
	assert_memory_equal(profile_info(profile, "stacks"), "off: the interpreter", 20);
	profile_free(profile);
	random_stream_release(&s);
}

/* A request that the program doesn't look at is carried out for it. */
static void a_mark_from_outside(void **state)
{
	struct fake *f = *state;
	struct profile *profile;
	struct random_stream s;

	make_stream(&s, 10);
	put_end(&s);
	start_collector(f, false, 1 << 28);
	memcpy(f->header->mark_name, "noon", 5);
	atomic_store(&f->header->mark_request, 1);
	atomic_store(&f->header->attention, ATTENTION_MARK);
	for (int i = 0; i < 3000 && !atomic_load(&f->header->mark_taken); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&f->header->mark_taken), 1);
	play(f, &s, 0, random_stream_count(&s));
	wait_collector(f);
	assert_int_equal(atomic_load(&f->header->attention), 0);
	profile = open_profile(f->out);
	assert_string_equal(profile_text(profile, profile->marks[0].name), "noon");
	assert_int_equal(profile->marks[0].figures.origin, MARK_OUTSIDE);
	assert_in_range(profile->marks[0].figures.rss_bytes, 1 << 16, 1 << 30);
	profile_free(profile);
	random_stream_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_kept_journal_gives_the_same_profile),
		TEST(without_events_no_side_file_stays),
		TEST(a_bounded_journal_stops),
		TEST(a_killed_program_leaves_its_tables),
		TEST(both_killed_with_little_in_the_ring),
		TEST(both_killed_with_a_full_ring),
		TEST(both_killed_with_full_tables),
		TEST(a_torn_frame_is_read_from_the_ring),
		TEST(nothing_to_recover_from),
		TEST(a_program_that_gave_up),
		TEST(a_failed_self_test_stops_the_stacks),
		TEST(a_mark_from_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
