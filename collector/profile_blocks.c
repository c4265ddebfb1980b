/* The columns of live blocks: read on demand, one column at a time. */
#include "profile_read.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

#define RAW __attribute__((cleanup(buf_release))) struct buf

/* A column's bytes; its items have to be of item_bytes, since a column can only be replaced. */
static int read_column(const struct profile *profile, const char *tag, uint32_t item_bytes,
		       struct buf *ret_raw, struct err *err)
{
	const struct profile_section *section = profile_section_of(profile, tag);

	if (!section)
		return err_set(err, "%s: has no section %s in its table at offset %zu",
			       profile->path, tag, sizeof(struct profile_header));
	if (section->item_bytes != item_bytes)
		return section_damaged(&profile->source, section, err,
				       "claims items of %u bytes, not %u", section->item_bytes,
				       item_bytes);
	return section_read(&profile->source, section, ret_raw, err);
}

static int column_damaged(const struct profile *profile, const char *tag, struct err *err)
{
	return section_damaged(&profile->source, profile_section_of(profile, tag), err,
			       "doesn't hold one item for each of %zu blocks",
			       profile->block_count);
}

/* LEB128 numbers in a row: each ends with a byte below 0x80. */
static size_t count_varints(const struct buf *raw)
{
	size_t count = 0;

	for (size_t i = 0; i < raw->len; i++)
		count += raw->data[i] < 0x80;
	return count;
}

static int load_addresses(struct profile *profile, struct err *err)
{
	struct cursor cursor;
	uint64_t last = 0;
	RAW raw;

	buf_init(&raw);
	if (read_column(profile, "BLKA", 1, &raw, err))
		return -1;
	profile->block_count = count_varints(&raw);
	if (profile->block_count > PROFILE_MAX_SECTION_BYTES / sizeof(uint32_t))
		return column_damaged(profile, "BLKA", err);
	profile->blocks = mem_alloc(profile->block_count * sizeof(*profile->blocks));
	cursor = cursor_over(raw.data, raw.len);
	for (size_t i = 0; i < profile->block_count; i++) {
		uint64_t step = cursor_varint(&cursor);

		if (cursor.failed || step > UINT64_MAX / 8 - last)
			return column_damaged(profile, "BLKA", err);
		last += step;
		profile->blocks[i].address = last * 8;
	}
	if (cursor.at != cursor.end)
		return column_damaged(profile, "BLKA", err);
	return 0;
}

static int load_sizes(struct profile *profile, struct err *err)
{
	struct cursor cursor;
	RAW raw;

	buf_init(&raw);
	if (read_column(profile, "BLKZ", 1, &raw, err))
		return -1;
	if (count_varints(&raw) != profile->block_count)
		return column_damaged(profile, "BLKZ", err);
	cursor = cursor_over(raw.data, raw.len);
	for (size_t i = 0; i < profile->block_count; i++)
		profile->blocks[i].bytes = cursor_varint(&cursor);
	if (!cursor.failed && cursor.at == cursor.end)
		return 0;
	for (size_t i = 0; i < profile->block_count; i++)
		profile->blocks[i].bytes = 0;
	return column_damaged(profile, "BLKZ", err);
}

static int load_stacks(struct profile *profile, struct err *err)
{
	RAW raw;

	buf_init(&raw);
	if (read_column(profile, "BLKS", sizeof(uint32_t), &raw, err))
		return -1;
	if (raw.len != profile->block_count * sizeof(uint32_t))
		return column_damaged(profile, "BLKS", err);
	for (size_t i = 0; i < profile->block_count; i++) {
		uint32_t stack;

		memcpy(&stack, raw.data + i * sizeof(stack), sizeof(stack));
		profile->blocks[i].stack = stack <= profile->node_count ? stack : 0;
	}
	return 0;
}

static int load_windows(struct profile *profile, struct err *err)
{
	enum { WINDOW_BITS = 14 };
	RAW raw;

	buf_init(&raw);
	if (read_column(profile, "BLKW", sizeof(uint16_t), &raw, err))
		return -1;
	if (raw.len != profile->block_count * sizeof(uint16_t))
		return column_damaged(profile, "BLKW", err);
	for (size_t i = 0; i < profile->block_count; i++) {
		uint16_t word, window;

		memcpy(&word, raw.data + i * sizeof(word), sizeof(word));
		window = word & ((1 << WINDOW_BITS) - 1);
		profile->blocks[i].window = window < profile->window_count ? window : 0;
		profile->blocks[i].domain = word >> WINDOW_BITS;
	}
	return 0;
}

int profile_load_blocks(struct profile *profile, struct err *err)
{
	struct err problem;

	if (profile->blocks)
		return 0;
	if (load_addresses(profile, err)) {
		free(profile->blocks);
		profile->blocks = NULL;
		profile->block_count = 0;
		return -1;
	}
	if (load_sizes(profile, &problem))
		profile_problem(profile, &problem);
	if (load_stacks(profile, &problem))
		profile_problem(profile, &problem);
	if (load_windows(profile, &problem))
		profile_problem(profile, &problem);
	return 0;
}

void profile_check_blocks(struct profile *profile)
{
	enum { MOST_BYTES = 64 << 20 };
	static const char *const columns[] = {"BLKA", "BLKZ", "BLKS", "BLKW"};
	const struct profile_section *sections[4];
	struct err problem;
	uint64_t bytes = 0;

	for (size_t i = 0; i < 4; i++) {
		sections[i] = profile_section_of(profile, columns[i]);
		if (sections[i] && sections[i]->raw_bytes <= MOST_BYTES)
			bytes += sections[i]->raw_bytes;
		else if (sections[i])
			return;
	}
	for (size_t i = 0; i < 4 && bytes <= MOST_BYTES; i++)
		if (sections[i] && section_verify(&profile->source, sections[i], &problem))
			profile_problem(profile, &problem);
}
