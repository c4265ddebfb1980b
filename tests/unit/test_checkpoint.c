/* A journal is kept short by checkpoints, and what is left of a run recovers from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "../../collector/checkpoint.h"
#include "../../collector/journal.h"
#include "../../collector/replay.h"
#include "../../collector/segments.h"

#include "fake_run.h"

enum { LIMIT = 40000, DEFINITIONS = 2000, BLOCKS = 150000, STEP = 2000, PAUSE_US = 100000 };

/* What there is to know at its end doesn't grow with its length. */
static void make_long_stream(struct random_stream *s, size_t blocks)
{
	make_stream(s, DEFINITIONS);
	for (size_t i = 0; i < blocks; i++)
		random_put_block(s);
}

/* What the first segment stands for; 0: it is no checkpoint. */
static uint32_t covered(const struct fake *f)
{
	struct journal_reader *reader;
	struct err err;
	uint32_t covers = 0;

	if (journal_open(f->journal_path, &reader, &err) == 0) {
		covers = journal_facts(reader)->covers;
		journal_close(reader);
	}
	return covers;
}

static uint64_t journal_bytes_on_disk(const struct fake *f)
{
	DIR *folder = opendir(f->dir);
	const struct dirent *entry;
	uint64_t bytes = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		struct stat st;

		if (strstr(entry->d_name, ".journal.") &&
		    fstatat(dirfd(folder), entry->d_name, &st, 0) == 0)
			bytes += (uint64_t)st.st_size;
	}
	closedir(folder);
	return bytes;
}

/* Whether there is so much journal behind the checkpoint that the next one is due. */
static bool is_due(const struct fake *f)
{
	struct stat st = {0};
	uint64_t due = LIMIT / 2;

	if (covered(f) && stat(f->journal_path, &st) == 0 && (uint64_t)st.st_size > due)
		due = (uint64_t)st.st_size;
	return journal_bytes_on_disk(f) - (uint64_t)st.st_size > due;
}

/* Until the one that is due has its place, on however busy a machine. */
static void wait_for_checkpoint(const struct fake *f)
{
	for (int turns = 0; is_due(f) && turns < 300; turns++)
		usleep(PAUSE_US);
}

/* Plays slowly enough that checkpoints keep up. */
static uint32_t play_slowly(struct fake *f, const struct random_stream *s, size_t from,
			    size_t to, uint64_t *ret_most_bytes)
{
	uint32_t checkpoints = 0, last = covered(f);

	for (size_t at = from, end; at < to; at = end) {
		end = at + STEP < to ? at + STEP : to;
		/* Half a group stays in the ring. */
		while (end < to && record_kind(&random_stream_records(s)[end]) == R_DATA)
			end++;
		play(f, s, at, end);
		wait_for_tail(f, end);
		wait_for_checkpoint(f);
		checkpoints += covered(f) != last;
		last = covered(f);
		if (*ret_most_bytes < journal_bytes_on_disk(f))
			*ret_most_bytes = journal_bytes_on_disk(f);
	}
	return checkpoints;
}

static void same_sites(const struct profile *profile, const struct random_stream *s)
{
	struct heap heap;

	heap_of(&heap, s);
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct profile_site *site = &profile->sites[i];
		const struct site *other = &heap.sites.site[site->stack];

		assert_int_equal(site->live_bytes, other->live_bytes);
		assert_int_equal(site->total_bytes, other->total_bytes);
		assert_int_equal(site->total_blocks, other->total_blocks);
		assert_int_equal(site->gc_freed_bytes, other->gc_freed_bytes);
		assert_int_equal(site->temporary_blocks, other->temporary_blocks);
	}
	heap_release(&heap);
}

static void assert_run_is(struct fake *f, const struct random_stream *s)
{
	struct profile *profile = open_profile(f->out);

	assert_int_equal(profile->run.crash_safe_until_ms, UINT64_MAX);
	assert_heap_is(profile, s);
	same_sites(profile, s);
	profile_free(profile);
}

static void the_journal_stays_short(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	uint64_t most = 0;

	make_long_stream(&s, BLOCKS);
	put_end(&s);
	start_collector(f, false, LIMIT);
	assert_true(play_slowly(f, &s, 0, random_stream_count(&s) - 1, &most) >= 3);
	play(f, &s, random_stream_count(&s) - 1, random_stream_count(&s));
	wait_collector(f);
	assert_run_is(f, &s);
	/* The bound, a checkpoint, and what comes while one is made, however long the run. */
	assert_true(most < 3 * (uint64_t)LIMIT);
	assert_int_equal(journal_bytes_on_disk(f), 0);
	random_stream_release(&s);
}

