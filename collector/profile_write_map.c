#include "profile_write_map.h"

#include <stdlib.h>

#include "mem.h"

static void put_arena(const struct arena_summary *arena, uint32_t mark,
		      struct section_write *arenas, struct section_write *holders)
{
	struct profile_arena_mark item = {
		.address = arena->address,
		.bytes = arena->bytes,
		.live_bytes = arena->live_bytes,
		.block_bytes = arena->block_bytes,
		.mark = mark,
		.live_blocks = arena->live_blocks,
		.pools = arena->pools,
		.holder_count = arena->holder_count,
		.other_stacks = arena->other_stacks,
	};

	if (arena->holder_count)
		item.holder_start =
			(uint32_t)(holders->entry.raw_bytes / sizeof(struct profile_holder));
	section_write_add(arenas, &item, sizeof(item));
	section_write_add(holders, arena->holders,
			  arena->holder_count * sizeof(*arena->holders));
}

static void put_classes(const struct summary *summary, uint32_t mark,
			struct section_write *section)
{
	for (uint32_t class = 1; class <= POOL_CLASSES; class ++) {
		const struct class_summary *figures = &summary->classes[class];
		struct profile_mark_class item = {mark, class, figures->pools, figures->blocks};

		if (figures->pools)
			section_write_add(section, &item, sizeof(item));
	}
}

static void put_summary(const struct summary *summary, uint32_t mark,
			struct section_write *arenas, struct section_write *holders,
			struct section_write *classes)
{
	struct summary_reader reader;
	struct arena_summary arena;

	summary_reader_init(&reader, summary);
	while (summary_reader_next(&reader, &arena))
		put_arena(&arena, mark, arenas, holders);
	summary_reader_release(&reader);
	put_classes(summary, mark, classes);
}

void profile_put_summaries(const struct heap *heap, struct section_write *arenas,
			   struct section_write *holders, struct section_write *classes)
{
	__attribute__((cleanup(summary_release))) struct summary now = {0};
	const struct summary *peak = &heap->census.peak;

	for (size_t i = 0; i < heap->marks.count; i++)
		put_summary(&heap->marks.items[i].arenas, (uint32_t)i, arenas, holders,
			    classes);
	if (census_peak(&heap->census, &heap->arenas, &now))
		peak = &now;
	put_summary(peak, PROFILE_PEAK, arenas, holders, classes);
}

/* Of the process's own number; PROFILE_PEAK where it gave way. A fork's child counts on. */
static uint32_t mark_of_audit(const struct marks *marks, uint64_t number)
{
	for (size_t i = marks->count; i-- > 0;) {
		const struct stream_mark *figures = &marks->items[i].figures;

		/* Those that the collector makes have no number: its own `end` counts. */
		if (figures->number == number && (number || figures->origin == MARK_TRACER))
			return (uint32_t)i;
	}
	return PROFILE_PEAK;
}

/* An audit with its place in the file: marks ascending, otherwise as they came. */
struct placed {
	const struct audit_result *audit;
	uint32_t mark;
};

static int by_mark(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;

	if (a->mark != b->mark)
		return a->mark > b->mark ? 1 : -1;
	return (a->audit->id > b->audit->id) - (a->audit->id < b->audit->id);
}

static void put_differences(const struct audits *audits, const struct placed *placed,
			    uint32_t index, struct section_write *section)
{
	for (size_t i = 0; i < audits->difference_count; i++) {
		struct profile_audit_difference item = audits->differences[i];

		if (item.audit != placed->audit->id)
			continue;
		item.audit = index;
		section_write_add(section, &item, sizeof(item));
	}
}

void profile_put_audits(const struct heap *heap, struct section_write *audits,
			struct section_write *differences)
{
	size_t count = heap->audits.count;
	struct placed *placed = mem_alloc(count * sizeof(*placed));

	for (size_t i = 0; i < count; i++) {
		const struct audit_result *audit = &heap->audits.items[i];

		placed[i] = (struct placed){audit, mark_of_audit(&heap->marks, audit->number)};
	}
	if (count)
		qsort(placed, count, sizeof(*placed), by_mark);
	for (size_t i = 0; i < count; i++) {
		struct profile_audit item = placed[i].audit->figures;

		item.mark = placed[i].mark;
		section_write_add(audits, &item, sizeof(item));
		put_differences(&heap->audits, &placed[i], (uint32_t)i, differences);
	}
	free(placed);
}
