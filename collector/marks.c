#include "marks.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

void marks_init(struct marks *marks)
{
	*marks = (struct marks){0};
}

static void mark_release(struct mark *mark)
{
	free(mark->name);
	free(mark->base);
	changes_release(&mark->changes);
	summary_release(&mark->arenas);
}

void marks_release(struct marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		mark_release(&marks->items[i]);
	free(marks->items);
	free(marks->waiting);
	marks_init(marks);
}

/* Never cuts through a UTF-8 character. */
static size_t length_to_keep(const char *name, size_t len)
{
	len = strnlen(name, len);
	if (len <= MARK_NAME_BYTES)
		return len;
	len = MARK_NAME_BYTES;
	while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static char *clean_name(const char *name, size_t len)
{
	size_t kept = len ? length_to_keep(name, len) : 0;
	if (kept == 0)
		return mem_text("mark");

	char *clean = mem_alloc(kept + 1);
	for (size_t i = 0; i < kept; i++) {
		unsigned char c = (unsigned char)name[i];
		clean[i] = c < ' ' || c == 0x7f ? '?' : name[i];
	}
	return clean;
}

static bool is_taken(const struct marks *marks, const char *name)
{
	for (size_t i = 0; i < marks->count; i++) {
		if (strcmp(marks->items[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The latest mark with that base; SIZE_MAX when there is none. */
static size_t last_of_base(const struct marks *marks, size_t before, const char *base)
{
	for (size_t i = before; i-- > 0;) {
		if (strcmp(marks->items[i].base, base) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* A program may call a mark "x#2" itself: numbers are passed over until the name is new. */
static void name_mark(const struct marks *marks, struct mark *mark)
{
	size_t last = last_of_base(marks, marks->count, mark->base);

	mark->ordinal = last == SIZE_MAX ? 1 : marks->items[last].ordinal + 1;
	mark->name = mem_text(mark->base);
	for (;; mark->ordinal++) {
		if (mark->ordinal > 1) {
			struct buf name;
			buf_init(&name);
			buf_printf(&name, "%s#%" PRIu64, mark->base, mark->ordinal);
			buf_u8(&name, 0);
			free(mark->name);
			mark->name = (char *)name.data;
		}
		if (!is_taken(marks, mark->name))
			return;
	}
}

void marks_wait(struct marks *marks, uint32_t stack, uint64_t bytes)
{
	if (marks->waiting_count >= RING_MAX_SIDE_SLOTS)
		return;
	marks->waiting = mem_grow(marks->waiting, &marks->waiting_capacity,
				  marks->waiting_count + 1, sizeof(*marks->waiting));
	marks->waiting[marks->waiting_count++] =
		(struct change){.stack = stack, .live_bytes = bytes, .live_blocks = 1};
}

/* Stacks of waiting blocks: theirs are figures of this mark, and of the next again. */
static void touch_waiting(const struct marks *marks, struct sites *sites)
{
	for (size_t i = 0; i < marks->waiting_count; i++)
		sites_touch(sites, marks->waiting[i].stack);
}

static void add_waiting(const struct marks *marks, struct mark *mark)
{
	for (size_t i = 0; i < marks->waiting_count; i++) {
		const struct change *block = &marks->waiting[i];
		/* It is there: touch_waiting. */
		struct change *change = changes_of(&mark->changes, block->stack);

		change->live_bytes += block->live_bytes;
		change->live_blocks++;
		mark->live_bytes += block->live_bytes;
		mark->live_blocks++;
	}
}

/* Takes a mark out that isn't the last. */
static void drop(struct marks *marks, size_t at)
{
	struct mark *mark = &marks->items[at], *next = mark + 1;

	changes_add_earlier(&next->changes, &mark->changes);
	summary_add_earlier(&next->arenas, &mark->arenas);
	mark_release(mark);
	memmove(&marks->items[at], &marks->items[at + 1],
		(marks->count - at - 1) * sizeof(*marks->items));
	marks->count--;
}

/* One too many: makes room for the newest. */
static void give_way(struct marks *marks)
{
	struct mark *newest = &marks->items[marks->count - 1];
	size_t victim = last_of_base(marks, marks->count - 1, newest->base);

	if (victim != SIZE_MAX) {
		newest->rolled = marks->items[victim].rolled + 1;
		drop(marks, victim);
		return;
	}
	victim = marks->count - 2;
	while (victim > 0 && marks->items[victim].figures.origin == MARK_TRACER)
		victim--;
	marks->merged++;
	drop(marks, victim ? victim : marks->count - 2);
}

static void bound_summaries(struct marks *marks)
{
	size_t bytes = 0;

	for (size_t i = 0; i < marks->count; i++)
		bytes += marks->items[i].arenas.stored_bytes;
	for (size_t i = 0; i + 1 < marks->count && bytes > MARK_SUMMARY_BYTES; i++) {
		struct summary *oldest = &marks->items[i].arenas;

		if (!oldest->holder_count)
			continue;
		bytes -= oldest->stored_bytes;
		summary_strip(oldest);
		bytes += oldest->stored_bytes;
	}
}

void marks_add(struct marks *marks, const struct stream_mark *figures, const char *name,
	       size_t len, struct sites *sites, const struct summary *arenas)
{
	struct mark mark = {
		.base = clean_name(name, len),
		.figures = *figures,
		.live_bytes = sites->live_bytes,
		.live_blocks = sites->live_blocks,
		.arenas = *arenas,
	};

	name_mark(marks, &mark);
	touch_waiting(marks, sites);
	mark.changes = changes_take(sites, SITES_MARKS);
	add_waiting(marks, &mark);
	touch_waiting(marks, sites);
	marks->waiting_count = 0;
	marks->items = mem_grow(marks->items, &marks->capacity, marks->count + 1,
				sizeof(*marks->items));
	marks->items[marks->count++] = mark;
	if (marks->count > MARK_LIMIT)
		give_way(marks);
	bound_summaries(marks);
}

void marks_put_back(struct marks *marks, const struct mark *mark)
{
	marks->items = mem_grow(marks->items, &marks->capacity, marks->count + 1,
				sizeof(*marks->items));
	marks->items[marks->count++] = *mark;
}