static void killed_behind_checkpoints(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct err note = {0}, err = {0};
	uint64_t most = 0;

	make_long_stream(&s, BLOCKS);
	start_collector(f, false, LIMIT);
	assert_true(play_slowly(f, &s, 0, random_stream_count(&s), &most) >= 3);
	end_child(&f->collector);
	end_child(&f->program);
	assert_int_equal(run_recover(f->out, &note, &err), 0);
	assert_string_equal(note.text, "");
	assert_run_is(f, &s);
	/* Nothing is left of it, of a checkpoint that was being made neither. */
	assert_int_equal(journal_bytes_on_disk(f), 0);
	random_stream_release(&s);
}

static void segments_that_a_checkpoint_covers_are_not_read(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct err note = {0}, err = {0};
	uint64_t most = 0;
	char stale[256];
	FILE *file;

	make_long_stream(&s, BLOCKS / 2);
	start_collector(f, false, LIMIT);
	assert_true(play_slowly(f, &s, 0, random_stream_count(&s), &most) >= 1);
	end_child(&f->collector);
	end_child(&f->program);
	/* Killed between giving the checkpoint its name and removing what it stands for. */
	assert_true(covered(f) >= 1);
	snprintf(stale, sizeof(stale), "%s.journal.%u", f->out, covered(f));
	if (covered(f) > 1) {
		file = fopen(stale, "wx");
		assert_non_null(file);
		fputs("what a collector left", file);
		fclose(file);
	}
	assert_int_equal(run_recover(f->out, &note, &err), 0);
	assert_run_is(f, &s);
	assert_false(there(stale));
	random_stream_release(&s);
}

/* A file with another's name: reading goes on to later segments, or ends. */
static void segments_that_lead_back_are_an_end(void **state)
{
	struct fake *f = *state;
	const struct run_identity identity = {.run_id = 7, .pid = 1};
	struct journal *journal;
	struct buf path = {0};
	struct err err;

	assert_int_equal(journal_create(segments_path(&path, f->out, 1), 1, 0, &identity,
					&journal, &err),
			 0);
	journal_free(journal);
	assert_int_equal(journal_create_checkpoint(segments_path(&path, f->out, 2), 1, 0,
						   &identity, &journal, &err),
			 0);
	journal_free(journal);
	assert_false(replay_reaches(f->out, 1));
	segments_remove(f->out);
	buf_release(&path);
}

static void without_checkpoints_it_outgrows_its_bound(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct profile *profile;

	make_long_stream(&s, BLOCKS);
	put_end(&s);
	start_collector_with(f, false, LIMIT, "/bin/false");
	play(f, &s, 0, random_stream_count(&s) - 1);
	wait_for_tail(f, random_stream_count(&s) - 1);
	assert_int_equal(journal_bytes_on_disk(f), 0);
	play(f, &s, random_stream_count(&s) - 1, random_stream_count(&s));
	wait_collector(f);
	profile = open_profile(f->out);
	assert_true(profile->run.crash_safe_until_ms != UINT64_MAX);
	assert_heap_is(profile, &s);
	profile_free(profile);
	random_stream_release(&s);
}

static bool never(void *user)
{
	(void)user;
	return false;
}

/* Heirs may take their time to link the segments that a checkpoint stands for. */
static void a_checkpoint_that_may_not_have_its_place_yet_is_waited_for(void **state)
{
	struct fake *f = *state;
	struct random_stream s;
	struct ledger ledger;

	make_long_stream(&s, BLOCKS);
	ledger_init(&ledger);
	ledger.may_go = never;
	ledger_keep_journal(&ledger, f->out, LIMIT);
	for (size_t at = 0, end; at < random_stream_count(&s); at = end) {
		end = at + STEP < random_stream_count(&s) ? at + STEP : random_stream_count(&s);
		while (end < random_stream_count(&s) &&
		       record_kind(&random_stream_records(&s)[end]) == R_DATA)
			end++;
		ledger_take(&ledger, random_stream_records(&s) + at, end - at, at, end);
		if (ledger.checkpoint.pid)
			usleep(PAUSE_US);
	}
	assert_true(ledger.checkpoint_whole);
	assert_true(journal_bytes_on_disk(f) > 2 * (uint64_t)LIMIT);
	assert_non_null(ledger.journal);
	ledger_release(&ledger);
	segments_remove(f->out);
	random_stream_release(&s);
}

/* A collector may be killed before its child has asked to be told of that. */
static void none_is_made_for_a_collector_that_is_gone(void **state)
{
	struct fake *f = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct err err = {0};

		_exit(checkpoint_make(f->out, 1, getppid() + 1, &err) == 0 ||
		      !strstr(err.text, "is gone"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_journal_stays_short),
		TEST(killed_behind_checkpoints),
		TEST(segments_that_a_checkpoint_covers_are_not_read),
		TEST(segments_that_lead_back_are_an_end),
		TEST(without_checkpoints_it_outgrows_its_bound),
		TEST(a_checkpoint_that_may_not_have_its_place_yet_is_waited_for),
		TEST(none_is_made_for_a_collector_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
