/* Batches come back from a journal as they went in, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../collector/columns.h"
#include "../../collector/journal.h"
#include "../../collector/mem.h"
#include "../../collector/profile_write.h"
#include "random_stream.h"

static const struct run_identity identity = {
	.run_id = 0x1122334455667788,
	.process_start = 99,
	.start_real_ns = 1234567890,
	.pid = 42,
	.uid = 1000,
	.slack_bytes = 4096,
};

static char *new_path(void)
{
	char path[] = "/tmp/test_journal.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	return mem_text(path);
}

/*
 * The end of the batch that begins at `from`: at most `most` records, whole groups, at least
 * one.
 */
static size_t batch_end(const struct record *records, size_t count, size_t from, size_t most)
{
	size_t end = from;

	while (end < count) {
		size_t slots = stream_record_slots(&records[end]);

		if (end > from && end + slots - from > most)
			break;
		end += slots;
	}
	return end;
}

static uint64_t write_batches(const char *path, const struct random_stream *s, size_t most)
{
	struct record *records = random_stream_records(s);
	size_t count = random_stream_count(s), batches = 0;
	struct journal *journal = NULL;
	struct err err;

	assert_int_equal(journal_create(path, 1, 7, &identity, &journal, &err), 0);
	for (size_t from = 0, end; from < count; from = end, batches++) {
		end = batch_end(records, count, from, most);
		const struct journal_batch batch = {
			.records = &records[from],
			.count = end - from,
			.ring_before = from,
			.ring_after = end,
			.bad_records = batches,
		};
		assert_int_equal(journal_append(journal, &batch, &err), 0);
	}
	journal_free(journal);
	return batches;
}

/* Reads until the end or damage; what is read must be a prefix of the stream. */
static int read_prefix(const char *path, const struct random_stream *s, size_t *ret_records,
		       struct err *err)
{
	const struct record *records = random_stream_records(s);
	struct journal_reader *reader = NULL;
	struct journal_batch batch;
	size_t at = 0, batches = 0;
	int more;

	*ret_records = 0;
	if (journal_open(path, &reader, err) < 0)
		return -1;
	while ((more = journal_next(reader, &batch, err)) > 0) {
		assert_true(at + batch.count <= random_stream_count(s));
		assert_memory_equal(batch.records, &records[at],
				    batch.count * sizeof(*records));
		assert_int_equal(batch.ring_before, at);
		at += batch.count;
		assert_int_equal(batch.ring_after, at);
		assert_int_equal(batch.sequence, 7 + batches);
		assert_int_equal(batch.bad_records, batches);
		batches++;
	}
	assert_int_equal(journal_facts(reader)->run_id, identity.run_id);
	assert_int_equal(journal_facts(reader)->slack_bytes, identity.slack_bytes);
	journal_close(reader);
	*ret_records = at;
	return more;
}

static void every_kind_in_any_batch_size(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 17, 256, 4096, COLUMNS_MAX_RECORDS};
	char *path = new_path();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct random_stream s;
		struct err err = {0};
		size_t records;

		random_stream_init(&s, i + 1);
		random_stream_add(&s, sizes[i] < 10 ? 2000 : 30000);
		write_batches(path, &s, sizes[i]);
		assert_int_equal(read_prefix(path, &s, &records, &err), 0);
		assert_int_equal(records, random_stream_count(&s));
		random_stream_release(&s);
	}
	unlink(path);
	mem_scope(&path);
}

/* Words that no program writes survive as well: the encoder takes them as they are. */
static void any_bits_survive_the_columns(void **state)
{
	enum { COUNT = 20000 };
	struct random_stream s;
	struct columns columns;
	uint8_t *bytes = mem_alloc(columns_bound(COUNT));
	struct record *back = mem_alloc(COUNT * sizeof(*back));
	struct err err = {0};
	size_t len;

	(void)state;
	random_stream_init(&s, 5);
	for (int i = 0; i < COUNT; i++) {
		uint64_t head = random_next(&s), body = random_next(&s);

		/* Half of them are nearly valid: no lap, small fields. */
		if (i % 2)
			head &= 0x3fffffffffffff >> random_next(&s) % 8;
		if (i % 3)
			body &= 0x003f0fffffffffff;
		random_put(&s, head, body);
	}
	columns_init(&columns);
	len = columns_encode(&columns, random_stream_records(&s), COUNT, bytes);
	assert_true(len <= columns_bound(COUNT));
	assert_int_equal(columns_decode(&columns, bytes, len, COUNT, back, &err), 0);
	assert_memory_equal(back, s.out.data, s.out.len);
	columns_release(&columns);
	random_stream_release(&s);
	mem_scope(&bytes);
	mem_scope(&back);
}

static uint8_t *read_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *bytes;

	assert_int_equal(fstat(fd, &st), 0);
	bytes = mem_alloc((size_t)st.st_size);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

