#include "residents.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mem.h"

void residents_release(struct residents *residents)
{
	free(residents->items);
	free(residents->mapped);
	*residents = (struct residents){0};
}

static void drop_mapped(struct residents *residents)
{
	size_t kept = 0, look = 0;

	for (size_t i = 0; i < residents->mapped_count; i++) {
		const struct stream_mapped *mapped = &residents->mapped[i];

		while (look < residents->count &&
		       residents->items[look].time_ns < mapped->time_ns)
			look++;
		if (look < residents->count &&
		    residents->items[look].time_ns == mapped->time_ns)
			residents->mapped[kept++] = *mapped;
	}
	residents->mapped_count = kept;
}

/* The newest stays in any case. */
static void thin_out(struct residents *residents, bool marks_too)
{
	size_t kept = 0, seen = 0;

	for (size_t i = 0; i < residents->count; i++) {
		bool may_go = marks_too || !residents->items[i].mark_ns;

		if (may_go && i + 1 < residents->count && seen++ % 2 == 0)
			continue;
		residents->items[kept++] = residents->items[i];
	}
	residents->count = kept;
	residents->thinned++;
	drop_mapped(residents);
}

void residents_add(struct residents *residents, const struct stream_resident *resident)
{
	const struct stream_resident *last = residents->count
						     ? &residents->items[residents->count - 1]
						     : NULL;

	if (last && last->time_ns > resident->time_ns)
		return;
	residents->items = mem_grow(residents->items, &residents->capacity,
				    residents->count + 1, sizeof(*residents->items));
	residents->items[residents->count++] = *resident;
	if (residents->count > RESIDENTS_MOST)
		thin_out(residents, false);
	if (residents->count > RESIDENTS_MOST)
		thin_out(residents, true);
}

static bool has_look(const struct residents *residents, uint64_t time_ns)
{
	size_t i = residents->count;

	while (i > 0 && residents->items[i - 1].time_ns > time_ns)
		i--;
	return i > 0 && residents->items[i - 1].time_ns == time_ns;
}

void residents_add_mapped(struct residents *residents, const struct stream_mapped *mapped)
{
	size_t count = residents->mapped_count;

	if (mapped->part >= RESIDENT_PARTS || !has_look(residents, mapped->time_ns) ||
	    (count && residents->mapped[count - 1].time_ns > mapped->time_ns) ||
	    (count >= MAPPED_ITEMS_MOST &&
	     residents->mapped[count - MAPPED_ITEMS_MOST].time_ns == mapped->time_ns))
		return;
	residents->mapped = mem_grow(residents->mapped, &residents->mapped_capacity, count + 1,
				     sizeof(*residents->mapped));
	residents->mapped[residents->mapped_count++] = *mapped;
}
