/*
 * heap_state_read.c - the parts of a state back into a heap; their layouts are in
 * heap_state_write.c. What a part says is put in by the same functions as a stream's records,
 * which check it.
 */
#include <string.h>

#include "buf.h"
#include "heap_books.h"
#include "mem.h"
#include "state_reader.h"

static void numbers(struct cursor *c, uint64_t *const *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		*places[i] = cursor_varint(c);
}

static void read_threads(struct heap *heap, struct cursor *c)
{
	struct stacks *stacks = &heap->stacks;

	for (size_t i = 0; i < stacks->thread_count && state_more(c); i++)
		stacks->threads[i].count = (uint32_t)cursor_varint(c);
}

static void read_windows(struct heap *heap, struct cursor *c)
{
	struct windows *windows = &heap->windows;
	uint64_t now_ms = cursor_varint(c), count = cursor_varint(c);

	if (c->failed || count == 0 || count > WINDOW_LIMIT)
		return;
	windows->items = mem_grow(windows->items, &windows->capacity, count,
				  sizeof(*windows->items));
	windows->count = count;
	windows->now_ms = now_ms;
	for (size_t i = 0; i < count; i++) {
		struct window *window = &windows->items[i];

		numbers(c,
			(uint64_t *const[]){&window->start_ms, &window->rss_bytes,
					    &window->live_bytes, &window->live_blocks,
					    &window->arena_bytes},
			5);
	}
}

static void read_site(struct sites *sites, uint32_t stack, struct cursor *c)
{
	uint64_t flags = cursor_varint(c);

	if (stack >= sites->count)
		sites_make_room(sites, stack);
	for (unsigned int i = 0; i < SITES_FOLLOWERS; i++)
		if (flags >> 1 & 1U << i)
			sites_note_for(sites, stack, (enum sites_follower_id)i);
	struct site *site = &sites->site[stack];

	numbers(c,
		(uint64_t *const[]){&site->live_bytes, &site->live_blocks, &site->total_bytes,
				    &site->total_blocks, &site->freed_bytes,
				    &site->freed_blocks, &site->temporary_bytes,
				    &site->temporary_blocks, &site->gc_freed_bytes,
				    &site->gc_freed_blocks},
		10);
	site->peak_epoch = 0;
	if (!(flags & 1))
		return;
	numbers(c, (uint64_t *const[]){&site->peak_bytes, &site->peak_blocks}, 2);
	site->peak_epoch = sites->peak_epoch;
}

static void read_sites(struct heap *heap, struct cursor *c)
{
	uint64_t stack = 0;

	while (state_more(c)) {
		stack += cursor_varint(c);
		if (stack > heap->stacks.node_count)
			return;
		read_site(&heap->sites, (uint32_t)stack, c);
	}
}

static void read_lifetimes(struct heap *heap, struct cursor *c)
{
	uint64_t stack = 0;

	while (state_more(c)) {
		stack += cursor_varint(c);
		if (stack > heap->stacks.node_count)
			return;
		struct lifetime *lifetime = lifetimes_of(&heap->lifetimes, (uint32_t)stack);

		for (size_t k = 0; k < LIFETIMES_AGES; k++)
			lifetime->blocks[k] = (uint32_t)cursor_varint(c);
	}
}

static struct changes read_changes(const struct heap *heap, struct cursor *c)
{
	struct changes changes = {0};
	size_t capacity = 0;
	uint64_t stack = 0;

	while (state_more(c)) {
		struct change change;

		stack += cursor_varint(c);
		if (stack > heap->stacks.node_count)
			break;
		change = (struct change){.stack = (uint32_t)stack};
		numbers(c,
			(uint64_t *const[]){&change.live_bytes, &change.live_blocks,
					    &change.total_blocks},
			3);
		changes_append(&changes, &capacity, &change);
	}
	return changes;
}

static void read_mark(struct heap *heap, struct cursor *c)
{
	const char *name = cursor_text(c), *base = cursor_text(c);
	const uint8_t *figures = cursor_bytes(c, sizeof(struct stream_mark));
	struct mark mark = {0};

	if (c->failed || heap->marks.count == MARK_LIMIT)
		return;
	mark.name = mem_text(name);
	mark.base = mem_text(base);
	memcpy(&mark.figures, figures, sizeof(mark.figures));
	numbers(c,
		(uint64_t *const[]){&mark.ordinal, &mark.live_bytes, &mark.live_blocks,
				    &mark.rolled},
		4);
	mark.arenas = summary_read(c);
	mark.changes = read_changes(heap, c);
	marks_put_back(&heap->marks, &mark);
}

