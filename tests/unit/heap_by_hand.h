/*
 * heap_by_hand.h - a small heap that has something in every section of a profile, and the
 * list of its live blocks, kept beside it. For test_profile and for the generator of
 * tests/data/v1.memtrace: a change here needs the golden file made anew under another
 * version's name.
 */
#ifndef MEMTRACE_TESTS_HEAP_BY_HAND_H
#define MEMTRACE_TESTS_HEAP_BY_HAND_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/buf.h"
#include "../../collector/heap.h"
#include "../../collector/profile_write.h"
#include "../../collector/stream_read.h"

struct hand_block {
	uint64_t address, bytes;
	uint32_t stack;
	enum block_domain domain;
};

enum { HAND_BLOCKS = 64 };

struct hand {
	struct heap heap;
	struct buf records;
	struct hand_block blocks[HAND_BLOCKS]; /* live ones, unsorted */
	size_t block_count;
};

static void hand_record(struct hand *hand, enum record_kind kind, uint64_t a, uint64_t b)
{
	struct record r = {record_head(kind, a), b};

	buf_append(&hand->records, &r, sizeof(r));
}

static void hand_data(struct hand *hand, const void *bytes, size_t len)
{
	uint8_t part[16] = {0};
	uint64_t a = 0, b;

	memcpy(part, bytes, len);
	memcpy(&a, part, 6);
	memcpy(&b, part + 6, sizeof(b));
	hand_record(hand, R_DATA, a, b);
}

static void hand_text(struct hand *hand, enum record_kind kind, uint32_t id,
		      const struct buf *text)
{
	uint64_t slots = (text->len + STREAM_DATA_BYTES - 1) / STREAM_DATA_BYTES;

	hand_record(hand, kind, id | slots << 32, text->len);
	for (size_t at = 0; at < text->len; at += STREAM_DATA_BYTES) {
		size_t left = text->len - at;

		hand_data(hand, text->data + at,
			  left < STREAM_DATA_BYTES ? left : STREAM_DATA_BYTES);
	}
}

static void hand_info(struct hand *hand, const char *text)
{
	struct buf bytes;

	buf_init(&bytes);
	buf_append(&bytes, text, strlen(text));
	hand_text(hand, R_INFO, 0, &bytes);
	buf_release(&bytes);
}

static void hand_code(struct hand *hand, uint32_t id, const char *file, const char *name,
		      int32_t first_line)
{
	/* Two code units on the first line, two on the next, two without a line. */
	static const uint8_t table[] = {
		0x80 | 10 << 3 | 1, 0, 4, 0x80 | 11 << 3 | 1, 4, 9, 0xf9};
	struct stream_code code = {first_line,
				   LINETABLE_LOCATIONS,
				   (uint32_t)strlen(file),
				   (uint32_t)strlen(name),
				   sizeof(table),
				   0};
	struct buf bytes;

	buf_init(&bytes);
	buf_append(&bytes, &code, sizeof(code));
	buf_append(&bytes, file, code.file_bytes);
	buf_append(&bytes, name, code.name_bytes);
	buf_append(&bytes, table, sizeof(table));
	hand_text(hand, R_CODE, id, &bytes);
	buf_release(&bytes);
}

static void hand_thread(struct hand *hand, uint32_t slot, uint32_t tid, const char *name)
{
	struct stream_thread thread = {tid, 0};
	struct buf bytes;

	buf_init(&bytes);
	buf_append(&bytes, &thread, sizeof(thread));
	buf_append(&bytes, name, strlen(name));
	hand_text(hand, R_THREAD, slot, &bytes);
	buf_release(&bytes);
}

static void hand_mark(struct hand *hand, const char *name, uint64_t time_ns)
{
	struct stream_mark mark = {.time_ns = time_ns,
				   .rss_bytes = 7 << 20,
				   .pss_bytes = UINT64_MAX,
				   .origin = MARK_PROGRAM};
	struct buf bytes;

	buf_init(&bytes);
	buf_append(&bytes, &mark, sizeof(mark));
	buf_append(&bytes, name, strlen(name));
	hand_text(hand, R_MARK, 0, &bytes);
	buf_release(&bytes);
}

static void hand_node(struct hand *hand, uint32_t id, uint32_t parent, uint32_t code,
		      int32_t instr)
{
	hand_record(hand, R_NODE, id, parent | (uint64_t)code << 32);
	hand_data(hand, &instr, sizeof(instr));
}

static void hand_large(struct hand *hand, enum block_domain domain, uint64_t address,
		       uint64_t bytes, uint32_t stack)
{
	enum record_kind kind = domain == DOMAIN_MALLOC ? R_ALLOC_MALLOC
				: domain == DOMAIN_MEM  ? R_ALLOC_MEM
							: R_ALLOC_OBJECT;
	uint64_t size = bytes < STREAM_SIZE_WIDE ? bytes : STREAM_SIZE_WIDE;

	hand_record(hand, kind, address, stack | size << 32);
	if (size == STREAM_SIZE_WIDE)
		hand_data(hand, &bytes, sizeof(bytes));
	hand->blocks[hand->block_count++] = (struct hand_block){address, bytes, stack, domain};
}

