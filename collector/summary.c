#include "summary.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "mem.h"

/* Arenas begin at pages, blocks have 16 bytes or more. */
enum { PAGE_SHIFT = 12, BLOCK_SHIFT = 4, ZSTD_LEVEL = 1 };

void summary_release(struct summary *summary)
{
	free(summary->stored);
	*summary = (struct summary){0};
}

void summary_draft_init(struct summary_draft *draft)
{
	*draft = (struct summary_draft){0};
	buf_init(&draft->raw);
}

static void put_holder(struct buf *raw, const struct profile_holder *holder)
{
	buf_varint(raw, holder->stack);
	buf_varint(raw, holder->blocks);
	buf_varint(raw, holder->block_bytes >> BLOCK_SHIFT);
	buf_varint(raw, holder->newest);
	buf_varint(raw, (uint64_t)(holder->newest - holder->oldest));
}

void summary_draft_put(struct summary_draft *draft, const struct arena_summary *arena)
{
	struct buf *raw = &draft->raw;

	buf_varint(raw, (arena->address - draft->last_address) >> PAGE_SHIFT);
	draft->last_address = arena->address;
	draft->count++;
	buf_varint(raw, arena->bytes >> PAGE_SHIFT);
	if (!arena->bytes)
		return;
	buf_varint(raw, arena->live_bytes);
	buf_varint(raw, arena->block_bytes >> BLOCK_SHIFT);
	buf_varint(raw, arena->live_blocks);
	buf_varint(raw, arena->pools);
	buf_varint(raw, arena->other_stacks);
	buf_varint(raw, arena->holder_count);
	for (uint32_t i = 0; i < arena->holder_count; i++)
		put_holder(raw, &arena->holders[i]);
	draft->holder_count += arena->holder_count;
}

/* What doesn't become smaller stays as it is. */
static void store(struct summary *summary, const struct buf *raw)
{
	size_t bound = ZSTD_compressBound(raw->len);
	uint8_t *stored = mem_alloc(bound);
	size_t bytes = ZSTD_compress(stored, bound, raw->data, raw->len, ZSTD_LEVEL);

	if (ZSTD_isError(bytes) || bytes >= raw->len) {
		bytes = raw->len;
		memcpy(stored, raw->data, bytes);
	}
	summary->stored = mem_resize(stored, bytes);
	summary->stored_bytes = bytes;
	summary->raw_bytes = raw->len;
}

void summary_draft_finish(struct summary_draft *draft, struct summary *summary)
{
	free(summary->stored);
	summary->stored = NULL;
	summary->stored_bytes = summary->raw_bytes = 0;
	summary->count = draft->count;
	summary->holder_count = draft->holder_count;
	if (draft->count)
		store(summary, &draft->raw);
	buf_release(&draft->raw);
}

void summary_reader_init(struct summary_reader *reader, const struct summary *summary)
{
	*reader = (struct summary_reader){.left = summary->count};
	buf_init(&reader->raw);
	if (!summary->count)
		return;
	reader->raw.data = mem_alloc(summary->raw_bytes);
	reader->raw.len = reader->raw.capacity = summary->raw_bytes;
	if (summary->stored_bytes == summary->raw_bytes)
		memcpy(reader->raw.data, summary->stored, summary->raw_bytes);
	else if (ZSTD_decompress(reader->raw.data, summary->raw_bytes, summary->stored,
				 summary->stored_bytes) != summary->raw_bytes)
		reader->left = 0;
	reader->cursor = cursor_over(reader->raw.data, reader->raw.len);
}

void summary_reader_release(struct summary_reader *reader)
{
	buf_release(&reader->raw);
}

static struct profile_holder next_holder(struct cursor *cursor)
{
	struct profile_holder holder = {0};

	holder.stack = (uint32_t)cursor_varint(cursor);
	holder.blocks = (uint32_t)cursor_varint(cursor);
	holder.block_bytes = (uint32_t)cursor_varint(cursor) << BLOCK_SHIFT;
	holder.newest = (uint16_t)cursor_varint(cursor);
	holder.oldest = (uint16_t)(holder.newest - cursor_varint(cursor));
	return holder;
}

