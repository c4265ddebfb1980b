/*
 * random_stream.h - valid streams of every kind of record, the same for the same seed.
 *
 * Blocks are allocated at addresses that are free and freed where they live, so that a heap
 * made of them balances; everything else only has to be well-formed.
 */
#ifndef MEMTRACE_TEST_RANDOM_STREAM_H
#define MEMTRACE_TEST_RANDOM_STREAM_H

#include <string.h>

#include "../../collector/buf.h"
#include "../../collector/stream_read.h"
#include "xorshift.h"

enum { RANDOM_LIVE = 1 << 10 };

struct random_stream {
	struct buf out; /* records, raw */
	uint64_t state;
	uint32_t nodes, codes;
	uint64_t live[RANDOM_LIVE]; /* addresses, 0 where free */
	uint64_t groups;
};

static inline uint64_t random_next(struct random_stream *s)
{
	return xorshift(&s->state);
}

static inline void random_put(struct random_stream *s, uint64_t head, uint64_t body)
{
	struct record r = {head, body};

	buf_append(&s->out, &r, sizeof(r));
}

static inline void random_put_data(struct random_stream *s, uint64_t six, uint64_t eight)
{
	random_put(s, record_head(R_DATA, six), eight);
}

static inline uint32_t random_stack(struct random_stream *s)
{
	return (uint32_t)(random_next(s) % (s->nodes + 1));
}

static inline void random_put_code(struct random_stream *s)
{
	struct {
		struct stream_code code;
		char text[9000];
	} text = {.code = {.first_line = 7, .linetable_kind = LINETABLE_LOCATIONS}};
	uint32_t table = (uint32_t)(random_next(s) % 20 ? random_next(s) % 60 : 8900);

	memcpy(text.text, "a.pyname", 8);
	text.code.file_bytes = text.code.name_bytes = 4;
	text.code.linetable_bytes = table;
	stream_put_text(&s->out, R_CODE, STREAM_CODE_FIRST + s->codes++, &text,
			sizeof(text.code) + 8 + table);
}

static inline void random_put_node(struct random_stream *s)
{
	uint32_t parent = random_stack(s), code = STREAM_CODE_THREAD;

	if (parent)
		code = s->codes ? STREAM_CODE_FIRST + (uint32_t)(random_next(s) % s->codes)
				: STREAM_CODE_TRUNCATED;
	random_put(s, record_head(R_NODE, ++s->nodes), parent | (uint64_t)code << 32);
	random_put_data(s, random_next(s) % 4 * 2, 0);
}

static inline void random_put_text(struct random_stream *s, enum record_kind kind)
{
	struct {
		struct stream_mark mark;
		char name[20];
	} mark = {.mark = {.time_ns = s->groups, .origin = MARK_PROGRAM}, .name = "mark"};
	struct {
		struct stream_thread thread;
		char name[20];
	} thread = {.thread = {.tid = 5}, .name = "worker"};

	if (kind == R_MARK)
		stream_put_text(&s->out, R_MARK, 0, &mark,
				sizeof(mark.mark) + 1 + random_next(s) % 4);
	else if (kind == R_THREAD)
		stream_put_text(&s->out, R_THREAD, (uint32_t)(random_next(s) % 9), &thread,
				sizeof(thread.thread) + random_next(s) % 7);
	else
		stream_put_text(&s->out, R_INFO, 0, "key=value", 4 + random_next(s) % 6);
}

/* A block comes where none is, or the one that is there goes. */
static inline void random_put_block(struct random_stream *s)
{
	uint64_t slot = random_next(s) % RANDOM_LIVE, address = 0x7f0000000000 + slot * 1024;
	uint64_t word = random_stack(s), choice = random_next(s) % 8, bytes;

	if (s->live[slot] && random_next(s) % 8 == 0) {
		random_put(s, record_head(R_RETAG, address), random_stack(s));
		return;
	}
	if (s->live[slot]) {
		s->live[slot] = 0;
		word = random_next(s) % 4 ? 0 : (random_next(s) % 4) << 32 | 3ULL << 40;
		random_put(s, record_head(R_FREE, address), word);
		return;
	}
	s->live[slot] = address;
	bytes = random_next(s) % 5 ? 48 : random_next(s) % 513;
	if (choice < 5) {
		uint64_t class = random_next(s) % 9 ? (bytes + 15) / 16 + !bytes
						    : STREAM_CLASS_KEPT;

		random_put(s, record_head(choice & 1 ? R_SMALL_MEM : R_SMALL_OBJECT, address),
			   word | bytes << 32 | class << 48);
	} else if (random_next(s) % 9) {
		random_put(s, record_head(R_ALLOC_MALLOC + choice - 5, address),
			   word | (random_next(s) % 100000) << 32);
	} else {
		random_put(s, record_head(R_ALLOC_MALLOC + choice - 5, address),
			   word | (uint64_t)STREAM_SIZE_WIDE << 32);
		uint64_t wide = 5ULL << 32;
		random_put_data(s, wide & 0xffffffffffff, wide >> 48);
	}
}

