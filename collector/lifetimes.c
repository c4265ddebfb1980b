#include "lifetimes.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void lifetimes_release(struct lifetimes *lifetimes)
{
	free(lifetimes->by_stack);
	*lifetimes = (struct lifetimes){0};
}

struct lifetime *lifetimes_of(struct lifetimes *lifetimes, uint32_t stack)
{
	size_t needed = (size_t)stack + 1, before = lifetimes->count;

	if (needed > before) {
		lifetimes->by_stack = mem_grow(lifetimes->by_stack, &lifetimes->capacity,
					       needed, sizeof(*lifetimes->by_stack));
		memset(lifetimes->by_stack + before, 0,
		       (needed - before) * sizeof(*lifetimes->by_stack));
		lifetimes->count = needed;
	}
	return &lifetimes->by_stack[stack];
}

void lifetimes_note(struct lifetimes *lifetimes, uint32_t stack, uint64_t age_ms)
{
	uint32_t *blocks = &lifetimes_of(lifetimes, stack)->blocks[lifetimes_age(age_ms)];

	*blocks += *blocks < UINT32_MAX;
}

void lifetimes_take_back(struct lifetimes *lifetimes, uint32_t stack, uint64_t age_ms)
{
	uint32_t *blocks = &lifetimes_of(lifetimes, stack)->blocks[lifetimes_age(age_ms)];

	*blocks -= *blocks > 0;
}