bool summary_reader_next(struct summary_reader *reader, struct arena_summary *ret_arena)
{
	struct cursor *cursor = &reader->cursor;
	struct arena_summary arena = {0};

	if (!reader->left)
		return false;
	reader->left--;
	reader->last_address += cursor_varint(cursor) << PAGE_SHIFT;
	arena.address = reader->last_address;
	arena.bytes = cursor_varint(cursor) << PAGE_SHIFT;
	if (arena.bytes) {
		arena.live_bytes = cursor_varint(cursor);
		arena.block_bytes = cursor_varint(cursor) << BLOCK_SHIFT;
		arena.live_blocks = (uint32_t)cursor_varint(cursor);
		arena.pools = (uint32_t)cursor_varint(cursor);
		arena.other_stacks = (uint32_t)cursor_varint(cursor);
		arena.holder_count = (uint32_t)cursor_varint(cursor);
	}
	for (uint32_t i = 0; i < arena.holder_count && i < PROFILE_MARK_HOLDERS; i++)
		arena.holders[i] = next_holder(cursor);
	*ret_arena = arena;
	return !cursor->failed;
}

void summary_add_earlier(struct summary *to, const struct summary *from)
{
	struct summary_reader earlier, later;
	struct arena_summary a, b;
	struct summary_draft draft;
	bool has_a, has_b;

	summary_draft_init(&draft);
	summary_reader_init(&earlier, from);
	summary_reader_init(&later, to);
	has_a = summary_reader_next(&earlier, &a);
	has_b = summary_reader_next(&later, &b);
	while (has_a || has_b) {
		bool take_b = has_b && (!has_a || b.address <= a.address);
		bool pass_a = has_a && (!has_b || a.address <= b.address);

		summary_draft_put(&draft, take_b ? &b : &a);
		has_b = take_b ? summary_reader_next(&later, &b) : has_b;
		has_a = pass_a ? summary_reader_next(&earlier, &a) : has_a;
	}
	summary_reader_release(&earlier);
	summary_reader_release(&later);
	summary_draft_finish(&draft, to);
}

void summary_strip(struct summary *summary)
{
	struct summary_reader reader;
	struct arena_summary arena;
	struct summary_draft draft;

	summary_draft_init(&draft);
	summary_reader_init(&reader, summary);
	while (summary_reader_next(&reader, &arena)) {
		arena.other_stacks += arena.holder_count;
		arena.holder_count = 0;
		summary_draft_put(&draft, &arena);
	}
	summary_reader_release(&reader);
	summary_draft_finish(&draft, summary);
}

void summary_write(const struct summary *summary, struct buf *out)
{
	struct summary_reader reader;

	summary_reader_init(&reader, summary);
	buf_varint(out, summary->arena_bytes);
	buf_varint(out, summary->arena_count);
	for (size_t i = 1; i <= POOL_CLASSES; i++) {
		buf_varint(out, summary->classes[i].pools);
		buf_varint(out, summary->classes[i].blocks);
	}
	buf_varint(out, summary->count);
	buf_varint(out, reader.raw.len);
	buf_append(out, reader.raw.data, reader.raw.len);
	summary_reader_release(&reader);
}

struct summary summary_read(struct cursor *cursor)
{
	struct summary summary = {.arena_bytes = cursor_varint(cursor),
				  .arena_count = cursor_varint(cursor)};
	struct summary_draft draft;
	struct arena_summary arena;

	for (size_t i = 1; i <= POOL_CLASSES; i++) {
		summary.classes[i].pools = (uint32_t)cursor_varint(cursor);
		summary.classes[i].blocks = (uint32_t)cursor_varint(cursor);
	}
	size_t left = cursor_varint(cursor), len = cursor_varint(cursor);
	const uint8_t *raw = cursor_bytes(cursor, len);
	struct summary_reader reader = {.cursor = cursor_over(raw, raw ? len : 0),
					.left = left};

	summary_draft_init(&draft);
	while (summary_reader_next(&reader, &arena) &&
	       arena.holder_count <= PROFILE_MARK_HOLDERS)
		summary_draft_put(&draft, &arena);
	cursor->failed |= reader.left > 0;
	summary_draft_finish(&draft, &summary);
	return summary;
}
