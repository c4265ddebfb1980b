#include "stream_read.h"

#include <string.h>

static size_t text_slots(const struct record *r)
{
	return r->head >> 32 & 0xffff;
}

size_t stream_record_slots(const struct record *r)
{
	switch (record_kind(r)) {
	case R_ALLOC_MALLOC:
	case R_ALLOC_MEM:
	case R_ALLOC_OBJECT:
		return record_high(r) == STREAM_SIZE_WIDE ? 2 : 1;
	case R_NODE:
	case R_TEMP_BY:
		return 2;
	case R_CODE:
	case R_THREAD:
	case R_INFO:
	case R_MARK:
	case R_STATE:
		return text_slots(r) <= STREAM_MAX_DATA_SLOTS ? 1 + text_slots(r) : 0;
	case R_RESIDENT:
		return 1 + STREAM_RESIDENT_SLOTS;
	case R_MAPPED:
		return 1 + STREAM_MAPPED_SLOTS;
	case R_AUDIT_POOL:
		return 1 + (record_low(r) >> 24);
	case R_NONE:
	case R_SMALL_MEM:
	case R_SMALL_OBJECT:
	case R_FREE:
	case R_RESTORE:
	case R_TEMP:
	case R_MAP_ANON:
	case R_MAP_FILE:
	case R_UNMAP:
	case R_ARENA:
	case R_ARENA_FREE:
	case R_GC:
	case R_CHECK:
	case R_EXEC:
	case R_FORK:
	case R_END:
	case R_RETAG:
	case R_AUDIT:
	case R_AUDIT_ARENA:
	case R_AUDIT_END:
	case R_TICK:
	case R_LOST:
	case R_DIED:
	case R_COUNTS:
	case R_WAITING:
	case R_THREAD_STACK:
		return 1;
	default:
		return 0;
	}
}

void stream_payload(const struct record *r, size_t len, void *out)
{
	uint8_t *to = out;

	for (size_t done = 0; done < len; done += STREAM_DATA_BYTES) {
		uint8_t bytes[16];
		size_t left = len - done;

		r++;
		memcpy(bytes, &r->head, 6);
		memcpy(bytes + 6, &r->body, 8);
		memcpy(to + done, bytes, left < STREAM_DATA_BYTES ? left : STREAM_DATA_BYTES);
	}
}

static void put_record(struct buf *out, uint64_t head, uint64_t body)
{
	struct record r = {head, body};

	buf_append(out, &r, sizeof(r));
}

static void put_data(struct buf *out, const uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len; done += STREAM_DATA_BYTES) {
		uint8_t slot[16] = {0};
		uint64_t a = 0, b;
		size_t left = len - done;

		memcpy(slot, bytes + done, left < STREAM_DATA_BYTES ? left : STREAM_DATA_BYTES);
		memcpy(&a, slot, 6);
		memcpy(&b, slot + 6, 8);
		put_record(out, record_head(R_DATA, a), b);
	}
}

void stream_put_group(struct buf *out, uint64_t head, uint64_t body, const void *bytes,
		      size_t len)
{
	put_record(out, head, body);
	put_data(out, bytes, len);
}

void stream_put_text(struct buf *out, enum record_kind kind, uint32_t id, const void *bytes,
		     size_t len)
{
	const size_t most = (size_t)STREAM_MAX_DATA_SLOTS * STREAM_DATA_BYTES;
	const uint8_t *from = bytes;

	for (size_t done = 0; done < len; done += most) {
		size_t part = len - done < most ? len - done : most;
		uint64_t slots = (part + STREAM_DATA_BYTES - 1) / STREAM_DATA_BYTES;

		put_record(out, record_head(kind, id | slots << 32),
			   len | (uint64_t)done << 32);
		put_data(out, from + done, part);
	}
}

void stream_text_init(struct stream_text *text)
{
	memset(text, 0, sizeof(*text));
	buf_init(&text->bytes);
}

void stream_text_release(struct stream_text *text)
{
	buf_release(&text->bytes);
}

/* What a fragment must agree with: the text that is being put together, or nothing yet. */
static int text_fits(const struct stream_text *text, const struct record *r, struct err *err)
{
	uint32_t length = record_low(r), offset = record_high(r);

	if (length > STREAM_MAX_TEXT_BYTES)
		return err_set(err, "a text of %u bytes is longer than any", length);
	if (offset >= length || text_slots(r) == 0)
		return err_set(err, "a text's fragment at %u of %u carries nothing", offset,
			       length);
	if (offset == 0)
		return 0;
	if (text->kind != record_kind(r) || text->id != (uint32_t)r->head ||
	    text->length != length)
		return err_set(err, "a text's fragment at %u has no beginning", offset);
	if (text->bytes.len != offset)
		return err_set(err, "a text's fragment is at %u where %zu was due", offset,
			       text->bytes.len);
	return 0;
}

int stream_text_add(struct stream_text *text, const struct record *r, struct err *err)
{
	uint8_t part[STREAM_MAX_DATA_SLOTS * STREAM_DATA_BYTES];
	uint32_t length = record_low(r), offset = record_high(r);
	size_t len = text_slots(r) * STREAM_DATA_BYTES;

	if (text_fits(text, r, err) < 0) {
		text->kind = R_NONE;
		return -1;
	}
	if (offset == 0) {
		text->id = (uint32_t)r->head;
		text->length = length;
		text->bytes.len = 0;
	}
	if (len > length - offset)
		len = length - offset;
	stream_payload(r, len, part);
	buf_append(&text->bytes, part, len);
	text->kind = text->bytes.len == length ? R_NONE : record_kind(r);
	return text->kind == R_NONE;
}
