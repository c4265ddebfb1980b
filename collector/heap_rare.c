/*
 * heap_rare.c - what the kinds of records do to the heap that are not blocks coming and going.
 */
#include <string.h>

#include "heap_books.h"
#include "heap_state.h"

enum { PAGE_SHIFT = 12 };

void book_age(struct heap *heap, uint32_t stack, uint32_t window)
{
	if (window < heap->windows.count)
		lifetimes_note(&heap->lifetimes, stack, age_ms(&heap->windows, window));
}

void book_replaced(struct heap *heap, const struct block *old)
{
	book_free(heap, pooled_domain(old), old->stack, old->bytes, old->window, 0);
	heap->counts.replaced++;
}

static void book_unfree(struct heap *heap, enum block_domain domain, uint32_t stack,
			uint64_t bytes, uint32_t window, int in_gc)
{
	const struct windows *windows = &heap->windows;

	sites_unfree(&heap->sites, stack, bytes, in_gc, windows->now_ms);
	if (window != windows_current(windows) && window < windows->count)
		lifetimes_take_back(&heap->lifetimes, stack, age_ms(windows, window));
	heap->domain_bytes[domain] += bytes;
	heap->domain_blocks[domain]++;
	heap->counts.frees--;
}

static void restore_pooled(struct heap *heap, const struct freed_block *freed)
{
	enum arena_answer answer;
	struct block old;

	answer = arena_map_alloc(&heap->arenas, freed->large.address, freed->class,
				 freed->pooled, &old);
	if (answer == ARENA_REPLACED)
		book_replaced(heap, &old);
	else if (answer != ARENA_DONE)
		return;
	book_unfree(heap, pooled_domain(&freed->pooled), freed->pooled.stack,
		    freed->pooled.bytes, freed->pooled.window, freed->in_gc);
	book_unfreed(heap, freed, freed->pooled.stack, freed->pooled.bytes);
}

static void restore_large(struct heap *heap, const struct freed_block *freed)
{
	struct large_block old;

	if (arena_map_covers(&heap->arenas, freed->large.address)) {
		heap->arenas.misplaced++;
		return;
	}
	if (!block_table_put(&heap->blocks, freed->large, &old)) {
		book_free(heap, old.domain, old.stack, old.bytes, old.window, 0);
		heap->counts.replaced++;
	}
	book_unfree(heap, freed->large.domain, freed->large.stack, freed->large.bytes,
		    freed->large.window, freed->in_gc);
	book_unfreed(heap, freed, freed->large.stack, freed->large.bytes);
}

static void apply_restore(struct heap *heap, const struct record *r)
{
	enum { THREAD_SLOT_BITS = 24 };
	struct freed_block freed;

	if (r->body >> THREAD_SLOT_BITS ||
	    !reallocs_take(&heap->reallocs, (uint32_t)r->body, record_a(r), &freed))
		return;
	switch (freed.kind) {
	case FREED_POOLED:
		restore_pooled(heap, &freed);
		break;
	case FREED_LARGE:
		restore_large(heap, &freed);
		break;
	case FREED_UNKNOWN:
		heap->counts.unknown_frees--;
		break;
	}
}

static bool retag_large(struct heap *heap, uint64_t address, uint32_t stack)
{
	struct large_block block;

	if (!block_table_take(&heap->blocks, address, &block))
		return false;
	book_free(heap, block.domain, block.stack, block.bytes, block.window, 0);
	block.stack = stack;
	block.window = windows_current(&heap->windows) & (WINDOW_LIMIT - 1);
	block_table_put(&heap->blocks, block, NULL);
	book_alloc(heap, block.domain, stack, block.bytes);
	return true;
}

/* Freed before it is allocated again: the two together are no new peak. */
static void apply_retag(struct heap *heap, const struct record *r)
{
	uint32_t stack = known_stack(heap, record_low(r));
	uint64_t address = record_a(r);
	struct block old;

	if (arena_map_retag(&heap->arenas, address, stack, windows_current(&heap->windows),
			    &old)) {
		book_free(heap, pooled_domain(&old), old.stack, old.bytes, old.window, 0);
		book_alloc(heap, pooled_domain(&old), stack, old.bytes);
	} else if (arena_map_covers(&heap->arenas, address) ||
		   !retag_large(heap, address, stack)) {
		heap->counts.unknown_retags++;
		return;
	}
	heap->counts.retags++;
}

