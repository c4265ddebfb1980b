/* What stream_check lets through is well-formed, whatever it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../collector/heap.h"
#include "../../collector/mem.h"
#include "random_stream.h"

static void text_comes_back(size_t len)
{
	struct buf records = {0};
	struct stream_text text;
	struct err err;
	uint8_t *bytes = mem_alloc(len);
	size_t i = 0, count;
	int done = 0;

	for (size_t j = 0; j < len; j++)
		bytes[j] = (uint8_t)(j * 7 + 1);
	stream_put_text(&records, R_CODE, 20, bytes, len);
	stream_text_init(&text);
	count = records.len / sizeof(struct record);
	while (i < count) {
		const struct record *r = (const struct record *)(void *)records.data + i;

		assert_int_equal(done, 0);
		done = stream_text_add(&text, r, &err);
		i += stream_record_slots(r);
	}
	assert_int_equal(done, 1);
	assert_int_equal(i, count);
	assert_int_equal(text.id, 20);
	assert_int_equal(text.bytes.len, len);
	assert_memory_equal(text.bytes.data, bytes, len);
	stream_text_release(&text);
	buf_release(&records);
	mem_scope(&bytes);
}

static void texts_of_any_length(void **state)
{
	(void)state;
	for (size_t len = 1; len < 60; len++)
		text_comes_back(len);
	text_comes_back(STREAM_MAX_DATA_SLOTS * STREAM_DATA_BYTES);
	text_comes_back(STREAM_MAX_DATA_SLOTS * STREAM_DATA_BYTES + 1);
	text_comes_back(100000);
}

static void a_fragment_without_its_beginning(void **state)
{
	struct buf records = {0};
	struct stream_text text;
	struct err err;
	char bytes[20000] = {0};
	const struct record *second;

	(void)state;
	stream_put_text(&records, R_CODE, 20, bytes, sizeof(bytes));
	stream_text_init(&text);
	second = (const struct record *)(void *)records.data + 1 + STREAM_MAX_DATA_SLOTS;
	assert_int_equal(stream_text_add(&text, second, &err), -1);
	assert_int_equal(stream_text_add(&text, (struct record *)(void *)records.data, &err),
			 0);
	assert_int_equal(stream_text_add(&text, second, &err), 0);
	assert_int_equal(stream_text_add(&text, second, &err), -1);
	stream_text_release(&text);
	buf_release(&records);
}

/* Two codes and two nodes, so that something is defined. */
static void define_some(struct stream_check *check)
{
	struct buf out = {0};
	struct {
		struct stream_code code;
		char text[2];
	} code = {{.file_bytes = 1, .name_bytes = 1}, "ab"};
	struct record nodes[4] = {
		{record_head(R_NODE, 1), 0},
		{record_head(R_DATA, 0), 0},
		{record_head(R_NODE, 2), 1 | (uint64_t)STREAM_CODE_FIRST << 32},
		{record_head(R_DATA, 0), 0},
	};

	stream_check_init(check);
	check->from_ring = true;
	for (uint32_t i = 0; i < 2; i++)
		stream_put_text(&out, R_CODE, STREAM_CODE_FIRST + i, &code, 26);
	buf_append(&out, nodes, sizeof(nodes));
	assert_int_equal(stream_check(check, (struct record *)(void *)out.data, out.len / 16),
			 out.len / 16);
	assert_int_equal(check->bad_records, 0);
	assert_int_equal(check->nodes, 2);
	assert_int_equal(check->codes, 2);
	buf_release(&out);
}

