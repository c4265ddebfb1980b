/*
 * A profile's reader on hostile bytes. An input that begins with the magic is a whole file,
 * tried as it is and with the checksum that it should have, since guessing that would keep the
 * fuzzer from everything behind it. Any other is a row of sections, from which a file is built
 * around them: for each one byte that chooses the tag, two of its item size less one, one of
 * its length in units of four, then the content.
 */
#include <stdint.h>

#include "../unit/profile_promises.h"
#include "plain_zstd.h"
#include "replay_files.h"

enum {
	MOST_SECTIONS = 32,
	PIECE_HEAD_BYTES = 4,
	PIECE_UNIT_BYTES = 4,
	MOST_FILE_BYTES = 1 << 16,
};

struct shape {
	const char *tag;
	uint16_t item_bytes; /* 0 as an input's item size stands for it */
};

/* Inputs choose by number: new ones go to the end. */
static const struct shape shapes[] = {
	{"RUN_", sizeof(struct profile_run)},
	{"INFO", 1},
	{"STRS", 1},
	{"LTAB", 1},
	{"CODE", sizeof(struct profile_code)},
	{"NODE", sizeof(struct profile_node)},
	{"THRD", sizeof(struct profile_thread)},
	{"SITE", sizeof(struct profile_site)},
	{"MARK", sizeof(struct profile_mark)},
	{"CHNG", sizeof(struct profile_change)},
	{"WIND", sizeof(struct profile_window)},
	{"ARNA", sizeof(struct profile_arena)},
	{"POOL", sizeof(struct profile_pool)},
	{"MAPS", sizeof(struct profile_mapping)},
	{"BLKA", 1},
	{"BLKZ", 1},
	{"BLKS", sizeof(uint32_t)},
	{"BLKW", sizeof(uint16_t)},
	{"PINS", sizeof(struct profile_pin)},
	{"AMRK", sizeof(struct profile_arena_mark)},
	{"HOLD", sizeof(struct profile_holder)},
	{"MCLS", sizeof(struct profile_mark_class)},
	{"AUDT", sizeof(struct profile_audit)},
	{"AUDD", sizeof(struct profile_audit_difference)},
	{"RSET", sizeof(struct stream_resident)},
	{"RMAP", sizeof(struct stream_mapped)},
	{"PNTS", sizeof(struct profile_point)},
	{"PCHG", sizeof(struct profile_point_change)},
	{"LIFE", sizeof(struct profile_lifetime)},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

struct built {
	struct profile_header header;
	struct profile_section table[MOST_SECTIONS];
	uint8_t rest[MOST_FILE_BYTES];
};

/* Takes one piece of the input; returns what it took, 0 where there is none. */
static size_t add_section(struct built *built, size_t *rest_len, const uint8_t *piece,
			  size_t len)
{
	struct profile_section *section;
	const struct shape *shape;
	unsigned item_bytes;
	size_t content;

	if (len < PIECE_HEAD_BYTES || built->header.section_count == MOST_SECTIONS)
		return 0;
	shape = &shapes[piece[0] % SHAPES];
	item_bytes = piece[1] | (unsigned)piece[2] << 8;
	if (item_bytes == 0)
		item_bytes = shape->item_bytes;
	content = piece[3] * (size_t)PIECE_UNIT_BYTES;
	if (content > len - PIECE_HEAD_BYTES)
		content = len - PIECE_HEAD_BYTES;
	section = &built->table[built->header.section_count++];
	memcpy(section->tag, shape->tag, sizeof(section->tag));
	section->item_bytes = item_bytes;
	section->offset = offsetof(struct built, rest) + *rest_len;
	section->stored_bytes = plain_zstd(piece + PIECE_HEAD_BYTES, content,
					   built->rest + *rest_len);
	section->raw_bytes = content;
	*rest_len += section->stored_bytes;
	return PIECE_HEAD_BYTES + content;
}

static void try_sections(const uint8_t *data, size_t size)
{
	static struct built built;
	size_t rest_len = 0, taken;

	if (size > MOST_FILE_BYTES / 2)
		return;
	memset(&built, 0, offsetof(struct built, rest));
	memcpy(built.header.magic, PROFILE_MAGIC, sizeof(built.header.magic));
	built.header.version = PROFILE_VERSION;
	built.header.table_offset = offsetof(struct built, table);
	while ((taken = add_section(&built, &rest_len, data, size)) != 0) {
		data += taken;
		size -= taken;
	}
	built.header.file_bytes = offsetof(struct built, rest) + rest_len;
	built.header.checksum = profile_checksum(&built.header, built.table);
	promises_kept("fuzz", &built, built.header.file_bytes);
}

static void try_with_checksum(const uint8_t *data, size_t size)
{
	uint8_t *copy = mem_copy(data, size);
	struct profile_header *header = (struct profile_header *)(void *)copy;

	if (header->section_count <= PROFILE_MAX_SECTIONS && header->table_offset % 8 == 0 &&
	    header->table_offset <= size &&
	    header->section_count * sizeof(struct profile_section) <=
		    size - header->table_offset) {
		header->checksum =
			profile_checksum(header, (const void *)(copy + header->table_offset));
		promises_kept("fuzz", copy, size);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t magic_bytes = sizeof(PROFILE_MAGIC) - 1;

	if (size < magic_bytes || memcmp(data, PROFILE_MAGIC, magic_bytes) != 0) {
		try_sections(data, size);
		return 0;
	}
	promises_kept("fuzz", data, size);
	if (size >= sizeof(struct profile_header))
		try_with_checksum(data, size);
	return 0;
}
