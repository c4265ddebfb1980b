#include "heap_books.h"

#include <assert.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

void heap_init(struct heap *heap)
{
	*heap = (struct heap){.end = HEAP_RUNNING};
	stacks_init(&heap->stacks);
	sites_init(&heap->sites);
	arena_map_init(&heap->arenas);
	block_table_init(&heap->blocks);
	mappings_init(&heap->mappings);
	windows_init(&heap->windows);
	marks_init(&heap->marks);
	course_init(&heap->course);
	frees_init(&heap->frees);
	audits_init(&heap->audits);
	census_init(&heap->census);
	reallocs_init(&heap->reallocs);
	stream_text_init(&heap->mark_text);
	stream_text_init(&heap->state_text);
}

void heap_release(struct heap *heap)
{
	stacks_release(&heap->stacks);
	sites_release(&heap->sites);
	arena_map_release(&heap->arenas);
	block_table_release(&heap->blocks);
	mappings_release(&heap->mappings);
	windows_release(&heap->windows);
	marks_release(&heap->marks);
	course_release(&heap->course);
	lifetimes_release(&heap->lifetimes);
	garbage_release(&heap->garbage);
	frees_release(&heap->frees);
	audits_release(&heap->audits);
	census_release(&heap->census);
	reallocs_release(&heap->reallocs);
	residents_release(&heap->residents);
	stream_text_release(&heap->mark_text);
	stream_text_release(&heap->state_text);
	*heap = (struct heap){.end = HEAP_RUNNING};
}

static void put_large(struct heap *heap, const struct large_block *block)
{
	struct large_block old;

	if (UNLIKELY(!block_table_put(&heap->blocks, *block, &old))) {
		book_free(heap, old.domain, old.stack, old.bytes, old.window, 0);
		heap->counts.replaced++;
	}
	book_alloc(heap, block->domain, block->stack, block->bytes);
}

/* A small block in no arena: with PYTHONMALLOC=malloc all of them. */
static __attribute__((noinline)) void put_outside(struct heap *heap, uint64_t address,
						  struct block block)
{
	put_large(heap, &(struct large_block){
				.address = address,
				.bytes = block.bytes,
				.stack = block.stack,
				.window = block.window,
				.domain = pooled_domain(&block) & 3,
			});
}

static inline __attribute__((always_inline)) void apply_small(struct heap *heap,
							      const struct record *r,
							      enum block_domain domain,
							      uint32_t window)
{
	uint64_t address = record_a(r);
	uint32_t class = (uint32_t)(r->body >> 48 & 0xff);
	struct block old;
	struct block block = {
		.stack = known_stack(heap, record_low(r)),
		.bytes = r->body >> 32 & 0x3ff,
		.window = window & (WINDOW_LIMIT - 1),
		.object = domain == DOMAIN_OBJECT,
		.live = 1,
	};

	switch (arena_map_alloc(&heap->arenas, address, class, block, &old)) {
	case ARENA_REPLACED:
		book_replaced(heap, &old);
		__attribute__((fallthrough));
	case ARENA_DONE:
		book_alloc(heap, domain, block.stack, block.bytes);
		break;
	case ARENA_OUTSIDE:
		put_outside(heap, address, block);
		break;
	case ARENA_MISPLACED:
		break;
	}
}

static inline void apply_large(struct heap *heap, const struct record *r,
			       enum block_domain domain, uint32_t window)
{
	uint64_t bytes = record_high(r);

	if (UNLIKELY(bytes == STREAM_SIZE_WIDE))
		stream_payload(r, sizeof(bytes), &bytes);
	if (UNLIKELY(record_a(r) == 0 || arena_map_covers(&heap->arenas, record_a(r)))) {
		heap->arenas.misplaced++;
		return;
	}
	put_large(heap, &(struct large_block){
				.address = record_a(r),
				.bytes = bytes,
				.stack = known_stack(heap, record_low(r)),
				.window = window & (WINDOW_LIMIT - 1),
				.domain = domain & 3,
			});
}

/* Takes the block at an address out of the maps and the books; false: there is none. */
static inline bool take_block(struct heap *heap, uint64_t address, int in_gc)
{
	struct large_block large;
	struct block pooled;

	switch (arena_map_free(&heap->arenas, address, &pooled)) {
	case ARENA_DONE:
	case ARENA_REPLACED:
		book_free(heap, pooled_domain(&pooled), pooled.stack, pooled.bytes,
			  pooled.window, in_gc);
		return true;
	case ARENA_MISPLACED:
		return false;
	case ARENA_OUTSIDE:
		break;
	}
	if (!block_table_take(&heap->blocks, address, &large))
		return false;
	book_free(heap, large.domain, large.stack, large.bytes, large.window, in_gc);
	return true;
}