/* Of nothing that lives here: the headers' word against the map's, in pools full and not. */
static inline void random_put_audit(struct random_stream *s)
{
	uint64_t arena = 0x200000000000 + s->groups % 64 * (1 << 20);
	uint64_t pools = random_next(s) % 4;

	random_put(s, record_head(R_AUDIT, random_next(s) % 3), random_next(s) % 3);
	random_put(s, record_head(R_AUDIT_ARENA, arena), pools | 1ULL << 52);
	for (uint64_t i = 0; i < pools; i++) {
		uint64_t data = random_next(s) % 11, class = random_next(s) % 32 + 1;

		random_put(s, record_head(R_AUDIT_POOL, arena + (i << 14)),
			   class | (random_next(s) % 1021 + 1) << 8 | data << 24);
		for (; data > 0; data--)
			random_put_data(s, random_next(s) >> 16, random_next(s));
	}
	if (random_next(s) % 4)
		random_put(s, record_head(R_AUDIT_END, 1), random_next(s) % 100000);
}

static inline void random_put_rare(struct random_stream *s)
{
	uint64_t far = 0x100000000000 + random_next(s) % 64 * (1 << 20);
	uint64_t stack = random_stack(s);

	switch (random_next(s) % 17) {
	case 0:
		random_put(s, record_head(R_TEMP, stack), 64 * 3 | 3ULL << 40);
		return;
	case 1:
		random_put(s, record_head(R_MAP_ANON, far), stack | 16ULL << 32);
		return;
	case 2:
		random_put(s, record_head(R_MAP_FILE, far), stack | 16ULL << 32);
		return;
	case 3:
		random_put(s, record_head(R_UNMAP, far), 8ULL << 32);
		return;
	case 4:
		random_put(s, record_head(R_ARENA, 0x200000000000 + s->groups * (1 << 20)),
			   stack | 1ULL << 52);
		return;
	case 5:
		random_put(s, record_head(R_ARENA_FREE, far), 0);
		return;
	case 6:
		random_put(s, record_head(R_GC, random_next(s) % 3 | R_GC_END), 12);
		return;
	case 7:
		if (s->codes)
			random_put(s, record_head(R_CHECK, STREAM_CODE_FIRST), 7ULL << 32);
		return;
	case 8:
		random_put(s, record_head(R_EXEC, 0), 2);
		return;
	case 9:
		random_put(s, record_head(R_RESTORE, 0x7f0000000008), 3);
		return;
	case 10:
		random_put(s, record_head(R_TICK, s->groups), 1 << 20);
		return;
	case 11:
		random_put(s, record_head(R_COUNTS, 1), 2);
		return;
	case 12:
		random_put(s, record_head(R_LOST, 1), s->groups);
		return;
	case 13:
		random_put_code(s);
		return;
	case 14:
		random_put_audit(s);
		return;
	case 15:
		random_put(s, record_head(R_THREAD_STACK, 1 + random_next(s) % 4096),
			   random_next(s) % 12);
		return;
	default:
		random_put_text(s, R_THREAD + random_next(s) % 3);
		return;
	}
}

static inline void random_stream_add(struct random_stream *s, size_t groups)
{
	for (size_t i = 0; i < groups; i++, s->groups++) {
		uint64_t choice = random_next(s) % 100;

		if (choice < 4)
			random_put_rare(s);
		else if (choice < 8 || s->nodes == 0)
			random_put_node(s);
		else
			random_put_block(s);
	}
}

static inline void random_stream_init(struct random_stream *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->state = seed * 0x9e3779b97f4a7c15ULL | 1;
}

static inline struct record *random_stream_records(const struct random_stream *s)
{
	return (struct record *)(void *)s->out.data;
}

static inline size_t random_stream_count(const struct random_stream *s)
{
	return s->out.len / sizeof(struct record);
}

static inline void random_stream_release(struct random_stream *s)
{
	buf_release(&s->out);
}

#endif
