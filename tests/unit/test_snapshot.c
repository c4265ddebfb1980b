/*
 * What a profile tells as live: the heap at the last `end` of the tracer's own, whatever the
 * teardown does after it.
 */
#include "profile_fixture.h"

#include "../../collector/ledger.h"

/* The records made by hand without the last, which ends the stream. */
static void begin_stream(const struct hand *hand, struct buf *ret_records)
{
	buf_init(ret_records);
	buf_append(ret_records, hand->records.data, hand->records.len - sizeof(struct record));
}

static void put(struct buf *records, enum record_kind kind, uint64_t a, uint64_t b)
{
	struct record r = {record_head(kind, a), b};

	buf_append(records, &r, sizeof(r));
}

static void put_mark(struct buf *records, const char *name, enum mark_origin origin)
{
	struct {
		struct stream_mark figures;
		char name[8];
	} mark = {.figures = {.time_ns = 3000000000, .origin = origin}};

	memcpy(mark.name, name, strlen(name));
	stream_put_text(records, R_MARK, 0, &mark, sizeof(mark.figures) + strlen(name));
}

/* All blocks go, an arena and what is mapped too; what teardown needs itself comes. */
static void put_teardown(const struct hand *hand, struct buf *records)
{
	for (size_t i = 0; i < hand->block_count; i++)
		put(records, R_FREE, hand->blocks[i].address, 0);
	put(records, R_ARENA_FREE, 0x7f0000100000, 0);
	put(records, R_UNMAP, 0x20000000, (uint64_t)16 << 32);
	for (uint64_t i = 0; i < 20; i++)
		put(records, R_ALLOC_MALLOC, 0x500000000000 + i * 4096, 3 | (i + 1) << 40);
	put(records, R_TICK, 5000, 1 << 20);
}

/* In batches of as many groups, at least one. */
static void take_all(struct ledger *ledger, const struct buf *stream, size_t groups)
{
	struct record *records = mem_copy(stream->data, stream->len);
	size_t count = stream->len / sizeof(*records), at = 0;

	while (at < count) {
		size_t end = at;

		for (size_t i = 0; i < groups && end < count; i++)
			end += stream_record_slots(&records[end]);
		ledger_take(ledger, &records[at], end - at, at, end);
		at = end;
	}
	assert_int_equal(ledger->check.bad_records, 0);
	mem_scope(&records);
}

static void write_stream(const char *path, const struct buf *stream, size_t groups)
{
	struct ledger ledger;
	struct err err = {""};

	ledger_init(&ledger);
	take_all(&ledger, stream, groups);
	if (ledger_write(&ledger, path, 0, &err))
		fail_msg("%s", err.text);
	ledger_release(&ledger);
}

static void assert_same_maps(const struct profile *a, const struct profile *b)
{
	assert_int_equal(a->block_count, b->block_count);
	assert_memory_equal(a->blocks, b->blocks, a->block_count * sizeof(*a->blocks));
	assert_int_equal(a->arena_count, b->arena_count);
	assert_memory_equal(a->arenas, b->arenas, a->arena_count * sizeof(*a->arenas));
	assert_int_equal(a->pool_count, b->pool_count);
	assert_memory_equal(a->pools, b->pools, a->pool_count * sizeof(*a->pools));
	assert_int_equal(a->pin_count, b->pin_count);
	assert_memory_equal(a->pins, b->pins, a->pin_count * sizeof(*a->pins));
	assert_int_equal(a->mapping_count, b->mapping_count);
	assert_memory_equal(a->mappings, b->mappings, a->mapping_count * sizeof(*a->mappings));
}

static void assert_same_figures(const struct profile *a, const struct profile *b)
{
	assert_int_equal(a->run.live_bytes, b->run.live_bytes);
	assert_int_equal(a->run.live_blocks, b->run.live_blocks);
	assert_memory_equal(a->run.domain_bytes, b->run.domain_bytes, 4 * sizeof(uint64_t));
	assert_memory_equal(a->run.domain_blocks, b->run.domain_blocks, 4 * sizeof(uint64_t));
	assert_int_equal(a->run.arena_bytes, b->run.arena_bytes);
	assert_int_equal(a->run.arena_count, b->run.arena_count);
	assert_int_equal(a->run.block_count, b->run.block_count);
	assert_int_equal(a->site_count, b->site_count);
	for (size_t i = 0; i < a->site_count; i++) {
		assert_int_equal(a->sites[i].stack, b->sites[i].stack);
		assert_int_equal(a->sites[i].live_bytes, b->sites[i].live_bytes);
		assert_int_equal(a->sites[i].live_blocks, b->sites[i].live_blocks);
	}
}

