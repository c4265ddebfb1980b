/*
 * A run whose processes were killed, or whose journal was kept, gives the profile it would
 * have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_run.h"

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

/* The tracer's own: what comes after it is teardown. */
static void put_end_mark(struct random_stream *s)
{
	struct {
		struct stream_mark figures;
		char name[3];
	} mark = {.figures = {.time_ns = 5000, .origin = MARK_TRACER}, .name = {'e', 'n', 'd'}};

	stream_put_text(&s->out, R_MARK, 0, &mark, sizeof(mark.figures) + sizeof(mark.name));
}

/* What was live when the stream was so many bytes long. */
static void assert_live_was(const struct profile *profile, const struct random_stream *s,
			    size_t len)
{
	struct random_stream then = *s;
	struct heap heap;

	then.out.len = len;
	assert_true(profile->run.flags & PROFILE_AT_END);
	heap_of(&heap, &then);
	assert_int_equal(profile->run.live_bytes, heap.sites.live_bytes);
	assert_int_equal(profile->run.live_blocks, heap.sites.live_blocks);
	heap_release(&heap);
	heap_of(&heap, s);
	assert_int_not_equal(profile->run.live_bytes, heap.sites.live_bytes);
	heap_release(&heap);
}

static void teardown_is_replayed(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;
	struct err note = {0}, err = {0};
	size_t end;

	make_stream(&s, 20000);
	end = s.out.len;
	put_end_mark(&s);
	add_played(&s, 20000);
	put_end(&s);
	start_collector(f, true, 0);
	play(f, &s, 0, random_stream_count(&s));
	wait_collector(f);
	profile = open_conserved(f->out);
	assert_live_was(profile, &s, end);
	profile_free(profile);
	assert_int_equal(run_replay(f->out, f->copy, &note, &err), 0);
	assert_string_equal(note.text, "");
	assert_true(same_files(f->out, f->copy));
	random_stream_release(&s);
}

/*
 * Killed in its teardown, part of which is in the ring: what is live is of the end all the
 * same.
 */
static void killed_in_its_teardown(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;
	struct err note = {0}, err = {0};
	size_t end, journalled, count;

	make_stream(&s, 20000);
	journalled = random_stream_count(&s);
	end = s.out.len;
	put_end_mark(&s);
	add_played(&s, 3000);
	count = random_stream_count(&s);
	start_collector(f, false, 1 << 28);
	play(f, &s, 0, journalled);
	wait_for_tail(f, journalled);
	end_child(&f->collector);
	play(f, &s, journalled, count);
	fill_tables(f);
	end_child(&f->program);
	assert_int_equal(run_recover(f->out, &note, &err), 0);
	profile = open_conserved(f->out);
	assert_int_equal(profile->run.end, HEAP_DIED);
	assert_live_was(profile, &s, end);
	profile_free(profile);
	random_stream_release(&s);
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
	start_collector_with(f, false, 1000, "/bin/false");
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

static void request_mark(struct fake *f)
{
	memcpy(f->header->mark_name, "noon", 5);
	atomic_store(&f->header->mark_request, 1);
	atomic_store(&f->header->attention, ATTENTION_MARK);
	for (int i = 0; i < 3000 && !atomic_load(&f->header->mark_taken); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&f->header->mark_taken), 1);
	/* It is taken first and made then, in the same turn of the collector. */
	for (uint64_t turn = atomic_load(&f->header->heartbeat);
	     atomic_load(&f->header->heartbeat) == turn;)
		usleep(1000);
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
	request_mark(f);
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

/* What waits in a sleeping program's table is live at a mark from outside, and counted once. */
static void a_mark_counts_what_waits(void **state)
{
	struct fake *f = *state;
	const struct profile_mark *noon;
	struct random_stream s;
	struct profile *profile;
	struct err note = {0}, err = {0};

	random_stream_init(&s, 5);
	random_put(&s, record_head(R_ALLOC_MEM, 0x600000000000), 1000ULL << 32);
	fill_tables(f);
	f->cancel[6].record = (struct record){record_head(R_SMALL_OBJECT, 0x600000003000),
					      20ULL << 32 | 2ULL << 48};
	start_collector(f, true, 0);
	play(f, &s, 0, 1);
	request_mark(f);
	/* One is freed in the table, the other comes into the stream after all. */
	f->cancel[6].record.head = 0;
	random_put(&s, record_head(R_ALLOC_MEM, 0x600000001000), 50ULL << 32);
	f->cancel[5].record.head = 0;
	put_end(&s);
	play(f, &s, 1, 3);
	wait_collector(f);
	profile = open_profile(f->out);
	noon = &profile->marks[0];
	assert_int_equal(noon->live_bytes, 1000 + 50 + 20);
	assert_int_equal(noon->live_blocks, 3);
	assert_int_equal(profile->changes[noon->change_start].live_bytes, noon->live_bytes);
	assert_heap_is(profile, &s);
	assert_int_equal(profile->run.live_bytes, 1050);
	profile_free(profile);
	assert_int_equal(run_replay(f->out, f->copy, &note, &err), 0);
	assert_true(same_files(f->out, f->copy));
	random_stream_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_kept_journal_gives_the_same_profile),
		TEST(without_events_no_side_file_stays),
		TEST(teardown_is_replayed),
		TEST(killed_in_its_teardown),
		TEST(a_killed_program_leaves_its_tables),
		TEST(both_killed_with_little_in_the_ring),
		TEST(both_killed_with_a_full_ring),
		TEST(both_killed_with_full_tables),
		TEST(a_torn_frame_is_read_from_the_ring),
		TEST(nothing_to_recover_from),
		TEST(a_program_that_gave_up),
		TEST(a_failed_self_test_stops_the_stacks),
		TEST(a_mark_from_outside),
		TEST(a_mark_counts_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
