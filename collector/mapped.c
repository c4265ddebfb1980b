#include "mapped.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void mapped_release(struct mapped *mapped)
{
	free(mapped->items);
	u64map_release(&mapped->by_stack);
	*mapped = (struct mapped){0};
}

void mapped_note(struct mapped *mapped, enum resident_part part, uint32_t stack, uint64_t bytes,
		 uint64_t resident_bytes)
{
	/* Key 0 is nobody's. */
	uint64_t *index = u64map_put(&mapped->by_stack, (uint64_t)(part + 1) << 32 | stack);

	if (!*index) {
		mapped->items = mem_grow(mapped->items, &mapped->capacity, mapped->count + 1,
					 sizeof(*mapped->items));
		mapped->items[mapped->count++] = (struct stream_mapped){.part = part,
									.stack = stack};
		*index = mapped->count;
	}
	mapped->items[*index - 1].bytes += bytes;
	mapped->items[*index - 1].resident_bytes += resident_bytes;
}

static int most_first(const void *left, const void *right)
{
	const struct stream_mapped *a = left, *b = right;

	if (a->resident_bytes != b->resident_bytes)
		return a->resident_bytes > b->resident_bytes ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	return (a->part > b->part) - (a->part < b->part);
}

/* One item for each part that has any. */
static size_t put_together(const struct stream_mapped *rest, size_t count,
			   struct stream_mapped *ret_sums)
{
	struct stream_mapped sums[RESIDENT_PARTS] = {0};
	size_t made = 0;

	for (size_t i = 0; i < count; i++) {
		struct stream_mapped *sum = &sums[rest[i].part];

		sum->stack = STREAM_OTHER_STACKS;
		sum->part = rest[i].part;
		sum->bytes += rest[i].bytes;
		sum->resident_bytes += rest[i].resident_bytes;
	}
	for (size_t i = 0; i < RESIDENT_PARTS; i++)
		if (sums[i].bytes)
			ret_sums[made++] = sums[i];
	return made;
}

void mapped_finish(struct mapped *mapped, uint64_t time_ns)
{
	struct stream_mapped sums[RESIDENT_PARTS];

	if (mapped->count)
		qsort(mapped->items, mapped->count, sizeof(*mapped->items), most_first);
	if (mapped->count > MAPPED_MOST) {
		size_t made = put_together(mapped->items + MAPPED_MOST,
					   mapped->count - MAPPED_MOST, sums);

		/* There are no more sums than there were items. */
		memcpy(mapped->items + MAPPED_MOST, sums, made * sizeof(*sums));
		mapped->count = MAPPED_MOST + made;
	}
	for (size_t i = 0; i < mapped->count; i++)
		mapped->items[i].time_ns = time_ns;
}
