/*
 * Line tables encoded here from a list of ranges, whose lines are therefore known, and
 * arbitrary bytes in a heap block of their exact size, where a read past the end shows under
 * ASan. (tests/e2e/test_linetable.py compares with the interpreters themselves.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../collector/buf.h"
#include "../../collector/linetable.h"
#include "xorshift.h"

enum { RANGES = 200, FIRST_LINE = 1000 };

struct range {
	int32_t bytes; /* of code */
	int32_t line;  /* LINE_NONE: none */
};

static int32_t random_between(uint64_t *state, int32_t low, int32_t high)
{
	return low + (int32_t)(xorshift(state) % (uint64_t)(high - low + 1));
}

/* Steps of all sizes, so that every form of entry is needed. */
static void make_ranges(uint64_t *state, struct range *ranges, int32_t most_bytes, int32_t step)
{
	int32_t line = FIRST_LINE;

	for (size_t i = 0; i < RANGES; i++) {
		line += i % 3 ? random_between(state, 0, 2)
			      : random_between(state, -step, step);
		ranges[i].bytes = 2 * random_between(state, 1, most_bytes / 2);
		ranges[i].line = i % 7 == 6 ? LINE_NONE : line;
	}
}

/* What a walk over all stretches has seen, against asking for each instruction. */
struct stretches {
	enum linetable_kind kind;
	const void *table;
	size_t len, count;
	int32_t first_line;
	uint64_t at;
	uint32_t columns[8]; /* of the first ones, with the column they begin in as thousands */
};

static void visit_stretch(void *user, const struct linetable_stretch *stretch)
{
	struct stretches *all = user;
	const uint32_t bytes = stretch->bytes;
	const uint64_t last = all->at + (bytes ? bytes - 1 : 0);

	/* Of a table that lies, stretches may be empty, or go beyond any instruction. */
	if (last <= INT32_MAX && (bytes || all->kind == LINETABLE_LNOTAB)) {
		assert_int_equal(linetable_line(all->kind, all->table, all->len,
						all->first_line, (int32_t)all->at),
				 stretch->line);
		assert_int_equal(linetable_line(all->kind, all->table, all->len,
						all->first_line, (int32_t)last),
				 stretch->line);
	}
	if (all->count < 8)
		all->columns[all->count] = stretch->columns
						   ? stretch->column * 1000 + stretch->columns
						   : 0;
	all->count++;
	all->at += bytes;
}

static struct stretches walk(enum linetable_kind kind, const void *table, size_t len,
			     int32_t first_line)
{
	struct stretches all = {
		.kind = kind, .table = table, .len = len, .first_line = first_line};

	linetable_each(kind, table, len, first_line, visit_stretch, &all);
	assert_true(all.count <= len + 1);
	return all;
}

static void assert_ranges(enum linetable_kind kind, const struct buf *table,
			  const struct range *ranges)
{
	int32_t instr = 0;

	for (size_t i = 0; i < RANGES; i++)
		for (int32_t end = instr + ranges[i].bytes; instr < end; instr++)
			assert_int_equal(linetable_line(kind, table->data, table->len,
							FIRST_LINE, instr),
					 ranges[i].line);
	assert_int_equal(linetable_line(kind, table->data, table->len, FIRST_LINE, -2),
			 FIRST_LINE);
	if (kind != LINETABLE_LNOTAB)
		assert_int_equal(walk(kind, table->data, table->len, FIRST_LINE).at, instr);
	else
		walk(kind, table->data, table->len, FIRST_LINE);
	if (kind != LINETABLE_LNOTAB)
		assert_int_equal(
			linetable_line(kind, table->data, table->len, FIRST_LINE, instr),
			LINE_NONE);
}