/* What a realloc is about to free, while it is still in the maps. */
static __attribute__((noinline)) void remember_freed(struct heap *heap, const struct record *r,
						     int in_gc)
{
	struct freed_block freed = {.record_address = record_a(r), .in_gc = in_gc != 0};
	const struct large_block *large;
	const struct block *pooled;

	pooled = arena_map_find(&heap->arenas, record_a(r), &freed.class, &freed.large.address);
	if (pooled) {
		freed.kind = FREED_POOLED;
		freed.pooled = *pooled;
	} else if (!arena_map_covers(&heap->arenas, record_a(r)) &&
		   (large = block_table_find(&heap->blocks, record_a(r)))) {
		freed.kind = FREED_LARGE;
		freed.large = *large;
	}
	freed.by = heap->frees.by;
	freed.told = heap->frees.on && !heap->garbage.over;
	reallocs_remember(&heap->reallocs, (uint32_t)(r->body >> 40), &freed);
}

static inline void apply_free(struct heap *heap, const struct record *r)
{
	uint32_t flags = (uint32_t)(r->body >> 32 & 0xff);

	int in_gc = (flags & F_GC) && !heap->garbage.over;

	if (UNLIKELY(heap->frees.on))
		book_freer(heap, record_low(r), flags);
	if (flags & F_REALLOC)
		remember_freed(heap, r, in_gc);
	if (UNLIKELY(!take_block(heap, record_a(r), in_gc)))
		heap->counts.unknown_frees++;
	if (UNLIKELY(heap->frees.on))
		book_freer(heap, 0, 0);
}

/*
 * A guess at what a later record will touch: for R_DATA it may be nonsense, which is harmless.
 */
static inline __attribute__((always_inline)) void prefetch(const struct heap *heap,
							   const struct record *r)
{
	const uint64_t blocks = 1 << R_ALLOC_MALLOC | 1 << R_ALLOC_MEM | 1 << R_ALLOC_OBJECT |
				1 << R_SMALL_MEM | 1 << R_SMALL_OBJECT | 1 << R_FREE;

	if ((blocks >> record_kind(r) & 1) && !arena_map_prefetch(&heap->arenas, record_a(r)))
		block_table_prefetch(&heap->blocks, record_a(r));
}

/* A small heap's blocks are in a cache that is near: asking for them early would only cost
 * time. */
static inline size_t look_ahead(const struct heap *heap)
{
	enum { NEAR_ARENAS = 8, NEAR_BLOCKS = 1 << 15, RECORDS = 12 };
	bool near = heap->arenas.live_arenas <= NEAR_ARENAS &&
		    heap->blocks.count <= NEAR_BLOCKS;

	return near ? SIZE_MAX : RECORDS;
}

void heap_apply(struct heap *heap, const struct record *records, size_t count)
{
	const struct record *r = records, *end = records + count;
	uint32_t window = windows_current(&heap->windows);
	bool restoring = heap->restoring;
	size_t slots = 1, ahead = look_ahead(heap);

	for (; r < end; r += slots) {
		slots = 1;
		if (ahead < (size_t)(end - r))
			prefetch(heap, r + ahead);
		switch (record_kind(r)) {
		case R_NONE:
			break;
		case R_FREE:
			apply_free(heap, r);
			break;
		case R_SMALL_MEM:
			apply_small(heap, r, DOMAIN_MEM, window);
			break;
		case R_SMALL_OBJECT:
			apply_small(heap, r, DOMAIN_OBJECT, window);
			break;
		case R_TEMP:
			book_pairs(heap, r);
			break;
		case R_ALLOC_MALLOC:
		case R_ALLOC_MEM:
		case R_ALLOC_OBJECT:
			slots = stream_record_slots(r);
			assert(slots <= (size_t)(end - r));
			apply_large(heap, r,
				    (enum block_domain)(record_kind(r) - R_ALLOC_MALLOC),
				    window);
			break;
		default:
			slots = stream_record_slots(r);
			assert(slots > 0 && slots <= (size_t)(end - r));
			heap_apply_rare(heap, r);
			window = windows_current(&heap->windows);
			ahead = look_ahead(heap);
			break;
		}
	}
	if (!restoring && !heap->restoring)
		heap->counts.records += count;
}

bool heap_knows(const struct heap *heap, uint64_t address)
{
	uint64_t given_out_at;
	uint32_t class;

	if (!arena_map_covers(&heap->arenas, address))
		return block_table_find(&heap->blocks, address) != NULL;
	return arena_map_find(&heap->arenas, address, &class, &given_out_at) &&
	       given_out_at == address;
}
