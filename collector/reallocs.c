#include "reallocs.h"

#include <stdlib.h>

#include "mem.h"

void reallocs_init(struct reallocs *reallocs)
{
	*reallocs = (struct reallocs){0};
	u64map_init(&reallocs->slots);
}

void reallocs_release(struct reallocs *reallocs)
{
	u64map_release(&reallocs->slots);
	free(reallocs->items);
	reallocs_init(reallocs);
}

void reallocs_remember(struct reallocs *reallocs, uint32_t slot,
		       const struct freed_block *freed)
{
	uint64_t *index = u64map_put(&reallocs->slots, (uint64_t)slot + 1);

	if (*index == 0) {
		reallocs->items = mem_grow(reallocs->items, &reallocs->capacity,
					   reallocs->count + 1, sizeof(*reallocs->items));
		*index = ++reallocs->count;
	}
	reallocs->items[*index - 1] = *freed;
}

bool reallocs_take(struct reallocs *reallocs, uint32_t slot, uint64_t address,
		   struct freed_block *ret_freed)
{
	const uint64_t *index = u64map_get(&reallocs->slots, (uint64_t)slot + 1);
	if (!index)
		return false;
	struct freed_block *freed = &reallocs->items[*index - 1];
	if (freed->record_address != address)
		return false;
	*ret_freed = *freed;
	/* No block lies at address 0: the entry can't be taken twice. */
	freed->record_address = 0;
	return true;
}
