#include "garbage.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void garbage_release(struct garbage *garbage)
{
	free(garbage->by_stack);
	free(garbage->touched);
	*garbage = (struct garbage){0};
}

static struct garbage_freed *freed_of(struct garbage *garbage, uint32_t stack)
{
	size_t needed = (size_t)stack + 1, before = garbage->stack_count;

	if (needed > before) {
		garbage->by_stack = mem_grow(garbage->by_stack, &garbage->stack_capacity,
					     needed, sizeof(*garbage->by_stack));
		memset(garbage->by_stack + before, 0,
		       (needed - before) * sizeof(*garbage->by_stack));
		garbage->stack_count = needed;
	}
	return &garbage->by_stack[stack];
}

void garbage_note(struct garbage *garbage, uint32_t stack, uint64_t bytes, uint64_t blocks)
{
	struct garbage_freed *freed;

	if (!garbage->inside)
		return;
	freed = freed_of(garbage, stack);
	if (freed->blocks == 0) {
		garbage->touched = mem_grow(garbage->touched, &garbage->touched_capacity,
					    garbage->touched_count + 1,
					    sizeof(*garbage->touched));
		garbage->touched[garbage->touched_count++] = stack;
	}
	freed->bytes += bytes;
	freed->blocks += blocks;
}

static void forget(struct garbage *garbage)
{
	for (size_t i = 0; i < garbage->touched_count; i++)
		garbage->by_stack[garbage->touched[i]] = (struct garbage_freed){0};
	garbage->touched_count = 0;
}

void garbage_begin(struct garbage *garbage)
{
	forget(garbage);
	garbage->inside = true;
}

static struct garbage_freed sum_of(const struct garbage *garbage)
{
	struct garbage_freed sum = {0};

	for (size_t i = 0; i < garbage->touched_count; i++) {
		sum.bytes += garbage->by_stack[garbage->touched[i]].bytes;
		sum.blocks += garbage->by_stack[garbage->touched[i]].blocks;
	}
	return sum;
}

static void take_back(const struct garbage *garbage, struct sites *sites)
{
	for (size_t i = 0; i < garbage->touched_count; i++) {
		uint32_t stack = garbage->touched[i];

		sites_no_garbage(sites, stack, garbage->by_stack[stack].bytes,
				 garbage->by_stack[stack].blocks);
	}
}

void garbage_end(struct garbage *garbage, uint32_t generation, uint64_t objects,
		 uint64_t took_ns, struct sites *sites)
{
	struct garbage_sum *sum = &garbage->sums[generation];

	if (!garbage->over) {
		sum->collections++;
		sum->objects += objects;
		sum->timed += took_ns != 0;
		sum->took_ns += took_ns;
		if (took_ns > sum->longest_ns)
			sum->longest_ns = took_ns;
	}
	if (objects) {
		struct garbage_freed freed = sum_of(garbage);

		sum->freed.bytes += freed.bytes;
		sum->freed.blocks += freed.blocks;
	} else {
		take_back(garbage, sites);
	}
	forget(garbage);
	garbage->inside = false;
}
