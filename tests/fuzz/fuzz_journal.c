/*
 * The journal's reader on hostile bytes. An input that begins with the magic is a whole file;
 * of any other a file is built: for each frame two bytes of its record count, two of its
 * length, one that damages its header (0: it is good), then its columns, in a zstd frame with
 * the right checksums. What is decoded goes on through stream_check.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../collector/columns.h"
#include "../../collector/journal.h"
#include "../../collector/journal_sum.h"
#include "../../collector/stream_read.h"
#include "plain_zstd.h"
#include "replay_files.h"

enum { PIECE_HEAD_BYTES = 5, MOST_FRAMES = 64, MOST_FILE_BYTES = 1 << 16 };

struct file {
	uint8_t bytes[MOST_FILE_BYTES];
	size_t len;
};

static void add_header(struct file *file)
{
	struct journal_header header = {.version = JOURNAL_VERSION,
					.header_bytes = sizeof(header),
					.segment = 1,
					.pid = 1};

	memcpy(header.magic, JOURNAL_MAGIC, sizeof(header.magic));
	header.checksum = journal_sum(&header, offsetof(struct journal_header, checksum));
	memcpy(file->bytes, &header, sizeof(header));
	file->len = sizeof(header);
}

/* Takes one piece of the input; returns what it took, 0 where there is none. */
static size_t add_frame(struct file *file, uint64_t sequence, const uint8_t *piece, size_t len)
{
	struct journal_frame frame = {.sequence = sequence};
	size_t content, header_at = file->len;

	if (len < PIECE_HEAD_BYTES || sequence == MOST_FRAMES)
		return 0;
	content = piece[2] | (size_t)piece[3] << 8;
	if (content > len - PIECE_HEAD_BYTES)
		content = len - PIECE_HEAD_BYTES;
	memcpy(frame.magic, JOURNAL_FRAME_MAGIC, sizeof(frame.magic));
	frame.records = piece[0] | (uint32_t)piece[1] << 8;
	frame.raw_bytes = (uint32_t)content;
	file->len += sizeof(frame);
	frame.stored_bytes = (uint32_t)plain_zstd(piece + PIECE_HEAD_BYTES, content,
						  file->bytes + file->len);
	file->len += frame.stored_bytes;
	if (piece[4])
		((uint8_t *)&frame)[piece[4] % offsetof(struct journal_frame, checksum)] ^=
			piece[4];
	frame.checksum = journal_sum(&frame, offsetof(struct journal_frame, checksum));
	memcpy(file->bytes + header_at, &frame, sizeof(frame));
	return PIECE_HEAD_BYTES + content;
}

static void build(struct file *file, const uint8_t *bytes, size_t len)
{
	uint64_t sequence = 0;
	size_t taken;

	add_header(file);
	while ((taken = add_frame(file, sequence, bytes, len)) != 0) {
		bytes += taken;
		len -= taken;
		sequence++;
	}
}

static void read_journal(const char *path)
{
	struct journal_reader *reader;
	struct journal_batch batch;
	struct stream_check check;
	struct err err;

	if (journal_open(path, &reader, &err) < 0)
		return;
	stream_check_init(&check);
	while (journal_next(reader, &batch, &err) > 0)
		stream_check(&check, batch.records, batch.count);
	stream_check_release(&check);
	journal_close(reader);
}

static void read_file(const uint8_t *bytes, size_t len)
{
	char path[] = "/dev/shm/fuzz_journal.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	read_journal(path);
	close(fd);
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const size_t magic_bytes = sizeof(JOURNAL_MAGIC) - 1;
	static struct file file;

	if (len > MOST_FILE_BYTES / 2)
		return 0;
	if (len >= magic_bytes && memcmp(bytes, JOURNAL_MAGIC, magic_bytes) == 0) {
		read_file(bytes, len);
		return 0;
	}
	build(&file, bytes, len);
	read_file(file.bytes, file.len);
	return 0;
}