static void hand_small(struct hand *hand, enum block_domain domain, uint64_t address,
		       uint64_t bytes, uint32_t stack)
{
	/* What lies 16 behind a block comes from a debug allocator, which asks for 24 more. */
	uint64_t class = 1 + (bytes + (address % 64 == 0x30 ? 0 : 24) - 1) / 16;

	hand_record(hand, domain == DOMAIN_MEM ? R_SMALL_MEM : R_SMALL_OBJECT, address,
		    stack | bytes << 32 | class << 48);
	hand->blocks[hand->block_count++] = (struct hand_block){address, bytes, stack, domain};
}

static void hand_free(struct hand *hand, size_t index)
{
	hand_record(hand, R_FREE, hand->blocks[index].address, (uint64_t)F_GC << 32);
	hand->blocks[index] = hand->blocks[--hand->block_count];
}

static void hand_definitions(struct hand *hand)
{
	hand_info(hand, "python=3.13.5");
	hand_info(hand, "program=app.py");
	hand_info(hand, "empty=");
	hand_thread(hand, 0, 4711, "MainThread");
	hand_thread(hand, 1, 4712, "worker");
	hand_code(hand, STREAM_CODE_FIRST, "/srv/app.py", "<module>", 1);
	hand_code(hand, STREAM_CODE_FIRST + 1, "/srv/app.py", "Cache.add", 40);
	hand_code(hand, STREAM_CODE_FIRST + 2, "/srv/caf\xc3\xa9.py", "", 1 << 20);
	hand_node(hand, 1, 0, STREAM_CODE_THREAD, 0);
	hand_node(hand, 2, 1, STREAM_CODE_FIRST, 2);
	hand_node(hand, 3, 2, STREAM_CODE_FIRST + 1, 6);
	hand_node(hand, 4, 0, STREAM_CODE_THREAD, 1);
	hand_node(hand, 5, 4, STREAM_CODE_TRUNCATED, 0);
	hand_node(hand, 6, 5, STREAM_CODE_FIRST + 2, -2);
	hand_record(hand, R_CHECK, STREAM_CODE_FIRST + 1, 6 | (uint64_t)41 << 32);
}

static void hand_events(struct hand *hand)
{
	const uint64_t low = 0x100000000,
		       high = 0x7f0000100000; /* arenas; the first isn't aligned */

	hand_mark(hand, "start", 0);
	hand_record(hand, R_ARENA, high, 2 | (uint64_t)(1 << 20) << 32);
	hand_record(hand, R_ARENA, low + 4096, 6 | (uint64_t)(1 << 20) << 32);
	for (uint64_t i = 0; i < 6; i++)
		hand_small(hand, DOMAIN_OBJECT, high + 0x30 + i * 64, 64 - i, 3);
	for (uint64_t i = 0; i < 3; i++)
		hand_small(hand, DOMAIN_MEM, low + 0x4000 + 0x30 + 16 + i * 64, 33, 2);
	hand_large(hand, DOMAIN_MALLOC, high + (2 << 20), 5000, 2);
	hand_large(hand, DOMAIN_MALLOC, 0x10, 0, 6);
	hand_large(hand, DOMAIN_OBJECT, low + (4 << 20), 513, 3);
	hand_large(hand, DOMAIN_MEM, 0x7fffffffff00, (uint64_t)5 << 32, 0);
	hand_record(hand, R_TICK, 1500, 9 << 20);
	hand_mark(hand, "warm", 1500000000);
	hand_small(hand, DOMAIN_OBJECT, high + 0x4000 + 0x30, 8, 6);
	hand_free(hand, 1);
	hand_record(hand, R_TEMP, 3, 4096 | (uint64_t)17 << 40);
	hand_record(hand, R_MAP_ANON, 0x20000000, 2 | (uint64_t)16 << 32);
	hand_record(hand, R_MAP_FILE, 0x30000000, 6 | (uint64_t)4 << 32);
	hand_record(hand, R_UNMAP, 0x20004000, (uint64_t)4 << 32);
	hand_record(hand, R_GC, 1 | R_GC_END, 12);
	hand_record(hand, R_COUNTS, 3, 1000);
	hand_record(hand, R_TICK, 2600, 10 << 20);
	hand_mark(hand, "warm", 2600000000);
	hand_record(hand, R_END, END_EXIT, 3);
}

/* False: the records contradict each other, which would be a mistake of this file. */
static bool hand_init(struct hand *hand)
{
	struct stream_check check;
	struct record *records;
	size_t count;
	bool good;

	memset(hand, 0, sizeof(*hand));
	heap_init(&hand->heap);
	buf_init(&hand->records);
	hand_definitions(hand);
	hand_events(hand);
	records = (struct record *)(void *)hand->records.data;
	count = hand->records.len / sizeof(*records);
	stream_check_init(&check);
	good = stream_check(&check, records, count) == count && !check.bad_records;
	stream_check_release(&check);
	heap_apply(&hand->heap, records, count);
	return good && !heap_check(&hand->heap, NULL);
}

static void hand_release(struct hand *hand)
{
	heap_release(&hand->heap);
	buf_release(&hand->records);
}

static const struct run_identity hand_identity = {
	.run_id = 0x1122334455667788,
	.process_start = 99,
	.start_real_ns = 1700000000000000000,
	.pid = 4711,
	.uid = 1000,
	.slack_bytes = 2048,
};

static const struct run_result hand_result = {
	.bad_records = 5,
	.crash_safe_until_ms = UINT64_MAX,
	.flags = PROFILE_CONSERVED,
};

#endif
