#include "changes.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mem.h"

/* Numbers, and structs that begin with one. */
static int by_stack(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

struct changes changes_take(struct sites *sites, enum sites_follower_id id)
{
	const struct sites_follower *follower = &sites->followers[id];
	struct changes changes = {.count = follower->count};

	if (follower->count)
		qsort(follower->stacks, follower->count, sizeof(*follower->stacks), by_stack);
	changes.items = mem_alloc(changes.count * sizeof(*changes.items));
	for (size_t i = 0; i < changes.count; i++) {
		const struct site *site = &sites->site[follower->stacks[i]];

		changes.items[i] = (struct change){
			.stack = follower->stacks[i],
			.live_bytes = site->live_bytes,
			.live_blocks = site->live_blocks,
			.total_blocks = site->total_blocks,
		};
	}
	sites_begin_anew(sites, id);
	return changes;
}

struct change *changes_of(const struct changes *changes, uint32_t stack)
{
	if (!changes->count)
		return NULL;
	return bsearch(&stack, changes->items, changes->count, sizeof(*changes->items),
		       by_stack);
}

/* The later one's figures, where both have the stack. */
void changes_add_earlier(struct changes *changes, const struct changes *earlier)
{
	const struct change *a = earlier->items, *a_end = a + earlier->count;
	const struct change *b = changes->items, *b_end = b + changes->count;
	size_t most = earlier->count + changes->count, count = 0;
	struct change *all = mem_alloc(most * sizeof(*all));

	while (a < a_end || b < b_end) {
		bool take_later = b < b_end && (a == a_end || b->stack <= a->stack);

		if (take_later && a < a_end && a->stack == b->stack)
			a++;
		all[count++] = take_later ? *b++ : *a++;
	}
	free(changes->items);
	changes->items = mem_resize(all, count * sizeof(*all));
	changes->count = count;
}

void changes_append(struct changes *changes, size_t *capacity, const struct change *change)
{
	changes->items = mem_grow(changes->items, capacity, changes->count + 1,
				  sizeof(*changes->items));
	changes->items[changes->count++] = *change;
}

void changes_release(struct changes *changes)
{
	free(changes->items);
	*changes = (struct changes){0};
}