static void read_point(struct heap *heap, struct cursor *c)
{
	const uint8_t *figures = cursor_bytes(c, sizeof(struct course_figures));
	struct course_point point;

	if (!figures || heap->course.count >= COURSE_MOST_POINTS)
		return;
	memcpy(&point.figures, figures, sizeof(point.figures));
	point.changes = read_changes(heap, c);
	course_put_back(&heap->course, &point);
}

static void read_course(struct heap *heap, struct cursor *c)
{
	uint64_t step_ms = cursor_varint(c), next_ms = cursor_varint(c);

	/* Steps double: more than so many last longer than any clock. */
	if (c->failed || step_ms < COURSE_FIRST_STEP_MS || step_ms >> 40)
		return;
	heap->course.step_ms = step_ms;
	heap->course.next_ms = next_ms;
}

static void read_waiting(struct heap *heap, struct cursor *c)
{
	while (state_more(c)) {
		uint32_t stack = state_read_stack(heap, c);

		marks_wait(&heap->marks, stack, cursor_varint(c));
	}
}

static void read_reallocs(struct heap *heap, struct cursor *c)
{
	enum { THREAD_SLOT_BITS = 24 };

	while (state_more(c)) {
		struct freed_block freed = {0};
		uint64_t slot = cursor_varint(c), pooled;

		freed.record_address = cursor_varint(c);
		uint64_t kind = cursor_varint(c);

		uint64_t flags = cursor_varint(c);

		freed.in_gc = flags & 1;
		freed.told = flags >> 1 & 1;
		freed.class = (uint32_t)cursor_varint(c);
		pooled = cursor_varint(c);
		memcpy(&freed.pooled, &pooled, sizeof(pooled));
		freed.pooled.stack = known_stack(heap, freed.pooled.stack);
		freed.large = state_read_large_block(heap, c);
		freed.by = state_read_stack(heap, c);
		if (c->failed || kind > FREED_LARGE ||
		    (kind == FREED_LARGE && !freed.large.address) || slot >> THREAD_SLOT_BITS)
			return;
		freed.kind = (enum freed_kind)kind;
		reallocs_remember(&heap->reallocs, (uint32_t)slot, &freed);
	}
}

static void copy_bytes(struct cursor *c, void *to, size_t len)
{
	const uint8_t *bytes = cursor_bytes(c, len);

	if (bytes && len)
		memcpy(to, bytes, len);
}

static void read_audit_results(struct audits *audits, uint64_t count, struct cursor *c)
{
	for (uint64_t i = 0; i < count && i < AUDIT_LIMIT && state_more(c); i++) {
		struct audit_result result = {.number = cursor_varint(c)};

		result.id = (uint32_t)cursor_varint(c);
		copy_bytes(c, &result.figures, sizeof(result.figures));
		audits->items = mem_grow(audits->items, &audits->capacity, audits->count + 1,
					 sizeof(*audits->items));
		audits->items[audits->count++] = result;
	}
}

static void read_audits(struct heap *heap, struct cursor *c)
{
	struct audits *audits = &heap->audits;
	uint64_t last_id, is_open, differs, differences, now, count;

	numbers(c,
		(uint64_t *const[]){&last_id, &is_open, &audits->number, &audits->arena,
				    &audits->arena_bytes, &differs, &audits->next, &differences,
				    &now, &count},
		10);
	copy_bytes(c, &audits->now, sizeof(audits->now));
	audits->count = 0;
	if (c->failed || differences > PROFILE_MAX_DIFFERENCES ||
	    now > PROFILE_MAX_DIFFERENCES - differences)
		return;
	copy_bytes(c, audits->differences, (differences + now) * sizeof(*audits->differences));
	audits->last_id = (uint32_t)last_id;
	audits->is_open = is_open != 0;
	audits->arena_differs = differs != 0;
	audits->difference_count = differences;
	audits->differences_now = now;
	read_audit_results(audits, count, c);
}

static void read_garbage(struct heap *heap, struct cursor *c)
{
	struct garbage *garbage = &heap->garbage;
	uint64_t flags = cursor_varint(c);

	garbage_begin(garbage);
	for (size_t i = 0; i < GARBAGE_GENERATIONS; i++) {
		struct garbage_sum *sum = &garbage->sums[i];

		numbers(c,
			(uint64_t *const[]){&sum->collections, &sum->objects, &sum->freed.bytes,
					    &sum->freed.blocks, &sum->timed,
					    &sum->took_ns, &sum->longest_ns},
			7);
	}
	while (state_more(c)) {
		uint32_t stack = state_read_stack(heap, c);
		uint64_t bytes = cursor_varint(c), blocks = cursor_varint(c);

		if (blocks)
			garbage_note(garbage, stack, bytes, blocks);
	}
	garbage->inside = flags & 1;
	garbage->over = flags >> 1 & 1;
}