static void bad_records_become_nothing(void **state)
{
	static const struct record bad[] = {
		{(uint64_t)R_NONE << 48, 0},
		{(uint64_t)R_DATA << 48, 0},
		{(uint64_t)31 << 48, 0},
		{(uint64_t)40 << 48, 0},
		{(uint64_t)R_FREE << 48 | 8 | 1ULL << 54, 0},
		{(uint64_t)R_FREE << 48, 0},
		{(uint64_t)R_ALLOC_MALLOC << 48, 1ULL << 32},
		{(uint64_t)R_ALLOC_MEM << 48 | 4, 1ULL << 32},
		{(uint64_t)R_SMALL_MEM << 48 | 16, 513ULL << 32 | 63ULL << 48},
		{(uint64_t)R_SMALL_MEM << 48 | 16, 16ULL << 32},
		{(uint64_t)R_SMALL_MEM << 48 | 16, 17ULL << 32 | 1ULL << 48},
		{(uint64_t)R_SMALL_MEM << 48 | 16, 16ULL << 32 | 33ULL << 48},
		{(uint64_t)R_SMALL_MEM << 48 | 16, 16ULL << 32 | 1ULL << 48 | 1ULL << 56},
		{(uint64_t)R_TEMP << 48 | 3, 1},
		{(uint64_t)R_MAP_ANON << 48 | 4096, 0},
		{(uint64_t)R_MAP_ANON << 48 | 100, 1ULL << 32},
		{(uint64_t)R_UNMAP << 48 | 0xfffffffff000, 2ULL << 32},
		{(uint64_t)R_ARENA << 48 | 4096, 0},
		{(uint64_t)R_GC << 48 | 4, 0},
		{(uint64_t)R_CHECK << 48 | 18, 0},
		{(uint64_t)R_END << 48, 0},
		{(uint64_t)R_END << 48 | 4, 0},
		{(uint64_t)R_RESTORE << 48, 0},
		{(uint64_t)R_RETAG << 48, 1},
		{(uint64_t)R_RETAG << 48 | 64, 1 | 1ULL << 32},
		{(uint64_t)R_AUDIT_ARENA << 48, 1ULL << 50},
		{(uint64_t)R_AUDIT_ARENA << 48 | 4096, 0},
		{(uint64_t)R_AUDIT_ARENA << 48 | 4096, 65 | 1ULL << 50},
		{(uint64_t)R_AUDIT_POOL << 48, 1 | 1 << 8},
		{(uint64_t)R_AUDIT_POOL << 48 | 4112, 1 | 1 << 8},
		{(uint64_t)R_AUDIT_POOL << 48 | 4096, 1 << 8},
		{(uint64_t)R_AUDIT_POOL << 48 | 4096, 33 | 1 << 8},
		{(uint64_t)R_AUDIT_POOL << 48 | 4096, 1},
		{(uint64_t)R_AUDIT_POOL << 48 | 4096, 1 | 1 << 8 | 1ULL << 32},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct stream_check check;
		struct record r = bad[i];

		define_some(&check);
		assert_int_equal(stream_check(&check, &r, 1), 1);
		assert_int_equal(r.head, 0);
		assert_int_equal(r.body, 0);
		assert_int_equal(check.bad_records, 1);
		assert_non_null(strstr(check.first_bad.text, "record "));
		stream_check_release(&check);
	}
}

static void an_undefined_stack_costs_the_stack_only(void **state)
{
	struct record r[] = {
		{record_head(R_ALLOC_MALLOC, 64), 3 | 100ULL << 32},
		{record_head(R_SMALL_OBJECT, 128), 2 | 100ULL << 32 | 7ULL << 48},
		{record_head(R_FREE, 64), 77},
		{record_head(R_RETAG, 128), 78},
		{record_head(R_UNMAP, 4096), 79 | 1ULL << 32},
	};
	struct stream_check check;

	(void)state;
	define_some(&check);
	assert_int_equal(stream_check(&check, r, 5), 5);
	assert_int_equal(check.bad_records, 4);
	assert_int_equal(r[0].body, 100ULL << 32);
	assert_int_equal(r[1].body, 2 | 100ULL << 32 | 7ULL << 48);
	assert_int_equal(r[2].body, 0);
	assert_int_equal(r[3].body, 0);
	assert_int_equal(r[4].body, 1ULL << 32);
	stream_check_release(&check);
}

static void an_audits_pool_takes_its_bits(void **state)
{
	enum { MOST = 10 };
	struct record r[] = {
		{record_head(R_AUDIT, 3), 1},
		{record_head(R_AUDIT_ARENA, 4096), 2 | 1ULL << 50},
		{record_head(R_AUDIT_POOL, 16384), 4 | 63 << 8},
		{record_head(R_AUDIT_POOL, 32768), 1 | 1021 << 8 | MOST << 24},
		[MOST + 4] = {record_head(R_AUDIT_END, 3), 1000},
		{record_head(R_AUDIT_POOL, 32768), 1 | 1021 << 8 | (MOST + 1u) << 24},
		[2 * MOST + 7] = {record_head(R_FREE, 64), 0},
	};
	struct stream_check check;

	(void)state;
	for (size_t i = 0; i < sizeof(r) / sizeof(*r); i++)
		if (!r[i].head)
			r[i].head = record_head(R_DATA, i);
	define_some(&check);
	assert_int_equal(stream_record_slots(&r[3]), 1 + MOST);
	assert_int_equal(stream_check(&check, r, 7), 3);
	assert_int_equal(stream_check(&check, r, MOST + 5), MOST + 5);
	assert_int_equal(check.bad_records, 0);
	/* One slot more than any pool needs: its bits go with it. */
	assert_int_equal(stream_check(&check, r + MOST + 5, MOST + 3), MOST + 3);
	assert_int_equal(check.bad_records, 1);
	assert_int_equal(r[MOST + 6].head, 0);
	assert_int_equal(record_kind(&r[2 * MOST + 7]), R_FREE);
	stream_check_release(&check);
}

