#include "residents.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mem.h"

void residents_release(struct residents *residents)
{
	free(residents->items);
	*residents = (struct residents){0};
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