static void write_file(const char *path, const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void every_damaged_byte_is_noticed(void **state)
{
	char *path = new_path();
	struct random_stream s;
	struct err err = {0};
	uint8_t *bytes;
	size_t len, records, harmless = 0;

	(void)state;
	random_stream_init(&s, 3);
	random_stream_add(&s, 150);
	write_batches(path, &s, 40);
	bytes = read_file(path, &len);
	for (size_t i = 0; i < len * 3; i++) {
		uint8_t flip = i % 3 == 0 ? 0xff : (uint8_t)(1 << i % 8);

		bytes[i / 3] ^= flip;
		write_file(path, bytes, len);
		if (read_prefix(path, &s, &records, &err) == 0)
			harmless++; /* read_prefix has seen that the records are right */
		else
			assert_non_null(strstr(err.text, "offset"));
		bytes[i / 3] ^= flip;
	}
	/* Only bits of zstd's frame header that have no meaning. */
	assert_true(harmless <= len / 20);
	unlink(path);
	random_stream_release(&s);
	mem_scope(&bytes);
	mem_scope(&path);
}

static void any_cut_leaves_the_frames_before(void **state)
{
	char *path = new_path();
	struct random_stream s;
	struct err err;
	uint8_t *bytes;
	size_t len, records, before = 0, whole = 0, batches;

	(void)state;
	random_stream_init(&s, 4);
	random_stream_add(&s, 100);
	batches = write_batches(path, &s, 25);
	bytes = read_file(path, &len);
	for (size_t cut = sizeof(struct journal_header); cut <= len; cut++) {
		write_file(path, bytes, cut);
		err.text[0] = 0;
		whole += read_prefix(path, &s, &records, &err) == 0;
		assert_true(records >= before);
		before = records;
	}
	assert_int_equal(records, random_stream_count(&s));
	/* The end of each frame, the empty journal's header among them, is an end. */
	assert_int_equal(whole, batches + 1);
	unlink(path);
	random_stream_release(&s);
	mem_scope(&bytes);
	mem_scope(&path);
}

static void a_gap_in_the_sequence_ends_it(void **state)
{
	char *path = new_path();
	struct random_stream s;
	struct err err;
	uint8_t *bytes;
	size_t len, records, first = sizeof(struct journal_header);
	struct journal_frame frame;

	(void)state;
	random_stream_init(&s, 6);
	random_stream_add(&s, 100);
	write_batches(path, &s, 25);
	bytes = read_file(path, &len);
	memcpy(&frame, bytes + first, sizeof(frame));
	memmove(bytes + first, bytes + first + sizeof(frame) + frame.stored_bytes,
		len - first - sizeof(frame) - frame.stored_bytes);
	write_file(path, bytes, len - sizeof(frame) - frame.stored_bytes);
	assert_int_equal(read_prefix(path, &s, &records, &err), -1);
	assert_int_equal(records, 0);
	assert_non_null(strstr(err.text, "out of sequence"));
	unlink(path);
	random_stream_release(&s);
	mem_scope(&bytes);
	mem_scope(&path);
}

/* A limit on file sizes fails as a full disk does. */
static void a_full_disk_leaves_whole_frames(void **state)
{
	char *path = new_path();
	struct random_stream s;
	struct journal *journal;
	struct err err = {0};
	struct rlimit old, low;
	struct stat st;
	size_t records, count = 0;

	(void)state;
	random_stream_init(&s, 8);
	random_stream_add(&s, 20000);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(journal_create(path, 1, 7, &identity, &journal, &err), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){5000, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &low);
	for (size_t at = 0, end;; at = end, count++) {
		end = batch_end(random_stream_records(&s), random_stream_count(&s), at, 200);
		const struct journal_batch batch = {
			.records = random_stream_records(&s) + at,
			.count = end - at,
			.ring_before = at,
			.ring_after = end,
			.bad_records = count,
		};
		if (journal_append(journal, &batch, &err) < 0)
			break;
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(count > 0);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, journal_bytes(journal));
	assert_int_equal(read_prefix(path, &s, &records, &err), 0);
	assert_true(records > 0);
	journal_free(journal);
	unlink(path);
	random_stream_release(&s);
	mem_scope(&path);
}

static void other_files_are_refused(void **state)
{
	struct journal_reader *reader;
	struct journal *journal;
	struct err err = {0};

	(void)state;
	assert_int_equal(journal_open("/tmp", &reader, &err), -1);
	assert_int_equal(journal_open("/dev/null", &reader, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(journal_open("/etc/passwd", &reader, &err), -1);
	assert_non_null(strstr(err.text, "not a journal"));
	assert_int_equal(journal_open("/nonexistent/x", &reader, &err), -1);
	assert_int_equal(journal_create("/nonexistent/x", 1, 0, &identity, &journal, &err), -1);
	assert_non_null(strstr(err.text, "/nonexistent/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_in_any_batch_size),
		cmocka_unit_test(any_bits_survive_the_columns),
		cmocka_unit_test(every_damaged_byte_is_noticed),
		cmocka_unit_test(any_cut_leaves_the_frames_before),
		cmocka_unit_test(a_gap_in_the_sequence_ends_it),
		cmocka_unit_test(a_full_disk_leaves_whole_frames),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