/* co_lnotab knows no range without a line: those continue the one before. */
static void encode_lnotab(struct buf *out, struct range *ranges)
{
	int32_t line = FIRST_LINE, skip = 0;

	for (size_t i = 0; i < RANGES; i++) {
		int32_t delta;

		if (ranges[i].line == LINE_NONE)
			ranges[i].line = line;
		delta = ranges[i].line - line;
		for (; skip > 255; skip -= 255) {
			buf_u8(out, 255);
			buf_u8(out, 0);
		}
		for (; delta > 127 || delta < -128; skip = 0) {
			int8_t part = delta > 0 ? 127 : -128;

			buf_u8(out, (uint8_t)skip);
			buf_u8(out, (uint8_t)part);
			delta -= part;
		}
		buf_u8(out, (uint8_t)skip);
		buf_u8(out, (uint8_t)(int8_t)delta);
		line = ranges[i].line;
		skip = ranges[i].bytes;
	}
}

static void test_lnotab(void **state)
{
	struct range ranges[RANGES];
	uint64_t seed = 11;
	struct buf table;

	(void)state;
	buf_init(&table);
	make_ranges(&seed, ranges, 700, 400);
	encode_lnotab(&table, ranges);
	assert_ranges(LINETABLE_LNOTAB, &table, ranges);
	/* Behind the last start there is no end. */
	assert_int_equal(
		linetable_line(LINETABLE_LNOTAB, table.data, table.len, FIRST_LINE, INT32_MAX),
		ranges[RANGES - 1].line);
	buf_release(&table);
}

static void encode_310(struct buf *out, const struct range *ranges)
{
	int32_t line = FIRST_LINE;

	for (size_t i = 0; i < RANGES; i++) {
		int32_t left = ranges[i].bytes;
		int32_t delta = ranges[i].line == LINE_NONE ? 0 : ranges[i].line - line;

		for (; delta > 127 || delta < -127;) {
			int8_t part = delta > 0 ? 127 : -127;

			buf_u8(out, 0);
			buf_u8(out, (uint8_t)part);
			delta -= part;
		}
		for (; left > 0; left -= 254) {
			buf_u8(out, (uint8_t)(left < 254 ? left : 254));
			buf_u8(out,
			       ranges[i].line == LINE_NONE ? 0x80 : (uint8_t)(int8_t)delta);
			delta = 0;
		}
		line = ranges[i].line == LINE_NONE ? line : ranges[i].line;
	}
}

static void test_310(void **state)
{
	struct range ranges[RANGES];
	uint64_t seed = 12;
	struct buf table;

	(void)state;
	buf_init(&table);
	make_ranges(&seed, ranges, 700, 400);
	encode_310(&table, ranges);
	assert_ranges(LINETABLE_310, &table, ranges);
	buf_release(&table);
}

static void put_varint(struct buf *out, uint32_t value)
{
	for (; value >= 64; value >>= 6)
		buf_u8(out, (uint8_t)(64 | (value & 63)));
	buf_u8(out, (uint8_t)value);
}

static void put_svarint(struct buf *out, int32_t value)
{
	put_varint(out, value < 0 ? (uint32_t)-value << 1 | 1 : (uint32_t)value << 1);
}

/* One entry of at most 8 units. `spare` chooses between forms that say the same. */
static void put_location(struct buf *out, int32_t units, int32_t line, int32_t delta,
			 uint64_t spare)
{
	uint8_t length = (uint8_t)(units - 1);

	if (line == LINE_NONE) {
		buf_u8(out, 0x80 | 15 << 3 | length);
	} else if (delta == 0 && spare % 2) {
		buf_u8(out,
		       (uint8_t)(0x80 | spare % 10 << 3 | length)); /* short: one byte more */
		buf_u8(out, (uint8_t)(spare % 128));
	} else if (delta >= 0 && delta <= 2) {
		buf_u8(out, (uint8_t)(0x80 | (10 + delta) << 3 | length)); /* two columns */
		buf_u8(out, (uint8_t)(spare % 128));
		buf_u8(out, 127);
	} else if (spare % 2) {
		buf_u8(out, 0x80 | 13 << 3 | length);
		put_svarint(out, delta);
	} else {
		buf_u8(out, 0x80 | 14 << 3 | length);
		put_svarint(out, delta);
		put_varint(out, (uint32_t)(spare % 1000)); /* end line, two columns */
		put_varint(out, (uint32_t)(spare % 70));
		put_varint(out, (uint32_t)(spare % 5000));
	}
}

