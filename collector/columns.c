#include "columns.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "mem.h"

/*
 * Tags: 0 raw; then 33 classes (1..32, and one for STREAM_CLASS_KEPT) for either domain of
 * small blocks; the three kinds of large ones; R_FREE with the second word of the last, and
 * with another; R_RETAG.
 */
enum {
	TAG_RAW = 0,
	TAG_SMALL_MEM = 1,
	TAG_SMALL_OBJECT = 34,
	TAG_ALLOC = 67,
	TAG_FREE_SAME = 70,
	TAG_FREE_OTHER = 71,
	TAG_RETAG = 72,
	SMALL_TAGS = 33,
	HEADER_BYTES = COLUMN_COUNT * 4,
};
static const uint64_t ADDRESS_MASK = 0xffffffffffffULL;

/* The longest that one record can add to each column. */
static const uint8_t column_widths[COLUMN_COUNT] = {1, 1, 10, 5, 5, 10, 16};
enum { RECORD_MOST_BYTES = 1 + 1 + 10 + 5 + 5 };

void columns_init(struct columns *columns)
{
	size_t total = 0, at = 0;

	for (size_t i = 0; i < COLUMN_COUNT; i++)
		total += column_widths[i];
	columns->storage = mem_alloc(total * COLUMNS_MAX_RECORDS);
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		columns->column[i] = columns->storage + at * COLUMNS_MAX_RECORDS;
		at += column_widths[i];
	}
}

void columns_release(struct columns *columns)
{
	mem_scope(&columns->storage);
	columns->storage = NULL;
}

size_t columns_bound(size_t count)
{
	return HEADER_BYTES + count * RECORD_MOST_BYTES;
}

static inline uint32_t prediction(uint32_t stack)
{
	return stack % COLUMNS_PREDICTIONS;
}

static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

/* Block addresses differ by multiples of 16, others by anything. */
static inline uint64_t pack_delta(uint64_t delta)
{
	uint64_t odd = (delta & 15) != 0;
	uint64_t value = odd ? delta : (uint64_t)((int64_t)delta >> 4);

	return (value << 1 ^ (uint64_t)((int64_t)value >> 63)) << 1 | odd;
}

static inline uint64_t unpack_delta(uint64_t packed)
{
	uint64_t zigzag = packed >> 1;
	uint64_t value = zigzag >> 1 ^ -(zigzag & 1);

	return packed & 1 ? value : value << 4;
}

/* Small blocks whose word has nothing but class, size and stack in it; else TAG_RAW. */
static inline unsigned small_tag(const struct record *r)
{
	unsigned base = record_kind(r) == R_SMALL_MEM ? TAG_SMALL_MEM : TAG_SMALL_OBJECT;
	unsigned class = (unsigned)(r->body >> 48);

	if (class == STREAM_CLASS_KEPT)
		return base + SMALL_TAGS - 1;
	return class - 1 < SMALL_TAGS - 1 ? base + class - 1 : TAG_RAW;
}

static inline unsigned record_tag(const struct record *r, uint64_t free_word)
{
	if (r->head >> 54)
		return TAG_RAW;
	switch (record_kind(r)) {
	case R_SMALL_MEM:
	case R_SMALL_OBJECT:
		return small_tag(r);
	case R_ALLOC_MALLOC:
	case R_ALLOC_MEM:
	case R_ALLOC_OBJECT:
		return record_high(r) == STREAM_SIZE_WIDE
			       ? TAG_RAW
			       : TAG_ALLOC + (unsigned)record_kind(r) - R_ALLOC_MALLOC;
	case R_FREE:
		return r->body == free_word ? TAG_FREE_SAME : TAG_FREE_OTHER;
	case R_RETAG:
		return record_high(r) ? TAG_RAW : TAG_RETAG;
	default:
		return TAG_RAW;
	}
}

static inline bool tag_is_free(unsigned tag)
{
	return tag == TAG_FREE_SAME || tag == TAG_FREE_OTHER;
}

/* What the stack asked for last; a retag asks for nothing, and is no prediction for others. */
static inline uint32_t *last_bytes(struct columns_memory *memory, unsigned tag, uint32_t stack)
{
	return tag == TAG_RETAG ? &memory->no_bytes : &memory->bytes[prediction(stack)];
}