static void nodes_stay_in_step(void **state)
{
	struct record r[] = {
		{record_head(R_NODE, 3), 2 | 99ULL << 32}, /* an undefined code object */
		{record_head(R_DATA, 0), 0},
		{record_head(R_NODE, 4), 9 | 16ULL << 32}, /* an undefined parent */
		{record_head(R_DATA, 0), 0},
		{record_head(R_NODE, 5), 4 | 16ULL << 32},
		{record_head(R_DATA, 0), 0},
		{record_head(R_NODE, 5), 4 | 16ULL << 32}, /* twice */
		{record_head(R_DATA, 0), 0},
	};
	struct stream_check check;

	(void)state;
	define_some(&check);
	assert_int_equal(stream_check(&check, r, 8), 8);
	assert_int_equal(check.bad_records, 3);
	assert_int_equal(check.nodes, 5);
	assert_int_equal(r[0].body, 2 | (uint64_t)STREAM_CODE_TRUNCATED << 32);
	assert_int_equal(r[2].body, (uint64_t)STREAM_CODE_TRUNCATED << 32);
	assert_int_equal(r[4].body, 4 | 16ULL << 32);
	assert_int_equal(r[6].head | r[7].head, 0);
	stream_check_release(&check);
}

/* One slot that was lost costs what it defined, not the names of all that came later. */
static void missing_definitions_are_one_mistake(void **state)
{
	struct record nodes[] = {
		{record_head(R_NODE, 7), 2 | (uint64_t)STREAM_CODE_FIRST << 32},
		{record_head(R_DATA, 5), 0},
		{record_head(R_NODE, 8), 7 | (uint64_t)STREAM_CODE_FIRST << 32},
		{record_head(R_DATA, 6), 0},
		{record_head(R_NODE, 8 + STREAM_MOST_MISSING), 0},
		{record_head(R_DATA, 0), 0},
		{record_head(R_NODE, 1ULL << 40), 0},
		{record_head(R_DATA, 0), 0},
	};
	struct stream_check check;
	struct stacks stacks;
	struct {
		struct stream_code code;
		char text[2];
	} code = {{.file_bytes = 1, .name_bytes = 1}, "xy"};
	struct buf codes = {0};

	(void)state;
	define_some(&check);
	stacks_init(&stacks);
	assert_int_equal(stream_check(&check, nodes, 8), 8);
	assert_int_equal(check.bad_records, 3);
	assert_int_equal(check.nodes, 8);
	assert_int_equal(nodes[4].head | nodes[6].head, 0);
	stacks_apply(&stacks, &nodes[0]);
	stacks_apply(&stacks, &nodes[2]);
	assert_int_equal(stacks.node_count, 8);
	assert_int_equal(stacks.nodes[5].code, STREAM_CODE_TRUNCATED);
	assert_int_equal(stacks.nodes[6].instr, 5);
	assert_int_equal(stacks.nodes[7].parent, 7);

	for (uint32_t id = STREAM_CODE_FIRST + 4; id < STREAM_CODE_FIRST + 6; id++)
		stream_put_text(&codes, R_CODE, id, &code, 26);
	struct record *texts = (struct record *)(void *)codes.data;
	assert_int_equal(stream_check(&check, texts, codes.len / 16), codes.len / 16);
	assert_int_equal(check.bad_records, 4);
	assert_int_equal(check.codes, 6);
	stacks_apply(&stacks, &texts[0]);
	stacks_apply(&stacks, &texts[codes.len / 32]);
	assert_string_equal(stacks_code(&stacks, STREAM_CODE_FIRST + 3)->name, "");
	assert_string_equal(stacks_code(&stacks, STREAM_CODE_FIRST + 5)->name, "y");
	assert_null(stacks_code(&stacks, STREAM_CODE_FIRST + 6));
	buf_release(&codes);
	stacks_release(&stacks);
	stream_check_release(&check);
}

