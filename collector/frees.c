#include "frees.h"

#include <stdlib.h>

#include "mem.h"

void frees_init(struct frees *frees)
{
	*frees = (struct frees){0};
	u64map_init(&frees->index);
}

void frees_release(struct frees *frees)
{
	u64map_release(&frees->index);
	free(frees->items);
	frees_init(frees);
}

/* 0 is no key; the last stack there can be is no stack's. */
static uint64_t key_of(uint32_t stack, uint32_t by)
{
	return ((uint64_t)by << 32 | stack) + 1;
}

static struct profile_freed *find(const struct frees *frees, uint32_t stack, uint32_t by)
{
	const uint64_t *index = u64map_get(&frees->index, key_of(stack, by));

	return index ? &frees->items[*index - 1] : NULL;
}

static struct profile_freed *add(struct frees *frees, uint32_t stack, uint32_t by)
{
	frees->items = mem_grow(frees->items, &frees->capacity, frees->count + 1,
				sizeof(*frees->items));
	frees->items[frees->count] = (struct profile_freed){.stack = stack, .by = by};
	*u64map_put(&frees->index, key_of(stack, by)) = ++frees->count;
	return &frees->items[frees->count - 1];
}

static struct profile_freed *find_or_add(struct frees *frees, uint32_t stack, uint32_t by)
{
	struct profile_freed *item = find(frees, stack, by);

	if (item)
		return item;
	if (frees->count >= FREES_MOST_PAIRS && by != PROFILE_OTHER_STACKS)
		return find_or_add(frees, stack, PROFILE_OTHER_STACKS);
	return add(frees, stack, by);
}

struct profile_freed frees_block(uint32_t stack, uint32_t by, uint32_t flags, uint64_t bytes,
				 uint64_t blocks)
{
	bool in_gc = flags & F_GC, moved = flags & F_REALLOC;

	return (struct profile_freed){
		.stack = stack,
		.by = by,
		.blocks = blocks,
		.bytes = bytes,
		.gc_blocks = in_gc ? blocks : 0,
		.gc_bytes = in_gc ? bytes : 0,
		.moved_blocks = moved ? blocks : 0,
		.moved_bytes = moved ? bytes : 0,
	};
}

void frees_note(struct frees *frees, const struct profile_freed *sum)
{
	struct profile_freed *item = find_or_add(frees, sum->stack, sum->by);

	item->blocks += sum->blocks;
	item->bytes += sum->bytes;
	item->gc_blocks += sum->gc_blocks;
	item->gc_bytes += sum->gc_bytes;
	item->moved_blocks += sum->moved_blocks;
	item->moved_bytes += sum->moved_bytes;
	frees->blocks += sum->blocks;
	frees->bytes += sum->bytes;
}

void frees_take_back(struct frees *frees, const struct profile_freed *sum)
{
	struct profile_freed *item = find(frees, sum->stack, sum->by);

	if (!item)
		item = find(frees, sum->stack, PROFILE_OTHER_STACKS);
	if (!item)
		return;
	item->blocks -= sum->blocks;
	item->bytes -= sum->bytes;
	item->gc_blocks -= sum->gc_blocks;
	item->gc_bytes -= sum->gc_bytes;
	item->moved_blocks -= sum->moved_blocks;
	item->moved_bytes -= sum->moved_bytes;
	frees->blocks -= sum->blocks;
	frees->bytes -= sum->bytes;
}

static int by_stacks(const void *left, const void *right)
{
	const struct profile_freed *a = left, *b = right;

	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	return (a->by > b->by) - (a->by < b->by);
}

struct profile_freed *frees_sorted(const struct frees *frees)
{
	size_t bytes = frees->count * sizeof(*frees->items);
	struct profile_freed *items = bytes ? mem_copy(frees->items, bytes) : mem_alloc(0);

	qsort(items, frees->count, sizeof(*items), by_stacks);
	return items;
}