/* The profile of the hand's heap as it is, before any teardown. */
static struct profile *before_teardown(const struct fixture *fixture)
{
	write_hand(fixture);
	return open_whole(fixture->path);
}

static struct profile *profile_of(const struct fixture *fixture, const struct buf *stream)
{
	write_stream(fixture->path, stream, SIZE_MAX);
	return open_whole(fixture->path);
}

static void teardown_takes_nothing_away(void **state)
{
	const struct fixture *fixture = *state;
	struct profile *expected = before_teardown(fixture), *found;
	struct buf stream;

	begin_stream(&fixture->hand, &stream);
	put_mark(&stream, "end", MARK_TRACER);
	put_teardown(&fixture->hand, &stream);
	put(&stream, R_END, END_EXIT, 3);
	found = profile_of(fixture, &stream);
	assert_true(found->run.flags & PROFILE_AT_END);
	assert_true(found->run.flags & PROFILE_CONSERVED);
	assert_true(found->block_count > 10 && found->arena_count == 2);
	assert_same_maps(found, expected);
	assert_same_figures(found, expected);
	profile_free(expected);
	profile_free(found);
	buf_release(&stream);
}

/* Counts are of the whole stream: what teardown made and freed is in them. */
static void teardown_is_counted(void **state)
{
	const struct fixture *fixture = *state;
	struct profile *expected = before_teardown(fixture), *found;
	uint64_t total = 0, freed = 0, left = 0;
	struct buf stream;

	begin_stream(&fixture->hand, &stream);
	put_mark(&stream, "end", MARK_TRACER);
	put_teardown(&fixture->hand, &stream);
	found = profile_of(fixture, &stream);
	assert_int_equal(found->run.allocations, expected->run.allocations + 20);
	/* Each block, and the one anonymous mapping. */
	assert_int_equal(found->run.frees, expected->run.frees + fixture->hand.block_count + 1);
	assert_int_equal(found->run.duration_ms, 5000);
	for (size_t i = 0; i < found->site_count; i++) {
		total += found->sites[i].total_blocks;
		freed += found->sites[i].freed_blocks;
		left += found->sites[i].total_bytes - found->sites[i].freed_bytes;
	}
	assert_int_equal(total, found->run.allocations);
	assert_int_equal(freed, found->run.frees);
	assert_int_equal(left, 256 * (20 * 21 / 2));
	profile_free(expected);
	profile_free(found);
	buf_release(&stream);
}

static void batches_make_no_difference(void **state)
{
	static const size_t groups[] = {1, 2, 7, 50};
	const struct fixture *fixture = *state;
	struct buf stream, whole, parts;

	begin_stream(&fixture->hand, &stream);
	put_mark(&stream, "end", MARK_TRACER);
	put_teardown(&fixture->hand, &stream);
	write_stream(fixture->path, &stream, SIZE_MAX);
	whole = read_file(fixture->path);
	promises_kept(fixture->path, whole.data, whole.len);
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		write_stream(fixture->path, &stream, groups[i]);
		parts = read_file(fixture->path);
		assert_int_equal(parts.len, whole.len);
		assert_memory_equal(parts.data, whole.data, whole.len);
		buf_release(&parts);
	}
	buf_release(&whole);
	buf_release(&stream);
}

/* The heap as the last record leaves it. */
static void assert_last_record_counts(const struct fixture *fixture, const struct buf *stream)
{
	struct profile *found = profile_of(fixture, stream);

	assert_false(found->run.flags & PROFILE_AT_END);
	assert_int_equal(found->run.live_blocks, 20);
	assert_int_equal(found->block_count, 20);
	assert_int_equal(found->arena_count, 1);
	profile_free(found);
}

