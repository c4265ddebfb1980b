#include "section_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "mem.h"

enum { STORED_STEP_BYTES = 1 << 16, RAW_STEP_BYTES = 1 << 16 };

int section_source_read(const struct section_source *source, uint64_t offset, void *out,
			size_t len, struct err *err)
{
	uint8_t *at = out;

	if (offset > source->len || len > source->len - offset)
		return err_set(err, "%s: %zu bytes at offset %llu reach beyond its end at %llu",
			       source->path, len, (unsigned long long)offset,
			       (unsigned long long)source->len);
	if (source->fd < 0 && len)
		memcpy(out, source->bytes + offset, len);
	while (source->fd >= 0 && len) {
		ssize_t done = pread(source->fd, at, len, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, "%s: can't read %zu bytes at offset %llu: %s",
				       source->path, len, (unsigned long long)offset,
				       done ? strerror(errno) : "the file became shorter");
		at += done;
		len -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int section_damaged(const struct section_source *source, const struct profile_section *section,
		    struct err *err, const char *format, ...)
{
	char what[256], tag[sizeof(section->tag) + 1] = {0};
	va_list args;

	for (size_t i = 0; i < sizeof(section->tag); i++)
		tag[i] = section->tag[i] >= ' ' && section->tag[i] <= '~' ? section->tag[i]
									  : '?';
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return err_set(err, "%s: section %s at offset %llu %s", source->path, tag,
		       (unsigned long long)section->offset, what);
}

/* What one decompression holds. */
struct frame {
	const struct section_source *source;
	const struct profile_section *section;
	struct err *err;
	ZSTD_DCtx *zstd;
	uint8_t *stored; /* STORED_STEP_BYTES */
	ZSTD_inBuffer input;
	uint64_t taken; /* of section->stored_bytes */
	struct buf raw;
	uint64_t raw_bytes; /* that came out so far */
	bool forget;        /* `raw` holds the last step only */
	bool full;   /* the last step ended for want of room: more may come without input */
	size_t hint; /* what zstd returned last; 0: the frame is complete */
};

static void frame_release(struct frame *frame)
{
	ZSTD_freeDCtx(frame->zstd);
	free(frame->stored);
	buf_release(&frame->raw);
}

static int frame_refill(struct frame *frame)
{
	uint64_t left = frame->section->stored_bytes - frame->taken;
	size_t part = left < STORED_STEP_BYTES ? (size_t)left : STORED_STEP_BYTES;

	if (!part)
		return section_damaged(frame->source, frame->section, frame->err,
				       "ends within its zstd frame");
	if (section_source_read(frame->source, frame->section->offset + frame->taken,
				frame->stored, part, frame->err))
		return -1;
	frame->taken += part;
	frame->input = (ZSTD_inBuffer){frame->stored, part, 0};
	return 0;
}

/*
 * Room for the next step, but never more than the entry's claim and one byte that disproves
 * it.
 */
static void frame_make_room(struct frame *frame)
{
	struct buf *raw = &frame->raw;
	uint64_t most = frame->section->raw_bytes + 1;
	uint64_t want = raw->len + (raw->len > RAW_STEP_BYTES ? raw->len : RAW_STEP_BYTES);

	if (frame->forget) {
		raw->len = 0;
		want = RAW_STEP_BYTES;
	}
	if (raw->len == raw->capacity)
		raw->data = mem_grow(raw->data, &raw->capacity,
				     (size_t)(want < most ? want : most), 1);
}

static int frame_step(struct frame *frame)
{
	ZSTD_outBuffer output;
	size_t before;

	if (frame->input.pos == frame->input.size && !frame->full && frame_refill(frame))
		return -1;
	frame_make_room(frame);
	before = frame->raw.len;
	output = (ZSTD_outBuffer){frame->raw.data, frame->raw.capacity, before};
	frame->hint = ZSTD_decompressStream(frame->zstd, &output, &frame->input);
	frame->raw.len = output.pos;
	frame->raw_bytes += output.pos - before;
	frame->full = output.pos == output.size;
	if (ZSTD_isError(frame->hint))
		return section_damaged(frame->source, frame->section, frame->err,
				       "can't be decompressed: %s",
				       ZSTD_getErrorName(frame->hint));
	if (frame->raw_bytes > frame->section->raw_bytes)
		return section_damaged(frame->source, frame->section, frame->err,
				       "has more than the %llu bytes it should have",
				       (unsigned long long)frame->section->raw_bytes);
	return 0;
}

static int frame_read(struct frame *frame)
{
	const struct profile_section *section = frame->section;

	do
		if (frame_step(frame))
			return -1;
	while (frame->hint);
	if (frame->taken < section->stored_bytes || frame->input.pos < frame->input.size)
		return section_damaged(frame->source, section, frame->err,
				       "goes on behind its zstd frame");
	if (frame->raw_bytes != section->raw_bytes)
		return section_damaged(frame->source, section, frame->err,
				       "has %llu bytes in place of %llu",
				       (unsigned long long)frame->raw_bytes,
				       (unsigned long long)section->raw_bytes);
	return 0;
}

static int check_entry(const struct section_source *source,
		       const struct profile_section *section, struct err *err)
{
	if (section->offset > source->len ||
	    section->stored_bytes > source->len - section->offset)
		return section_damaged(source, section, err,
				       "reaches beyond the end of the file at %llu",
				       (unsigned long long)source->len);
	if (section->raw_bytes / PROFILE_MAX_RATIO > section->stored_bytes)
		return section_damaged(
			source, section, err,
			"claims %llu bytes, which %llu compressed ones can't hold",
			(unsigned long long)section->raw_bytes,
			(unsigned long long)section->stored_bytes);
	if (section->raw_bytes > PROFILE_MAX_SECTION_BYTES)
		return section_damaged(
			source, section, err, "claims %llu bytes, more than %llu",
			(unsigned long long)section->raw_bytes, PROFILE_MAX_SECTION_BYTES);
	if (!section->item_bytes || section->item_bytes > PROFILE_MAX_ITEM_BYTES ||
	    section->raw_bytes % section->item_bytes)
		return section_damaged(
			source, section, err, "claims %llu bytes in items of %u bytes",
			(unsigned long long)section->raw_bytes, section->item_bytes);
	return 0;
}

static int read_whole(struct frame *frame)
{
	if (check_entry(frame->source, frame->section, frame->err))
		return -1;
	frame->stored = mem_alloc(STORED_STEP_BYTES);
	frame->zstd = ZSTD_createDCtx();
	if (!frame->zstd)
		return section_damaged(frame->source, frame->section, frame->err,
				       "finds no memory to decompress it");
	ZSTD_DCtx_setParameter(frame->zstd, ZSTD_d_windowLogMax, PROFILE_WINDOW_LOG);
	return frame_read(frame);
}

int section_verify(const struct section_source *source, const struct profile_section *section,
		   struct err *err)
{
	__attribute__((cleanup(frame_release))) struct frame frame = {
		.source = source, .section = section, .err = err, .forget = true};

	buf_init(&frame.raw);
	return read_whole(&frame);
}

int section_read(const struct section_source *source, const struct profile_section *section,
		 struct buf *ret_raw, struct err *err)
{
	__attribute__((cleanup(frame_release))) struct frame frame = {
		.source = source, .section = section, .err = err};

	buf_init(&frame.raw);
	if (read_whole(&frame))
		return -1;
	*ret_raw = frame.raw;
	buf_init(&frame.raw);
	return 0;
}

/* Fits items of another version into the ones that are known here. */
static void *fitted(const struct buf *raw, size_t item_bytes, size_t known_bytes, size_t count)
{
	size_t shared = item_bytes < known_bytes ? item_bytes : known_bytes;
	uint8_t *items = mem_alloc(count * known_bytes);

	for (size_t i = 0; i < count; i++)
		memcpy(items + i * known_bytes, raw->data + i * item_bytes, shared);
	return items;
}

int section_read_items(const struct section_source *source,
		       const struct profile_section *section, size_t known_bytes,
		       void **ret_items, size_t *ret_count, struct err *err)
{
	__attribute__((cleanup(buf_release))) struct buf raw;
	size_t count;

	buf_init(&raw);
	if (section_read(source, section, &raw, err))
		return -1;
	count = raw.len / section->item_bytes;
	if (count > PROFILE_MAX_SECTION_BYTES / known_bytes)
		return section_damaged(source, section, err, "has too many items: %zu", count);
	*ret_count = count;
	*ret_items = NULL;
	if (!count)
		return 0;
	if (section->item_bytes != known_bytes) {
		*ret_items = fitted(&raw, section->item_bytes, known_bytes, count);
		return 0;
	}
	*ret_items = raw.data;
	buf_init(&raw);
	return 0;
}