/* Where each column is being written, or read up to its end. */
struct columns_at {
	uint8_t *tag, *hit, *address, *stack, *size, *free, *raw;
};

static inline uint8_t put_stack_and_size(struct columns_memory *memory, struct columns_at *at,
					 const struct record *r, unsigned tag)
{
	uint32_t stack = record_low(r);
	uint32_t bytes = tag < TAG_ALLOC ? (uint32_t)(r->body >> 32 & 0xffff) : record_high(r);
	uint32_t *next = &memory->next_stack[prediction(memory->stack)];
	uint32_t *last = last_bytes(memory, tag, stack);
	unsigned hit = (*next == stack ? HIT_STACK : 0) | (*last == bytes ? HIT_SIZE : 0);

	memory->stack = stack;
	if (hit == (HIT_STACK | HIT_SIZE))
		return COLUMN_TAG_PREDICTED;
	*at->hit++ = (uint8_t)hit;
	if (!(hit & HIT_STACK))
		at->stack = put_varint(at->stack, stack);
	if (!(hit & HIT_SIZE))
		at->size = put_varint(at->size, bytes);
	*next = stack;
	*last = bytes;
	return 0;
}

static inline void put_one(struct columns_memory *memory, struct columns_at *at,
			   const struct record *r)
{
	unsigned tag = record_tag(r, memory->free_word);
	/* All frees are neighbours of one another, whatever their second word. */
	uint64_t *last = &memory->address[tag == TAG_FREE_OTHER ? TAG_FREE_SAME : tag];
	uint64_t address = record_a(r);
	uint8_t predicted = 0;

	if (tag == TAG_RAW) {
		*at->tag++ = TAG_RAW;
		memcpy(at->raw, r, sizeof(*r));
		at->raw += sizeof(*r);
		return;
	}
	at->address = put_varint(at->address, pack_delta(address - *last));
	*last = address;
	if (tag == TAG_FREE_OTHER) {
		at->free = put_varint(at->free, r->body);
		memory->free_word = r->body;
	} else if (!tag_is_free(tag)) {
		predicted = put_stack_and_size(memory, at, r, tag);
	}
	*at->tag++ = (uint8_t)tag | predicted;
}

size_t columns_encode(struct columns *columns, const struct record *records, size_t count,
		      uint8_t *out)
{
	uint8_t **column = columns->column;
	struct columns_at at = {column[COLUMN_TAG],     column[COLUMN_HIT],
				column[COLUMN_ADDRESS], column[COLUMN_STACK],
				column[COLUMN_SIZE],    column[COLUMN_FREE],
				column[COLUMN_RAW]};
	size_t len = HEADER_BYTES;

	assert(count <= COLUMNS_MAX_RECORDS);
	memset(&columns->memory, 0, sizeof(columns->memory));
	for (size_t i = 0; i < count; i++)
		put_one(&columns->memory, &at, &records[i]);

	uint8_t *const ends[COLUMN_COUNT] = {at.tag,  at.hit,  at.address, at.stack,
					     at.size, at.free, at.raw};
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		uint32_t bytes = (uint32_t)(ends[i] - column[i]);

		memcpy(out + i * 4, &bytes, 4);
		memcpy(out + len, column[i], bytes);
		len += bytes;
	}
	return len;
}

/* A column that is being read: numbers past its end are 0 and leave `failed` behind. */
struct column_in {
	const uint8_t *at, *end;
	bool failed;
};

static inline uint64_t take_varint(struct column_in *in)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		uint8_t byte = *in->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	in->failed = true;
	return 0;
}

static inline uint8_t take_byte(struct column_in *in)
{
	if (in->at < in->end)
		return *in->at++;
	in->failed = true;
	return 0;
}

static inline void take_raw(struct column_in *in, struct record *ret)
{
	if ((size_t)(in->end - in->at) < sizeof(*ret)) {
		in->failed = true;
		memset(ret, 0, sizeof(*ret));
		return;
	}
	memcpy(ret, in->at, sizeof(*ret));
	in->at += sizeof(*ret);
}