static void groups_that_are_not_whole(void **state)
{
	struct record r[] = {
		{record_head(R_FREE, 64), 0},
		{record_head(R_ALLOC_MALLOC, 64), (uint64_t)STREAM_SIZE_WIDE << 32},
		{record_head(R_DATA, 1), 0},
		{record_head(R_FREE, 128), 0},
	};
	struct record broken[] = {r[1], r[3], r[2], r[0]};
	struct stream_check check;

	(void)state;
	define_some(&check);
	assert_int_equal(stream_check(&check, r, 2), 1);
	assert_int_equal(stream_check(&check, r + 1, 3), 3);
	assert_int_equal(check.bad_records, 0);
	/* The size and its block have nothing to do with each other any more. */
	assert_int_equal(stream_check(&check, broken, 4), 4);
	assert_int_equal(check.bad_records, 2);
	assert_int_equal(broken[0].head | broken[2].head, 0);
	assert_int_equal(broken[1].head, record_head(R_FREE, 128));
	stream_check_release(&check);
}

static void valid_streams_pass_unchanged(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++) {
		struct random_stream s;
		struct stream_check check;
		struct buf copy = {0};

		random_stream_init(&s, seed);
		random_stream_add(&s, 3000);
		buf_append(&copy, s.out.data, s.out.len);
		stream_check_init(&check);
		assert_int_equal(stream_check(&check, random_stream_records(&s),
					      random_stream_count(&s)),
				 random_stream_count(&s));
		assert_int_equal(check.bad_records, 0);
		assert_memory_equal(copy.data, s.out.data, copy.len);
		stream_check_release(&check);
		buf_release(&copy);
		random_stream_release(&s);
	}
}

/* What the header promises, read again by simpler means. */
static void assert_sane(const struct record *records, size_t count)
{
	uint32_t nodes = 0;

	for (size_t i = 0; i < count; i++) {
		const struct record *r = &records[i];
		size_t slots = stream_record_slots(r);

		assert_int_equal(r->head >> 54, 0);
		assert_in_range(slots, 1, count - i);
		for (size_t j = 1; j < slots; j++)
			assert_int_equal(record_kind(&r[j]), R_DATA);
		if (record_kind(r) == R_NODE) {
			assert_in_range(record_a(r), nodes + 1, nodes + STREAM_MOST_MISSING);
			nodes = (uint32_t)record_a(r);
			assert_true(record_low(r) < nodes);
		}
		if (record_kind(r) >= R_ALLOC_MALLOC && record_kind(r) <= R_SMALL_OBJECT)
			assert_true(record_low(r) <= nodes && record_a(r) != 0);
		if (record_kind(r) == R_TEMP)
			assert_true(record_a(r) <= nodes);
		i += slots - 1;
	}
}

static void damage(struct random_stream *s, size_t changes)
{
	struct record *records = random_stream_records(s);

	for (size_t i = 0; i < changes; i++) {
		struct record *r = &records[random_next(s) % random_stream_count(s)];

		switch (random_next(s) % 4) {
		case 0:
			r->head ^= 1ULL << random_next(s) % 64;
			break;
		case 1:
			r->body ^= 1ULL << random_next(s) % 64;
			break;
		case 2:
			*r = (struct record){random_next(s), random_next(s)};
			break;
		default:
			*r = records[random_next(s) % random_stream_count(s)];
		}
	}
}

static void damaged_streams_become_sane(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 60; seed++) {
		struct random_stream s;
		struct stream_check check;
		struct heap heap;
		struct err err;
		size_t whole;

		random_stream_init(&s, seed);
		random_stream_add(&s, 2000);
		damage(&s, 200);
		stream_check_init(&check);
		heap_init(&heap);
		whole = stream_check(&check, random_stream_records(&s),
				     random_stream_count(&s));
		assert_true(check.bad_records > 0);
		assert_sane(random_stream_records(&s), whole);
		heap_apply(&heap, random_stream_records(&s), whole);
		assert_int_equal(heap_check(&heap, &err), 0);
		heap_release(&heap);
		stream_check_release(&check);
		random_stream_release(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_any_length),
		cmocka_unit_test(a_fragment_without_its_beginning),
		cmocka_unit_test(bad_records_become_nothing),
		cmocka_unit_test(an_undefined_stack_costs_the_stack_only),
		cmocka_unit_test(an_audits_pool_takes_its_bits),
		cmocka_unit_test(nodes_stay_in_step),
		cmocka_unit_test(missing_definitions_are_one_mistake),
		cmocka_unit_test(groups_that_are_not_whole),
		cmocka_unit_test(valid_streams_pass_unchanged),
		cmocka_unit_test(damaged_streams_become_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