static void read_residents(struct heap *heap, struct cursor *c)
{
	struct stream_resident resident;

	while (state_more(c)) {
		const uint8_t *bytes = cursor_bytes(c, sizeof(resident));

		if (!bytes)
			return;
		memcpy(&resident, bytes, sizeof(resident));
		residents_add(&heap->residents, &resident);
	}
}

static void read_mapped(struct heap *heap, struct cursor *c)
{
	struct stream_mapped mapped;

	while (state_more(c)) {
		const uint8_t *bytes = cursor_bytes(c, sizeof(mapped));

		if (!bytes)
			return;
		memcpy(&mapped, bytes, sizeof(mapped));
		if (mapped.stack != STREAM_OTHER_STACKS)
			mapped.stack = known_stack(heap, mapped.stack);
		residents_add_mapped(&heap->residents, &mapped);
	}
}

static void read_frees(struct heap *heap, struct cursor *c)
{
	heap->frees.partial = cursor_varint(c) != 0;
	while (state_more(c)) {
		struct profile_freed item = {.stack = state_read_stack(heap, c)};
		uint64_t by = cursor_varint(c);

		item.by = by == PROFILE_OTHER_STACKS ? PROFILE_OTHER_STACKS
						     : known_stack(heap, by);
		numbers(c,
			(uint64_t *const[]){&item.blocks, &item.bytes, &item.gc_blocks,
					    &item.gc_bytes, &item.moved_blocks,
					    &item.moved_bytes},
			6);
		if (!c->failed)
			frees_note(&heap->frees, &item);
	}
}

static void read_counts(struct heap *heap, struct cursor *c)
{
	const uint8_t *counts = cursor_bytes(c, sizeof(heap->counts));
	struct sites *sites = &heap->sites;
	uint64_t end = 0, status = 0;

	if (!counts)
		return;
	memcpy(&heap->counts, counts, sizeof(heap->counts));
	for (size_t i = 0; i < 4; i++)
		heap->domain_bytes[i] = cursor_varint(c);
	for (size_t i = 0; i < 4; i++)
		heap->domain_blocks[i] = cursor_varint(c);
	numbers(c,
		(uint64_t *const[]){&end, &status, &sites->live_bytes, &sites->live_blocks,
				    &sites->peak_bytes, &sites->peak_blocks, &sites->peak_ms,
				    &heap->arenas.most_arenas, &heap->arenas.misplaced,
				    &heap->stacks.checks, &heap->stacks.checks_differing,
				    &heap->marks.merged},
		12);
	heap->end = end <= HEAP_DIED ? (enum heap_end)end : HEAP_RUNNING;
	heap->end_status = (int64_t)status;
}

void heap_state_apply(struct heap *heap, const struct record *r)
{
	static void (*const readers[])(struct heap * heap, struct cursor * c) = {
		[STATE_COUNTS] = read_counts,
		[STATE_THREADS] = read_threads,
		[STATE_WINDOWS] = read_windows,
		[STATE_SITES] = read_sites,
		[STATE_LIFETIMES] = read_lifetimes,
		[STATE_ARENA] = state_read_arena,
		[STATE_LARGE] = state_read_large,
		[STATE_MAPPINGS] = state_read_mappings,
		[STATE_MARK] = read_mark,
		[STATE_POINT] = read_point,
		[STATE_COURSE] = read_course,
		[STATE_CENSUS] = state_read_census,
		[STATE_WAITING] = read_waiting,
		[STATE_REALLOCS] = read_reallocs,
		[STATE_AUDITS] = read_audits,
		[STATE_GARBAGE] = read_garbage,
		[STATE_RESIDENTS] = read_residents,
		[STATE_FREES] = read_frees,
		[STATE_MAPPED] = read_mapped,
		[STATE_END] = NULL,
	};
	struct stream_text *text = &heap->state_text;

	if (stream_text_add(text, r, NULL) != 1)
		return;
	heap->restoring = text->id != STATE_END;
	if (text->id < sizeof(readers) / sizeof(*readers) && readers[text->id]) {
		struct cursor c = cursor_over(text->bytes.data, text->bytes.len);

		readers[text->id](heap, &c);
	}
}
