#include "u64map.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

enum { FIRST_SLOTS = 16 };

void u64map_init(struct u64map *map)
{
	*map = (struct u64map){0};
}

void u64map_release(struct u64map *map)
{
	free(map->slots);
	u64map_init(map);
}

/* Both halves of the product: keys that differ in their low or high bits only still spread. */
static size_t home(const struct u64map *map, uint64_t key)
{
	unsigned __int128 product = (unsigned __int128)key * 0x9e3779b97f4a7c15u;
	return ((uint64_t)(product >> 64) ^ (uint64_t)product >> 17) & (map->capacity - 1);
}

/* The slot that holds the key, or the empty one where it would go. */
static size_t slot_of(const struct u64map *map, uint64_t key)
{
	size_t at = home(map, key);
	while (map->slots[at].key != key && map->slots[at].key != 0)
		at = (at + 1) & (map->capacity - 1);
	return at;
}

static void grow(struct u64map *map)
{
	struct u64map old = *map;

	map->capacity = old.capacity ? old.capacity * 2 : FIRST_SLOTS;
	map->slots = mem_alloc(map->capacity * sizeof(*map->slots));
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.slots[i].key)
			map->slots[slot_of(map, old.slots[i].key)] = old.slots[i];
	}
	free(old.slots);
}

uint64_t *u64map_get(const struct u64map *map, uint64_t key)
{
	assert(key != 0);
	if (map->capacity == 0)
		return NULL;
	struct u64map_slot *slot = &map->slots[slot_of(map, key)];
	return slot->key ? &slot->value : NULL;
}

uint64_t *u64map_put(struct u64map *map, uint64_t key)
{
	uint64_t *there = u64map_get(map, key);
	if (there)
		return there;
	if ((map->count + 1) * 4 > map->capacity * 3)
		grow(map);
	struct u64map_slot *slot = &map->slots[slot_of(map, key)];
	*slot = (struct u64map_slot){.key = key};
	map->count++;
	return &slot->value;
}

bool u64map_remove(struct u64map *map, uint64_t key, uint64_t *ret_value)
{
	uint64_t *there = u64map_get(map, key);
	if (!there)
		return false;
	if (ret_value)
		*ret_value = *there;

	/* Close the gap: a later entry of the run moves up unless it is at or past its home. */
	size_t mask = map->capacity - 1;
	size_t gap = slot_of(map, key);
	for (size_t at = (gap + 1) & mask; map->slots[at].key; at = (at + 1) & mask) {
		size_t wanted = home(map, map->slots[at].key);
		if (((at - wanted) & mask) >= ((at - gap) & mask)) {
			map->slots[gap] = map->slots[at];
			gap = at;
		}
	}
	map->slots[gap] = (struct u64map_slot){0};
	map->count--;
	return true;
}