static void cut_mapping(void *user, const struct mapping *piece, bool whole)
{
	struct heap *heap = user;

	if (!piece->anonymous)
		return;
	if (whole) {
		book_free(heap, DOMAIN_MAPPING, piece->stack, piece->bytes, piece->window, 0);
		return;
	}
	sites_free_part(&heap->sites, piece->stack, piece->bytes);
	if (heap->frees.on)
		book_freed(heap, piece->stack, piece->bytes, 0);
	heap->domain_bytes[DOMAIN_MAPPING] -= piece->bytes;
}

static void add_mapping(struct heap *heap, const struct record *r, uint64_t bytes,
			bool anonymous)
{
	struct mapping mapping = {
		.address = record_a(r),
		.bytes = bytes,
		.stack = known_stack(heap, record_low(r)),
		.window = windows_current(&heap->windows),
		.anonymous = anonymous,
	};

	if (bytes == 0)
		return;
	mappings_add(&heap->mappings, mapping, cut_mapping, heap);
	if (anonymous)
		book_alloc(heap, DOMAIN_MAPPING, mapping.stack, bytes);
}

static void apply_arena(struct heap *heap, const struct record *r)
{
	uint64_t bytes = record_high(r);

	/* Data-stack chunks come through the same allocator: they are ordinary memory. */
	if (!arena_map_add(&heap->arenas, record_a(r), bytes, known_stack(heap, record_low(r)),
			   windows_current(&heap->windows)))
		add_mapping(heap, r, bytes, true);
}

static void lose_block(void *user, uint64_t address, const struct block *block)
{
	(void)address;
	book_free(user, pooled_domain(block), block->stack, block->bytes, block->window, 0);
}

static void apply_arena_free(struct heap *heap, const struct record *r)
{
	census_arena_goes(&heap->census, &heap->arenas, record_a(r));
	if (!arena_map_remove(&heap->arenas, record_a(r), lose_block, heap))
		mappings_remove(&heap->mappings, record_a(r), record_high(r), cut_mapping,
				heap);
}

static void apply_unmap(struct heap *heap, const struct record *r)
{
	book_freer(heap, record_low(r), 0);
	mappings_remove(&heap->mappings, record_a(r), (uint64_t)record_high(r) << PAGE_SHIFT,
			cut_mapping, heap);
	book_freer(heap, 0, 0);
}

static void apply_collection(struct heap *heap, const struct record *r)
{
	uint64_t generation = record_a(r) & (R_GC_END - 1);

	if (!(record_a(r) & R_GC_END))
		garbage_begin(&heap->garbage);
	if (!(record_a(r) & R_GC_END) || generation > 2)
		return;
	heap->counts.collections[generation]++;
	heap->counts.collected[generation] += r->body;
	garbage_end(&heap->garbage, (uint32_t)generation, r->body,
		    record_a(r) >> R_GC_TIME_SHIFT, &heap->sites);
}

static void apply_tick(struct heap *heap, const struct record *r)
{
	struct windows *windows = &heap->windows;
	const struct sites *sites = &heap->sites;

	windows_tick(windows, record_a(r), r->body, sites->live_bytes, sites->live_blocks,
		     heap->arenas.arena_bytes);
	if (!course_is_due(&heap->course, windows->now_ms))
		return;
	struct course_figures figures = {
		.time_ms = windows->now_ms,
		.rss_bytes = r->body,
		.live_bytes = sites->live_bytes,
		.live_blocks = sites->live_blocks,
		.arena_bytes = heap->arenas.arena_bytes,
		.allocations = heap->counts.allocations,
	};

	memcpy(figures.collections, heap->counts.collections, sizeof(figures.collections));
	course_add(&heap->course, &figures, &heap->sites);
}

