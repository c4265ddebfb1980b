/*
 * u64map.h - an open-addressing table from 64-bit keys to 64-bit values.
 *
 * Linear probing with backward-shift deletion, at most 3/4 full, 16 bytes a slot, one cache
 * miss a look-up. Key 0 is reserved for "empty". Pointers to values are good until the next put
 * or remove.
 */
#ifndef MEMTRACE_U64MAP_H
#define MEMTRACE_U64MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct u64map_slot {
	uint64_t key;
	uint64_t value;
};

struct u64map {
	struct u64map_slot *slots;
	size_t count;
	size_t capacity; /* 0 or a power of two */
};

void u64map_init(struct u64map *map);
void u64map_release(struct u64map *map);
uint64_t *u64map_get(const struct u64map *map, uint64_t key); /* NULL when absent */
uint64_t *u64map_put(struct u64map *map, uint64_t key);       /* value 0 when it is new */
bool u64map_remove(struct u64map *map, uint64_t key,
		   uint64_t *ret_value); /* ret_value may be NULL */

#endif