static inline uint64_t small_body(unsigned tag)
{
	unsigned class = (tag - TAG_SMALL_MEM) % SMALL_TAGS + 1;

	return (uint64_t)(class == SMALL_TAGS ? STREAM_CLASS_KEPT : class) << 48;
}

static inline uint64_t take_body(struct columns_memory *memory,
				 struct column_in in[COLUMN_COUNT], unsigned tag,
				 bool predicted)
{
	unsigned hit = predicted ? HIT_STACK | HIT_SIZE : take_byte(&in[COLUMN_HIT]);
	uint32_t *next = &memory->next_stack[prediction(memory->stack)];
	uint32_t stack = hit & HIT_STACK ? *next : (uint32_t)take_varint(&in[COLUMN_STACK]);
	uint32_t *last = last_bytes(memory, tag, stack);
	uint32_t bytes = hit & HIT_SIZE ? *last : (uint32_t)take_varint(&in[COLUMN_SIZE]);

	memory->stack = stack;
	*next = stack;
	*last = bytes;
	if (tag >= TAG_ALLOC)
		return stack | (uint64_t)bytes << 32;
	return stack | (uint64_t)(bytes & 0xffff) << 32 | small_body(tag);
}

static inline enum record_kind tag_kind(unsigned tag)
{
	if (tag_is_free(tag))
		return R_FREE;
	if (tag == TAG_RETAG)
		return R_RETAG;
	if (tag >= TAG_ALLOC)
		return R_ALLOC_MALLOC + (tag - TAG_ALLOC);
	return tag >= TAG_SMALL_OBJECT ? R_SMALL_OBJECT : R_SMALL_MEM;
}

static inline bool take_one(struct columns_memory *memory, struct column_in in[COLUMN_COUNT],
			    struct record *ret)
{
	unsigned byte = take_byte(&in[COLUMN_TAG]),
		 tag = byte & ~(unsigned)COLUMN_TAG_PREDICTED;
	uint64_t *last;

	if (tag >= COLUMN_TAGS)
		return false;
	if (tag == TAG_RAW) {
		take_raw(&in[COLUMN_RAW], ret);
		return true;
	}
	last = &memory->address[tag == TAG_FREE_OTHER ? TAG_FREE_SAME : tag];
	*last = (*last + unpack_delta(take_varint(&in[COLUMN_ADDRESS]))) & ADDRESS_MASK;
	ret->head = record_head(tag_kind(tag), *last);
	if (tag == TAG_FREE_OTHER)
		memory->free_word = take_varint(&in[COLUMN_FREE]);
	ret->body = tag_is_free(tag) ? memory->free_word
				     : take_body(memory, in, tag, byte & COLUMN_TAG_PREDICTED);
	return true;
}

static int open_columns(const uint8_t *bytes, size_t len, struct column_in ret[COLUMN_COUNT],
			struct err *err)
{
	size_t at = HEADER_BYTES;

	if (len < HEADER_BYTES)
		return err_set(err, "%zu bytes are too short for columns", len);
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		uint32_t column_bytes;

		memcpy(&column_bytes, bytes + i * 4, 4);
		if (column_bytes > len - at)
			return err_set(err, "column %zu of %u bytes runs past the end", i,
				       column_bytes);
		ret[i] = (struct column_in){bytes + at, bytes + at + column_bytes, false};
		at += column_bytes;
	}
	if (at != len)
		return err_set(err, "%zu bytes are left behind the columns", len - at);
	return 0;
}

int columns_decode(struct columns *columns, const uint8_t *bytes, size_t len, size_t count,
		   struct record *ret_records, struct err *err)
{
	struct column_in in[COLUMN_COUNT];

	if (open_columns(bytes, len, in, err) < 0)
		return -1;
	memset(&columns->memory, 0, sizeof(columns->memory));
	for (size_t i = 0; i < count; i++)
		if (!take_one(&columns->memory, in, &ret_records[i]))
			return err_set(err, "record %zu has an unknown tag", i);
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (in[i].failed || in[i].at != in[i].end)
			return err_set(err, "column %zu doesn't hold the %zu records", i,
				       count);
	return 0;
}