static void apply_mark(struct heap *heap, const struct record *r)
{
	const struct heap_watch *watch = &heap->watch;
	struct stream_text *text = &heap->mark_text;
	struct stream_mark figures;
	struct summary arenas;

	if (stream_text_add(text, r, NULL) != 1 || text->bytes.len < sizeof(figures))
		return;
	memcpy(&figures, text->bytes.data, sizeof(figures));
	census_mark(&heap->census, &heap->arenas, &arenas);
	marks_add(&heap->marks, &figures, (const char *)text->bytes.data + sizeof(figures),
		  text->bytes.len - sizeof(figures), &heap->sites, &arenas);
	if (figures.origin == MARK_TRACER)
		heap->garbage.over = !strcmp(heap->marks.items[heap->marks.count - 1].base,
					     "end");
	if (watch->at_mark)
		watch->at_mark(watch->user, heap, &heap->marks.items[heap->marks.count - 1]);
}

static void apply_resident(struct heap *heap, const struct record *r)
{
	struct stream_resident resident;

	stream_payload(r, sizeof(resident), &resident);
	residents_add(&heap->residents, &resident);
}

static void apply_mapped(struct heap *heap, const struct record *r)
{
	struct stream_mapped mapped;

	stream_payload(r, sizeof(mapped), &mapped);
	if (mapped.stack != STREAM_OTHER_STACKS)
		mapped.stack = known_stack(heap, mapped.stack);
	residents_add_mapped(&heap->residents, &mapped);
}

static enum heap_end end_of_stream(uint64_t how)
{
	switch (how) {
	case END_UNDERSCORE_EXIT:
		return HEAP_UNDERSCORE_EXIT;
	case END_ABORT:
		return HEAP_ABORT;
	default:
		return HEAP_EXIT;
	}
}

/* The first true end stays; an exec is one only until the program is heard of again. */
static void apply_end(struct heap *heap, const struct record *r)
{
	bool open = heap->end == HEAP_RUNNING || heap->end == HEAP_EXEC;

	switch (record_kind(r)) {
	case R_END:
		if (open) {
			heap->end = end_of_stream(record_a(r));
			heap->end_status = (int64_t)r->body;
		}
		break;
	case R_EXEC:
		if (open)
			heap->end = r->body ? HEAP_RUNNING : HEAP_EXEC;
		break;
	default:
		if (heap->end == HEAP_RUNNING)
			heap->end = HEAP_DIED;
		break;
	}
}

void heap_apply_rare(struct heap *heap, const struct record *r)
{
	switch (record_kind(r)) {
	case R_RESTORE:
		apply_restore(heap, r);
		break;
	case R_RETAG:
		apply_retag(heap, r);
		break;
	case R_MAP_ANON:
	case R_MAP_FILE:
		add_mapping(heap, r, (uint64_t)record_high(r) << PAGE_SHIFT,
			    record_kind(r) == R_MAP_ANON);
		break;
	case R_UNMAP:
		apply_unmap(heap, r);
		break;
	case R_TEMP_BY:
		book_pairs(heap, r);
		break;
	case R_INFO:
		book_fact(heap, r);
		break;
	case R_ARENA:
		apply_arena(heap, r);
		break;
	case R_ARENA_FREE:
		apply_arena_free(heap, r);
		break;
	case R_GC:
		apply_collection(heap, r);
		break;
	case R_MARK:
		apply_mark(heap, r);
		break;
	case R_AUDIT:
	case R_AUDIT_ARENA:
	case R_AUDIT_POOL:
	case R_AUDIT_END:
		audits_apply(&heap->audits, &heap->arenas, r, heap->windows.now_ms);
		break;
	case R_STATE:
		heap_state_apply(heap, r);
		break;
	case R_RESIDENT:
		apply_resident(heap, r);
		break;
	case R_MAPPED:
		apply_mapped(heap, r);
		break;
	case R_WAITING:
		marks_wait(&heap->marks, known_stack(heap, record_low(r)), record_high(r));
		break;
	case R_EXEC:
	case R_END:
	case R_DIED:
		apply_end(heap, r);
		break;
	case R_TICK:
		apply_tick(heap, r);
		break;
	case R_LOST:
		heap->counts.lost_slots += record_a(r);
		break;
	case R_COUNTS:
		heap->counts.dropped_events = record_a(r);
		heap->counts.waited_ns = r->body;
		break;
	default:
		stacks_apply(&heap->stacks, r);
		break;
	}
}
