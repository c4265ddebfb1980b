#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "columns.h"
#include "journal_sum.h"
#include "mem.h"

struct journal_reader {
	int fd;
	char *path;
	struct journal_header header;
	uid_t owner;
	uint64_t offset;   /* of the next frame */
	uint64_t sequence; /* that it must have */
	struct columns columns;
	ZSTD_DCtx *zstd;
	uint8_t *stored;
	size_t stored_room;
	uint8_t *raw;
	size_t raw_room;
	struct record *records;
};

/* Returns the bytes read, fewer than `len` at the end of the file, or -1. */
static ssize_t read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (uint8_t *)bytes + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int check_file(struct journal_reader *reader, struct err *err)
{
	struct stat st;

	if (fstat(reader->fd, &st) < 0)
		return err_set(err, "%s: %m", reader->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s: not a regular file", reader->path);
	reader->owner = st.st_uid;
	return 0;
}

static int read_header(struct journal_reader *reader, struct err *err)
{
	struct journal_header *h = &reader->header;
	ssize_t n = read_at(reader->fd, h, sizeof(*h), 0);

	if (n < 0)
		return err_set(err, "%s: offset 0: %m", reader->path);
	if (n < (ssize_t)sizeof(*h))
		return err_set(err, "%s: %zd bytes are too short for a journal", reader->path,
			       n);
	if (memcmp(h->magic, JOURNAL_MAGIC, sizeof(h->magic)) != 0)
		return err_set(err, "%s: not a journal (offset 0: another magic)",
			       reader->path);
	if (h->version != JOURNAL_VERSION || h->header_bytes != sizeof(*h))
		return err_set(err, "%s: offset 8: journal version %u, this program reads %d",
			       reader->path, h->version, JOURNAL_VERSION);
	if (h->checksum != journal_sum(h, offsetof(struct journal_header, checksum)))
		return err_set(err, "%s: offset 0: the header's checksum is wrong",
			       reader->path);
	reader->offset = sizeof(*h);
	reader->sequence = h->first_sequence;
	return 0;
}

int journal_open(const char *path, struct journal_reader **ret_reader, struct err *err)
{
	struct journal_reader *reader = mem_alloc(sizeof(*reader));

	reader->path = mem_text(path);
	reader->zstd = ZSTD_createDCtx();
	reader->raw_room = columns_bound(COLUMNS_MAX_RECORDS);
	reader->raw = mem_alloc(reader->raw_room);
	reader->stored_room = ZSTD_compressBound(reader->raw_room);
	reader->stored = mem_alloc(reader->stored_room);
	reader->records = mem_alloc(COLUMNS_MAX_RECORDS * sizeof(struct record));
	columns_init(&reader->columns);
	reader->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (reader->fd < 0)
		err_set(err, "%s: %m", path);
	if (reader->fd < 0 || check_file(reader, err) < 0 || read_header(reader, err) < 0) {
		journal_close(reader);
		return -1;
	}
	*ret_reader = reader;
	return 0;
}

void journal_close(struct journal_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	ZSTD_freeDCtx(reader->zstd);
	columns_release(&reader->columns);
	mem_scope(&reader->stored);
	mem_scope(&reader->raw);
	mem_scope(&reader->records);
	mem_scope(&reader->path);
	mem_scope(&reader);
}

const struct journal_header *journal_facts(const struct journal_reader *reader)
{
	return &reader->header;
}

uid_t journal_owner(const struct journal_reader *reader)
{
	return reader->owner;
}

static int bad_frame(const struct journal_reader *reader, const char *why, struct err *err)
{
	return err_set(err, "%s: frame %llu at offset %llu %s", reader->path,
		       (unsigned long long)reader->sequence, (unsigned long long)reader->offset,
		       why);
}

static int check_frame(const struct journal_reader *reader, const struct journal_frame *frame,
		       struct err *err)
{
	if (memcmp(frame->magic, JOURNAL_FRAME_MAGIC, sizeof(frame->magic)) != 0)
		return bad_frame(reader, "has another magic", err);
	if (frame->checksum != journal_sum(frame, offsetof(struct journal_frame, checksum)))
		return bad_frame(reader, "has a wrong checksum", err);
	if (frame->sequence != reader->sequence)
		return bad_frame(reader, "is out of sequence", err);
	if (frame->records > COLUMNS_MAX_RECORDS || frame->raw_bytes > reader->raw_room ||
	    frame->stored_bytes > reader->stored_room)
		return bad_frame(reader, "is larger than any", err);
	return 0;
}

/* 1: a frame's header and content are in memory; 0: the file ends here. */
static int read_frame(struct journal_reader *reader, struct journal_frame *frame,
		      struct err *err)
{
	ssize_t n = read_at(reader->fd, frame, sizeof(*frame), reader->offset);

	if (n == 0)
		return 0;
	if (n < 0)
		return bad_frame(reader, strerrordesc_np(errno), err);
	if (n < (ssize_t)sizeof(*frame))
		return bad_frame(reader, "is cut short", err);
	if (check_frame(reader, frame, err) < 0)
		return -1;
	n = read_at(reader->fd, reader->stored, frame->stored_bytes,
		    reader->offset + sizeof(*frame));
	if (n < (ssize_t)frame->stored_bytes)
		return bad_frame(reader, "is cut short", err);
	return 1;
}

int journal_next(struct journal_reader *reader, struct journal_batch *ret_batch,
		 struct err *err)
{
	struct journal_frame frame;
	int there = read_frame(reader, &frame, err);
	size_t raw;

	if (there <= 0)
		return there;
	raw = ZSTD_decompressDCtx(reader->zstd, reader->raw, reader->raw_room, reader->stored,
				  frame.stored_bytes);
	if (ZSTD_isError(raw))
		return bad_frame(reader, ZSTD_getErrorName(raw), err);
	if (raw != frame.raw_bytes)
		return bad_frame(reader, "has another length than it says", err);
	if (columns_decode(&reader->columns, reader->raw, raw, frame.records, reader->records,
			   err) < 0)
		return err_prefix(err, "%s: frame %llu at offset %llu", reader->path,
				  (unsigned long long)reader->sequence,
				  (unsigned long long)reader->offset);
	*ret_batch = (struct journal_batch){
		.records = reader->records,
		.count = frame.records,
		.ring_before = frame.ring_before,
		.ring_after = frame.ring_after,
		.bad_records = frame.bad_records,
		.sequence = frame.sequence,
		.next_sequence = frame.next_sequence,
		.offset = reader->offset,
	};
	reader->offset += sizeof(frame) + frame.stored_bytes;
	reader->sequence++;
	return 1;
}
