/*
 * columns.h - a batch of records as columns of small numbers, which compress well.
 *
 * Layout: COLUMN_COUNT u32 lengths, then the columns, one after the other:
 *
 *	TAG      a byte for each record: 0: the record is in RAW; otherwise its kind and class,
 *	         COLUMN_TAG_PREDICTED set where neither STACK nor SIZE has a number for it
 *	HIT      a byte for each tagged allocation without COLUMN_TAG_PREDICTED: HIT_STACK,
 *	         HIT_SIZE
 *	ADDRESS  varint: address less the last one of the same tag, zigzag; bit 0 of the number
 *	         says that it wasn't divided by 16 before
 *	STACK    varint: stacks that weren't the one that followed the stack before last time;
 *	         R_RETAG counts as an allocation of 0 bytes
 *	SIZE     varint: sizes that weren't the last ones of their stack
 *	FREE     varint: second words of R_FREE that weren't equal to the R_FREE before
 *	RAW      16 bytes each: everything else
 *
 * "Last time" is kept in direct-mapped tables that start empty in each batch, so that a batch
 * is understood without the ones before it. Any checked records come back as they were; any
 * bytes decode to some records or fail.
 */
#ifndef MEMTRACE_COLUMNS_H
#define MEMTRACE_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "../preload/stream.h"
#include "err.h"

enum {
	COLUMNS_MAX_RECORDS = 1 << 15,
	COLUMN_TAGS = 73,
	COLUMN_TAG_PREDICTED = 0x80,
	COLUMNS_PREDICTIONS = 1 << 12,
};

enum column_id {
	COLUMN_TAG,
	COLUMN_HIT,
	COLUMN_ADDRESS,
	COLUMN_STACK,
	COLUMN_SIZE,
	COLUMN_FREE,
	COLUMN_RAW,
	COLUMN_COUNT,
};

enum column_hit { HIT_STACK = 1 << 0, HIT_SIZE = 1 << 1 };

/* What both directions remember while they go through a batch. */
struct columns_memory {
	uint64_t address[COLUMN_TAGS];
	uint64_t free_word;
	uint32_t stack; /* of the allocation before */
	uint32_t next_stack[COLUMNS_PREDICTIONS];
	uint32_t bytes[COLUMNS_PREDICTIONS];
	uint32_t no_bytes; /* 0, unless the bytes are hostile */
};

struct columns {
	struct columns_memory memory;
	/* In one allocation, each with room for the worst batch. */
	uint8_t *column[COLUMN_COUNT];
	uint8_t *storage;
};

void columns_init(struct columns *columns);
void columns_release(struct columns *columns);
/* The most that `count` records take. */
size_t columns_bound(size_t count);
/* `out` has room for columns_bound(count); returns the bytes written. */
size_t columns_encode(struct columns *columns, const struct record *records, size_t count,
		      uint8_t *out);
/* -1: these bytes are not exactly `count` records. */
int columns_decode(struct columns *columns, const uint8_t *bytes, size_t len, size_t count,
		   struct record *ret_records, struct err *err);

#endif