static void encode_locations(struct buf *out, const struct range *ranges, uint64_t *seed)
{
	int32_t line = FIRST_LINE;

	for (size_t i = 0; i < RANGES; i++) {
		int32_t delta = ranges[i].line == LINE_NONE ? 0 : ranges[i].line - line;

		for (int32_t left = ranges[i].bytes / 2; left > 0; left -= 8) {
			put_location(out, left < 8 ? left : 8, ranges[i].line, delta,
				     xorshift(seed));
			delta = 0;
		}
		line = ranges[i].line == LINE_NONE ? line : ranges[i].line;
	}
}

static void test_locations(void **state)
{
	struct range ranges[RANGES];
	uint64_t seed = 13;
	struct buf table;

	(void)state;
	buf_init(&table);
	make_ranges(&seed, ranges, 60, 100000);
	encode_locations(&table, ranges, &seed);
	assert_ranges(LINETABLE_LOCATIONS, &table, ranges);
	buf_release(&table);
}

static void test_any_bytes(void **state)
{
	uint64_t seed = 14;

	(void)state;
	for (size_t round = 0; round < 20000; round++) {
		size_t len = xorshift(&seed) % 24;
		uint8_t *bytes = malloc(len ? len : 1);

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)(round % 3 ? xorshift(&seed) : 0xff);
		for (unsigned int kind = 0; kind < 6; kind++) {
			int32_t instr = (int32_t)xorshift(&seed);

			linetable_line((enum linetable_kind)kind, bytes, len,
				       (int32_t)xorshift(&seed),
				       round % 2 ? instr : instr % 64);
			walk((enum linetable_kind)kind, bytes, len, instr);
		}
		free(bytes);
	}
}

/* A short entry, one of a line, a long one, a long one over two lines, one without a line. */
static void test_columns(void **state)
{
	static const uint8_t table[] = {
		0x80 | 2 << 3,  0x35,                   /* from column 19 on, 5 of them */
		0x80 | 11 << 3, 4,    11,               /* 4 to 11 */
		0x80 | 14 << 3, 2,    0,  5, 64 | 1, 1, /* 4 to 64 */
		0x80 | 14 << 3, 2,    1,  5, 12,        /* into the next line */
		0x80 | 15 << 3,
	};
	static const uint32_t expected[] = {19005, 4007, 4060, 0, 0};
	const struct stretches all = walk(LINETABLE_LOCATIONS, table, sizeof table, 1);

	(void)state;
	assert_int_equal(all.count, 5);
	assert_memory_equal(all.columns, expected, sizeof expected);
}

static void test_no_table(void **state)
{
	(void)state;
	assert_int_equal(linetable_line(LINETABLE_NONE, NULL, 0, 7, 0), LINE_NONE);
	assert_int_equal(linetable_line(LINETABLE_310, NULL, 0, 7, 0), LINE_NONE);
	assert_int_equal(linetable_line(LINETABLE_LOCATIONS, NULL, 0, 7, 0), LINE_NONE);
	assert_int_equal(linetable_line(LINETABLE_LNOTAB, NULL, 0, 7, 100), 7);
	assert_int_equal(linetable_line(LINETABLE_NONE, NULL, 0, 7, -1), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lnotab),    cmocka_unit_test(test_310),
		cmocka_unit_test(test_locations), cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_columns),   cmocka_unit_test(test_no_table),
	};

	return cmocka_run_group_tests_name("linetable", tests, NULL, NULL);
}