static void only_the_tracers_own_end_counts(void **state)
{
	const struct fixture *fixture = *state;
	struct buf stream;

	begin_stream(&fixture->hand, &stream);
	put_mark(&stream, "end", MARK_PROGRAM);
	put_mark(&stream, "ended", MARK_TRACER);
	put_teardown(&fixture->hand, &stream);
	assert_last_record_counts(fixture, &stream);
	buf_release(&stream);
}

static void a_runtime_that_starts_again_has_not_ended(void **state)
{
	const struct fixture *fixture = *state;
	struct buf stream;

	begin_stream(&fixture->hand, &stream);
	put_mark(&stream, "end", MARK_TRACER);
	put_mark(&stream, "start", MARK_TRACER);
	put_teardown(&fixture->hand, &stream);
	assert_last_record_counts(fixture, &stream);
	buf_release(&stream);
}

static void the_last_end_counts(void **state)
{
	const struct fixture *fixture = *state;
	struct profile *found;
	struct buf stream;

	begin_stream(&fixture->hand, &stream);
	put_mark(&stream, "end", MARK_TRACER);
	put_teardown(&fixture->hand, &stream);
	put_mark(&stream, "end", MARK_TRACER);
	put(&stream, R_FREE, 0x500000000000, 0);
	found = profile_of(fixture, &stream);
	assert_true(found->run.flags & PROFILE_AT_END);
	assert_string_equal(profile_text(found, found->marks[found->mark_count - 1].name),
			    "end#2");
	assert_int_equal(found->run.live_blocks, 20);
	assert_int_equal(found->block_count, 20);
	profile_free(found);
	buf_release(&stream);
}

static void count_beat(void *user)
{
	++*(int *)user;
}

/* Whoever waits for the collector sees it move, also while much is encoded. */
static void a_long_walk_beats(void **state)
{
	enum { BLOCKS = 200000 };
	struct ledger ledger;
	struct buf stream;
	int beats = 0;

	(void)state;
	buf_init(&stream);
	for (uint64_t i = 1; i <= BLOCKS; i++)
		put(&stream, R_ALLOC_MALLOC, i * 64, 64ULL << 32);
	put_mark(&stream, "end", MARK_TRACER);
	ledger_init(&ledger);
	ledger.pulse = (struct pulse){count_beat, &beats};
	take_all(&ledger, &stream, SIZE_MAX);
	assert_true(ledger.ended && ledger.end_kept);
	assert_int_equal(ledger.end.block_count, BLOCKS);
	assert_true(beats >= 4);
	ledger_release(&ledger);
	buf_release(&stream);
}

/* Arenas that are summed up at any mark, too. */
static void a_long_census_beats(void **state)
{
	enum { ARENAS = 48, ARENA_BYTES = 1 << 20, POOL_BYTES = 1 << 14 };
	struct ledger ledger;
	struct buf stream;
	int beats = 0;

	(void)state;
	buf_init(&stream);
	for (uint64_t at = 1ULL << 40; at < (1ULL << 40) + (uint64_t)ARENAS * ARENA_BYTES;
	     at += POOL_BYTES) {
		if (at % ARENA_BYTES == 0)
			put(&stream, R_ARENA, at, (uint64_t)ARENA_BYTES << 32);
		for (uint64_t block = 48; block + 16 <= POOL_BYTES; block += 16)
			put(&stream, R_SMALL_MEM, at + block, 16ULL << 32 | 1ULL << 48);
	}
	ledger_init(&ledger);
	ledger.pulse = (struct pulse){count_beat, &beats};
	take_all(&ledger, &stream, SIZE_MAX);
	assert_int_equal(beats, 0);
	stream.len = 0;
	put_mark(&stream, "warm", MARK_PROGRAM);
	take_all(&ledger, &stream, SIZE_MAX);
	assert_true(beats >= 8);
	ledger_release(&ledger);
	buf_release(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(teardown_takes_nothing_away),
		TEST(teardown_is_counted),
		TEST(batches_make_no_difference),
		TEST(only_the_tracers_own_end_counts),
		TEST(a_runtime_that_starts_again_has_not_ended),
		TEST(the_last_end_counts),
		cmocka_unit_test(a_long_walk_beats),
		cmocka_unit_test(a_long_census_beats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
