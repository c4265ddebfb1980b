/*
 * stream_read.h - bytes of a stream into records that can be relied on.
 *
 * Whoever holds records in memory (a batch from the ring, a decoded journal frame) passes them
 * through a `struct stream_check` in order, once. What it lets through has known kinds,
 * complete R_DATA groups, ids that were defined before their use, and sane lengths; the heap
 * asserts it.
 *
 * A record whose stack is not defined keeps its bytes and loses its stack (0: unknown); a stack
 * node whose parent or code is not defined becomes one of unknown frames: the ids of those
 * after it stay in step. Both are counted as bad.
 */
#ifndef MEMTRACE_STREAM_READ_H
#define MEMTRACE_STREAM_READ_H

#include <stdbool.h>

#include "../preload/stream.h"
#include "buf.h"
#include "err.h"

/*
 * How many slots the record at r takes with the R_DATA that follow it, by its own word: 1 or
 * more, never more than 1 + STREAM_MAX_DATA_SLOTS. R_NONE takes one. 0: this can't begin a
 * record (R_DATA, unknown kind, too long).
 */
size_t stream_record_slots(const struct record *r);

/* Payload bytes of the R_DATA records after r into `out`, at most `len`. */
void stream_payload(const struct record *r, size_t len, void *out);

/*
 * The records that carry a text of `len` bytes, in as many fragments as it takes, appended to
 * `out` as raw records (STREAM_RECORD_BYTES each).
 */
void stream_put_text(struct buf *out, enum record_kind kind, uint32_t id, const void *bytes,
		     size_t len);

/* A record and as many R_DATA as `len` bytes take. */
void stream_put_group(struct buf *out, uint64_t head, uint64_t body, const void *bytes,
		      size_t len);

/* One text (R_CODE, R_THREAD, R_INFO, R_MARK) put together from its fragments. */
struct stream_text {
	enum record_kind kind; /* R_NONE: nothing is being put together */
	uint32_t id;
	uint32_t length;
	struct buf bytes;
};

enum {
	STREAM_MAX_TEXT_BYTES = 64 << 20,
	/* Definitions of nodes and code objects that may be missing in a stream, in all. */
	STREAM_MOST_MISSING = 1 << 20,
};

void stream_text_init(struct stream_text *text);
void stream_text_release(struct stream_text *text);
/*
 * Adds the fragment at r. Returns 1 when the text is complete (bytes.len == length; the next
 * fragment starts anew), 0 when more is to come, -1 when it doesn't fit what came before.
 */
int stream_text_add(struct stream_text *text, const struct record *r, struct err *err);

struct stream_check {
	uint64_t position; /* records seen, for messages */
	uint32_t nodes;    /* ids 1..nodes are defined */
	uint32_t codes;    /* so many ids from STREAM_CODE_FIRST on are complete */
	uint32_t missing;  /* of those, never seen: their slots were lost */
	bool from_ring;    /* R_NONE is bad then, not what was bad before */
	bool begun;        /* something other than definitions and states has been seen */
	uint64_t bad_records;
	struct err first_bad;        /* the first of them */
	struct stream_text texts[4]; /* being put together: code, thread, info, mark */
};

void stream_check_init(struct stream_check *check);
void stream_check_release(struct stream_check *check);
/*
 * Checks `count` records in place. Bad ones are turned into R_NONE (the heap skips those),
 * with the R_DATA that belong to them, and counted, one for each group. Returns how many
 * records from the front form whole groups; the rest, the beginning of a group that isn't
 * complete yet, is to be passed again with what follows.
 */
size_t stream_check(struct stream_check *check, struct record *records, size_t count);

#endif
