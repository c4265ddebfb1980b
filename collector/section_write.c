#include "section_write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zstd.h>

#include "mem.h"

enum {
	PENDING_BYTES = 1 << 16,
	SPILL_BYTES = 1 << 17,
	/*
	 * Level 3 takes more than twice as long for 2 % less, and a program waits for its end.
	 */
	ZSTD_LEVEL = 1,
	WINDOW_LOG = 17,
};
static const uint64_t SPILL_ROOM_BYTES = (uint64_t)4 << 30;

void section_write_init(struct section_write *section, const char *tag, uint32_t item_bytes)
{
	*section = (struct section_write){.entry.item_bytes = item_bytes, .spill_fd = -1};
	memcpy(section->entry.tag, tag, sizeof(section->entry.tag));
	buf_init(&section->stored);
	section->pending = mem_alloc(PENDING_BYTES);
	section->zstd = ZSTD_createCCtx();
	if (!section->zstd)
		return;
	ZSTD_CCtx_setParameter(section->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	/* Several are open at a time; a longer window costs each of them half a mebibyte. */
	ZSTD_CCtx_setParameter(section->zstd, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(section->zstd, ZSTD_c_checksumFlag, 1);
}

/* The profile itself has to fit as well, and others have their files there. */
static bool has_room(int fd)
{
	struct statvfs disk;

	return fstatvfs(fd, &disk) == 0 &&
	       (uint64_t)disk.f_bavail * disk.f_frsize >= SPILL_ROOM_BYTES;
}

void section_write_spill(struct section_write *section, const char *path)
{
	__attribute__((cleanup(mem_scope))) char *folder = mem_text(path);
	char *slash = strrchr(folder, '/');

	if (slash)
		slash[slash == folder] = '\0';
	section->spill_fd = open(slash ? folder : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (section->spill_fd < 0 || has_room(section->spill_fd))
		return;
	close(section->spill_fd);
	section->spill_fd = -1;
}

void section_write_release(struct section_write *section)
{
	/* A struct of zeroes has no file: 0 is standard input's. */
	if (section->spill_fd > 0)
		close(section->spill_fd);
	ZSTD_freeCCtx(section->zstd);
	buf_release(&section->stored);
	free(section->pending);
	*section = (struct section_write){0};
}

/* As much as the disk takes; the rest stays where it is, and everything behind it. */
static void spill(struct section_write *section)
{
	struct buf *stored = &section->stored;

	if (section->spill_fd < 0 || section->spill_full || stored->len < SPILL_BYTES)
		return;
	ssize_t done = pwrite(section->spill_fd, stored->data, stored->len,
			      (off_t)section->spilled_bytes);

	section->spill_full = done < (ssize_t)stored->len;
	if (done <= 0)
		return;
	memmove(stored->data, stored->data + done, stored->len - (size_t)done);
	stored->len -= (size_t)done;
	section->spilled_bytes += (uint64_t)done;
}

static void compress_pending(struct section_write *section, ZSTD_EndDirective directive)
{
	uint8_t out[1 << 14];
	ZSTD_inBuffer input = {section->pending, section->pending_bytes, 0};
	size_t left;

	section->pending_bytes = 0;
	if (section->zstd_error || !section->zstd)
		return;
	do {
		ZSTD_outBuffer output = {out, sizeof(out), 0};

		left = ZSTD_compressStream2(section->zstd, &output, &input, directive);
		if (ZSTD_isError(left)) {
			section->zstd_error = left;
			return;
		}
		buf_append(&section->stored, out, output.pos);
		spill(section);
	} while (directive == ZSTD_e_end ? left > 0 : input.pos < input.size);
}

void section_write_add(struct section_write *section, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	section->entry.raw_bytes += len;
	while (len) {
		size_t room = PENDING_BYTES - section->pending_bytes;
		size_t part = len < room ? len : room;

		memcpy(section->pending + section->pending_bytes, at, part);
		section->pending_bytes += part;
		at += part;
		len -= part;
		if (section->pending_bytes == PENDING_BYTES)
			compress_pending(section, ZSTD_e_continue);
	}
}

void section_write_varint(struct section_write *section, uint64_t value)
{
	uint8_t bytes[10];
	size_t len = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[len++] = (uint8_t)(value | 0x80);
	bytes[len++] = (uint8_t)value;
	section_write_add(section, bytes, len);
}

/* A finished section keeps its stored bytes, and nothing that compressing needed. */
static void close_frame(struct section_write *section)
{
	section->finished = true;
	section->entry.stored_bytes = section->spilled_bytes + section->stored.len;
	ZSTD_freeCCtx(section->zstd);
	free(section->pending);
	section->zstd = NULL;
	section->pending = NULL;
}

int section_write_finish(struct section_write *section, struct err *err)
{
	if (section->finished)
		return 0;
	if (!section->zstd)
		return err_set(err, "section %.4s: no memory for its compression",
			       section->entry.tag);
	compress_pending(section, ZSTD_e_end);
	if (section->zstd_error)
		return err_set(err, "section %.4s: can't be compressed at raw offset %llu: %s",
			       section->entry.tag, (unsigned long long)section->entry.raw_bytes,
			       ZSTD_getErrorName(section->zstd_error));
	close_frame(section);
	return 0;
}
