#include "block_table.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

/* Up to QUICK_SLOTS (12 MiB) speed of growing counts, beyond it memory. */
enum { FIRST_SLOTS = 64, QUICK_SLOTS = 1 << 19 };

void block_table_init(struct block_table *table)
{
	*table = (struct block_table){0};
}

void block_table_release(struct block_table *table)
{
	free(table->slots);
	block_table_init(table);
}

static inline size_t next(const struct block_table *table, size_t at)
{
	return at + 1 == table->capacity ? 0 : at + 1;
}

/* The slot of the address, or the empty one where it would go. */
static inline size_t slot_of(const struct block_table *table, uint64_t address)
{
	size_t at = block_table_home(table, address);
	while (table->slots[at].address != address && table->slots[at].address != 0)
		at = next(table, at);
	return at;
}

static __attribute__((noinline)) void grow(struct block_table *table)
{
	struct block_table old = *table;

	if (old.capacity == 0)
		table->capacity = FIRST_SLOTS;
	else if (old.capacity < QUICK_SLOTS)
		table->capacity = old.capacity * 2;
	else
		table->capacity = old.capacity + old.capacity / 4;
	table->slots = mem_alloc(table->capacity * sizeof(*table->slots));
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.slots[i].address)
			table->slots[slot_of(table, old.slots[i].address)] = old.slots[i];
	}
	free(old.slots);
}

bool block_table_put(struct block_table *table, struct large_block block,
		     struct large_block *ret_old)
{
	assert(block.address != 0);
	if ((table->count + 1) * 4 > table->capacity * 3)
		grow(table);
	struct large_block *slot = &table->slots[slot_of(table, block.address)];
	struct large_block old = *slot;
	*slot = block;
	if (old.address == 0) {
		table->count++;
		return true;
	}
	if (ret_old)
		*ret_old = old;
	return false;
}

const struct large_block *block_table_find(const struct block_table *table, uint64_t address)
{
	if (table->count == 0 || address == 0)
		return NULL;
	const struct large_block *slot = &table->slots[slot_of(table, address)];
	return slot->address ? slot : NULL;
}

static inline size_t distance(const struct block_table *table, size_t from, size_t to)
{
	return to >= from ? to - from : to + table->capacity - from;
}

/* Closes the gap: a later entry of the run moves up unless it would come before its home. */
static void close_gap(struct block_table *table, size_t gap)
{
	size_t at = next(table, gap);

	for (; table->slots[at].address; at = next(table, at)) {
		size_t wanted = block_table_home(table, table->slots[at].address);
		if (distance(table, wanted, at) >= distance(table, gap, at)) {
			table->slots[gap] = table->slots[at];
			gap = at;
		}
	}
	table->slots[gap].address = 0;
}

bool block_table_take(struct block_table *table, uint64_t address,
		      struct large_block *ret_block)
{
	if (table->count == 0 || address == 0)
		return false;
	size_t at = slot_of(table, address);
	if (table->slots[at].address == 0)
		return false;
	*ret_block = table->slots[at];
	close_gap(table, at);
	table->count--;
	return true;
}
