/*
 * block_table.h - live blocks that pools don't serve, by address.
 *
 * Open addressing, linear probing, backward-shift deletion. 24 bytes a slot, at most 3/4 full.
 * A small table doubles, a large one grows by a quarter: 32 to 40 bytes a block. Slots lie in
 * order of their hash, so growing reads and writes in order.
 */
#ifndef MEMTRACE_BLOCK_TABLE_H
#define MEMTRACE_BLOCK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum block_domain { DOMAIN_MALLOC = 0, DOMAIN_MEM = 1, DOMAIN_OBJECT = 2, DOMAIN_MAPPING = 3 };

struct large_block {
	uint64_t address; /* 0: empty slot */
	uint64_t bytes;   /* requested */
	uint32_t stack;
	uint32_t window : 14;
	uint32_t domain : 2; /* enum block_domain */
	uint32_t reserved : 16;
};
_Static_assert(sizeof(struct large_block) == 24, "24 bytes a slot");

struct block_table {
	struct large_block *slots;
	size_t count;
	size_t capacity;
};

void block_table_init(struct block_table *table);
void block_table_release(struct block_table *table);
/*
 * False, with what was there in *ret_old (may be NULL): the address was live; it is replaced.
 * The address is not 0.
 */
bool block_table_put(struct block_table *table, struct large_block block,
		     struct large_block *ret_old);
bool block_table_take(struct block_table *table, uint64_t address,
		      struct large_block *ret_block);
const struct large_block *block_table_find(const struct block_table *table, uint64_t address);
/* The hash as a fraction of 1, times the capacity: any capacity will do, and order is kept. */
static inline size_t block_table_home(const struct block_table *table, uint64_t address)
{
	uint64_t hash = address * 0x9e3779b97f4a7c15u;
	return (size_t)((unsigned __int128)hash * table->capacity >> 64);
}

/* Asks for the memory that the next call will need; always inline as in arena_map.h. */
static inline __attribute__((always_inline)) void
block_table_prefetch(const struct block_table *table, uint64_t address)
{
	if (table->capacity)
		__builtin_prefetch(&table->slots[block_table_home(table, address)], 1);
}

#endif
