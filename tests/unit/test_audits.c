/*
 * Audits as a profile tells them: which mark they belong to, how many are kept, and what
 * becomes of records in no order. What a comparison finds is tested in test_heap_random.c.
 */
#include "profile_fixture.h"

enum { ARENA_BYTES = 1 << 20 };
#define ARENA_AT 0x7f1000000000u

static void apply(struct heap *heap, enum record_kind kind, uint64_t a, uint64_t b)
{
	struct record r = {record_head(kind, a), b};

	heap_apply(heap, &r, 1);
}

static void mark(struct heap *heap, const char *name, uint32_t number, enum mark_origin origin)
{
	struct {
		struct stream_mark figures;
		char name[16];
	} text = {.figures = {.number = number, .origin = origin}};
	struct buf records;

	memcpy(text.name, name, strlen(name));
	buf_init(&records);
	stream_put_text(&records, R_MARK, 0, &text, sizeof(text.figures) + strlen(name));
	heap_apply(heap, (const struct record *)(const void *)records.data,
		   records.len / sizeof(struct record));
	buf_release(&records);
}

/* Of one arena; with `full`, its first pool is full by the header and empty in the map. */
static void audit(struct heap *heap, uint64_t number, bool full)
{
	apply(heap, R_AUDIT, number, 0);
	apply(heap, R_AUDIT_ARENA, ARENA_AT, full | (uint64_t)ARENA_BYTES << 32);
	if (full)
		apply(heap, R_AUDIT_POOL, ARENA_AT, 32 | 31 << 8);
	apply(heap, R_AUDIT_END, number, 10);
}

static struct profile *profile_of(const struct fixture *fixture, struct heap *heap)
{
	struct err err = {""};

	if (profile_write(fixture->path, heap, &hand_identity, &hand_result, &err))
		fail_msg("%s", err.text);
	return open_whole(fixture->path);
}

static void audits_find_their_marks(void **state)
{
	struct profile *p;
	struct heap heap;

	heap_init(&heap);
	apply(&heap, R_ARENA, ARENA_AT, (uint64_t)ARENA_BYTES << 32);
	mark(&heap, "start", 1, MARK_TRACER);
	mark(&heap, "first", 2, MARK_PROGRAM);
	mark(&heap, "outside", 0, MARK_OUTSIDE); /* the collector made it */
	mark(&heap, "second", 3, MARK_PROGRAM);
	audit(&heap, 3, false);
	audit(&heap, 2, true);  /* later than its mark, and than the next */
	audit(&heap, 3, true);  /* another interpreter's */
	audit(&heap, 0, false); /* of the end that comes now */
	audit(&heap, 77, false);
	mark(&heap, "end", 0, MARK_TRACER);
	p = profile_of(*state, &heap);
	assert_int_equal(p->audit_count, 4);
	assert_int_equal(p->audits[0].mark, 1);
	assert_int_equal(p->audits[1].mark, 3);
	assert_int_equal(p->audits[2].mark, 4);
	assert_int_equal(p->audits[3].mark, PROFILE_PEAK);
	assert_int_equal(p->audits[0].interpreters, 1);
	assert_int_equal(p->audits[1].interpreters, 2);
	assert_int_equal(p->audits[1].arenas, 2);
	assert_int_equal(p->audits[1].differing_blocks, 31);
	assert_int_equal(p->audits[1].pause_ns, 20);
	assert_int_equal(p->difference_count, 2);
	assert_int_equal(p->differences[0].audit, 0);
	assert_int_equal(p->differences[1].audit, 1);
	assert_int_equal(p->differences[1].header_blocks, 31);
	profile_free(p);
	heap_release(&heap);
}

