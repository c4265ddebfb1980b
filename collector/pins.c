#include "pins.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

enum { FIRST_SLOTS = 64 };

void pins_init(struct pins *pins)
{
	*pins = (struct pins){0};
}

void pins_release(struct pins *pins)
{
	free(pins->items);
	free(pins->slots);
	pins_init(pins);
}

static size_t slot_of(const struct pins *pins, uint32_t stack)
{
	return stack * 0x9e3779b1u & (pins->slot_count - 1);
}

/* The slot that holds the stack, or the one where it belongs. */
static uint32_t *find(const struct pins *pins, uint32_t stack)
{
	size_t at = slot_of(pins, stack);

	while (pins->slots[at] && pins->items[pins->slots[at] - 1].stack != stack)
		at = (at + 1) & (pins->slot_count - 1);
	return &pins->slots[at];
}

/* The table as large as the largest arena needed it would be slow to wipe for a small one. */
void pins_clear(struct pins *pins)
{
	for (size_t i = 0; i < pins->count; i++) {
		size_t at = slot_of(pins, pins->items[i].stack);

		for (; pins->slots[at]; at = (at + 1) & (pins->slot_count - 1))
			pins->slots[at] = 0;
	}
	pins->count = 0;
	pins->last = NULL;
}

static void grow_table(struct pins *pins)
{
	free(pins->slots);
	pins->slot_count = pins->slot_count ? 2 * pins->slot_count : FIRST_SLOTS;
	pins->slots = mem_alloc(pins->slot_count * sizeof(*pins->slots));
	for (size_t i = 0; i < pins->count; i++)
		*find(pins, pins->items[i].stack) = (uint32_t)i + 1;
}

struct pin *pins_of(struct pins *pins, uint32_t stack)
{
	uint32_t *slot;

	if (pins->count + 1 > pins->slot_count / 2)
		grow_table(pins);
	slot = find(pins, stack);
	if (*slot)
		return &pins->items[*slot - 1];
	pins->items = mem_grow(pins->items, &pins->capacity, pins->count + 1,
			       sizeof(*pins->items));
	pins->items[pins->count++] = (struct pin){.stack = stack};
	*slot = (uint32_t)pins->count;
	return &pins->items[pins->count - 1];
}

static int by_stack(const void *left, const void *right)
{
	const struct pin *a = left, *b = right;

	return (a->stack > b->stack) - (a->stack < b->stack);
}

void pins_sort_by_stack(struct pins *pins)
{
	if (pins->count)
		qsort(pins->items, pins->count, sizeof(*pins->items), by_stack);
}