static void the_newest_are_kept_and_what_differs(void **state)
{
	enum { MANY = 5 * AUDIT_LIMIT };
	struct profile *p;
	struct heap heap;

	heap_init(&heap);
	apply(&heap, R_ARENA, ARENA_AT, (uint64_t)ARENA_BYTES << 32);
	for (uint64_t number = 1; number <= MANY; number++)
		audit(&heap, number, number == 7 || number == MANY - 1);
	assert_int_equal(heap.audits.count, AUDIT_LIMIT);
	p = profile_of(*state, &heap);
	assert_int_equal(p->audit_count, AUDIT_LIMIT);
	assert_int_equal(p->audits[0].differing_pools, 1);
	assert_int_equal(p->audits[AUDIT_LIMIT - 2].differing_pools, 1);
	assert_int_equal(p->difference_count, 2);
	assert_int_equal(p->differences[0].audit, 0);
	assert_int_equal(p->differences[1].audit, AUDIT_LIMIT - 2);
	profile_free(p);
	/* Where all differ, the oldest goes with its differences, which are bounded. */
	for (uint64_t number = MANY + 1; number <= 2 * MANY; number++)
		audit(&heap, number, true);
	p = profile_of(*state, &heap);
	assert_int_equal(p->audit_count, AUDIT_LIMIT);
	assert_in_range(p->difference_count, 1, PROFILE_MAX_DIFFERENCES);
	profile_free(p);
	heap_release(&heap);
}

static void arenas_that_the_map_lacks_differ(void **state)
{
	struct profile *p;
	struct heap heap;

	heap_init(&heap);
	apply(&heap, R_AUDIT, 1, 0);
	apply(&heap, R_AUDIT_ARENA, ARENA_AT, (uint64_t)ARENA_BYTES << 32);
	apply(&heap, R_AUDIT_END, 1, 0);
	apply(&heap, R_ARENA, ARENA_AT, (uint64_t)ARENA_BYTES << 32);
	apply(&heap, R_AUDIT, 1, 0);
	apply(&heap, R_AUDIT_ARENA, ARENA_AT, (uint64_t)ARENA_BYTES << 33);
	apply(&heap, R_AUDIT_END, 1, 0);
	p = profile_of(*state, &heap);
	assert_int_equal(p->audit_count, 1);
	assert_int_equal(p->audits[0].arenas, 2);
	assert_int_equal(p->audits[0].differing_arenas, 2);
	assert_int_equal(p->audits[0].differing_pools, 0);
	assert_int_equal(p->difference_count, 2);
	assert_int_equal(p->differences[0].arena, ARENA_AT);
	assert_int_equal(p->differences[0].pool, 0);
	profile_free(p);
	heap_release(&heap);
}

/* Nothing of it makes sense; what is said has to hold together all the same. */
static void records_in_no_order(void **state)
{
	static const enum record_kind kinds[] = {R_AUDIT,      R_AUDIT_ARENA, R_AUDIT_POOL,
						 R_AUDIT_POOL, R_AUDIT_POOL,  R_AUDIT_END,
						 R_ARENA,      R_ARENA_FREE,  R_SMALL_MEM};
	struct heap heap;
	uint64_t random = 3;
	struct buf bytes;

	heap_init(&heap);
	for (size_t i = 0; i < 200000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		enum record_kind kind = kinds[(random >> 33) % 9];
		uint64_t place = ARENA_AT + ((random >> 40) % 130 << 14);

		if (kind == R_AUDIT || kind == R_AUDIT_END)
			apply(&heap, kind, random >> 60, random >> 50);
		else if (kind == R_AUDIT_POOL)
			apply(&heap, kind, place,
			      (random >> 20 & 0xffff00) | (1 + random % 32));
		else if (kind == R_SMALL_MEM)
			apply(&heap, kind, place + 48, (uint64_t)16 << 32 | (uint64_t)1 << 48);
		else
			apply(&heap, kind, place & ~(uint64_t)0xfffff,
			      (uint64_t)ARENA_BYTES << 32);
	}
	assert_true(heap.audits.count > 0);
	assert_int_equal(heap_check(&heap, NULL), 0);
	profile_free(profile_of(*state, &heap));
	bytes = read_file(((struct fixture *)*state)->path);
	assert_int_equal(promises_kept("disorder", bytes.data, bytes.len), 0);
	buf_release(&bytes);
	heap_release(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(audits_find_their_marks),
		TEST(the_newest_are_kept_and_what_differs),
		TEST(arenas_that_the_map_lacks_differ),
		TEST(records_in_no_order),
	};

	return cmocka_run_group_tests_name("audits", tests, NULL, NULL);
}
