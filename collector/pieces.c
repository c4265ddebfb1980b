#include "pieces.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"

enum {
	AREA_PAGE = 4096, /* of ring_header.memory_areas, whatever the machine's are */
	/* glibc's malloc/arena.c. */
	HEAP_ALIGNED_BYTES = 64 << 20,
	/* Smaller blocks are never mapped one by one: mallopt(3), M_MMAP_THRESHOLD. */
	LEAST_MAPPED_BYTES = 128 << 10,
	/* glibc's struct pthread, from the robust list's head to its end, and more. */
	THREAD_BYTES = 2304,
	STACK_BYTES = 8 << 20,
};

static uint64_t page_down(uint64_t address)
{
	return address & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

static uint64_t page_up(uint64_t address)
{
	return page_down(address + (uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

static void add_by(struct pieces *pieces, uint64_t address, uint64_t end,
		   enum resident_part part, uint32_t stack)
{
	if (end <= address)
		return;
	pieces->items = mem_grow(pieces->items, &pieces->capacity, pieces->count + 1,
				 sizeof(*pieces->items));
	pieces->items[pieces->count++] =
		(struct piece){.address = address, .end = end, .part = part, .stack = stack};
}

static void add(struct pieces *pieces, uint64_t address, uint64_t end, enum resident_part part)
{
	add_by(pieces, address, end, part, 0);
}

static void add_arenas(struct pieces *pieces, const struct arena_map *arenas)
{
	for (size_t i = 0; i < arenas->arena_count; i++) {
		const struct arena *arena = &arenas->arenas[i];

		add(pieces, arena->address, arena->address + arena->bytes, RESIDENT_ARENAS);
	}
}

static void add_mappings(struct pieces *pieces, const struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];

		add_by(pieces, mapping->address, mapping->address + mapping->bytes,
		       RESIDENT_MAPPINGS, mapping->stack);
	}
}

/*
 * What the ring says may be anything; pages that aren't there, or are somebody's, are no
 * piece's.
 */
static void add_tracer(struct pieces *pieces, const struct ring_header *ring)
{
	const uint64_t most_pages = (1u << RING_AREA_PAGES_BITS) - 1;

	for (size_t i = 0; ring && i < RING_MEMORY_AREAS; i++) {
		const uint64_t area = atomic_load(&ring->memory_areas[i]);
		const uint64_t address = (area >> RING_AREA_PAGES_BITS) * AREA_PAGE;

		add(pieces, address, address + (area & most_pages) * AREA_PAGE,
		    RESIDENT_TRACER);
	}
}

/* With the chunk's header in front. */
static void add_blocks(struct pieces *pieces, const struct block_table *blocks)
{
	enum { CHUNK_HEADER_BYTES = 16 };

	for (size_t i = 0; i < blocks->capacity; i++) {
		const struct large_block *block = &blocks->slots[i];

		if (!block->address || block->bytes < LEAST_MAPPED_BYTES || block->bytes >> 48)
			continue;
		add_by(pieces, page_down(block->address - CHUNK_HEADER_BYTES),
		       page_up(block->address + block->bytes), RESIDENT_BLOCKS, block->stack);
		pieces->items[pieces->count - 1].block_bytes = block->bytes;
	}
}

/* Its beginning may have been merged with what lies below it; its end never is. */
static void add_heaps(struct pieces *pieces, const struct smaps *smaps)
{
	for (size_t i = 0; i + 1 < smaps->count; i++) {
		const struct area *area = &smaps->items[i], *next = &area[1];
		uint64_t address = next->end - HEAP_ALIGNED_BYTES;

		if (area->kind == AREA_ANONYMOUS && !area->closed &&
		    next->kind == AREA_ANONYMOUS && next->closed &&
		    next->address == area->end && next->end % HEAP_ALIGNED_BYTES == 0 &&
		    address >= area->address && address < area->end)
			add(pieces, address, area->end, RESIDENT_HEAP);
	}
}

static const struct area *area_at(const struct smaps *smaps, uint64_t address)
{
	size_t low = 0, high = smaps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (smaps->items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < smaps->count && smaps->items[low].address <= address ? &smaps->items[low]
									  : NULL;
}

static void add_stack(struct pieces *pieces, const struct smaps *smaps, uint64_t thread,
		      uint32_t stack)
{
	const struct area *area = area_at(smaps, thread);
	uint64_t end = page_up(thread + THREAD_BYTES), address;

	if (!area || area->kind != AREA_ANONYMOUS)
		return;
	address = area->address;
	if (end > area->end)
		end = area->end;
	bool guarded = area > smaps->items && area[-1].closed && area[-1].end == address;

	if (!guarded && end - address > STACK_BYTES)
		address = end - STACK_BYTES;
	add_by(pieces, address, end, RESIDENT_STACKS, stack);
}

/* The Python stack that had the C library map this thread's. */
static uint32_t who_started(const struct heap *heap, long tid)
{
	const struct stacks *stacks = &heap->stacks;

	for (size_t i = 0; i < stacks->thread_count; i++) {
		const struct thread *thread = &stacks->threads[i];

		if (thread->tid != (uint32_t)tid || !thread->stack_block)
			continue;
		const struct large_block *block = block_table_find(&heap->blocks,
								   thread->stack_block);

		return block ? block->stack : 0;
	}
	return 0;
}

/* The main thread's has a name, and its list lies where the loader put it. */
static void add_stacks(struct pieces *pieces, const struct smaps *smaps,
		       const struct heap *heap, pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		long tid = strtol(entry->d_name, NULL, 10);
		void *list = NULL;
		size_t bytes;

		if (tid > 0 && tid != pid &&
		    !syscall(SYS_get_robust_list, tid, &list, &bytes) && list)
			add_stack(pieces, smaps, (uint64_t)(uintptr_t)list,
				  who_started(heap, tid));
	}
	if (folder)
		closedir(folder);
}

static int by_address(const void *left, const void *right)
{
	const struct piece *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

void pieces_find(const struct heap *heap, const struct ring_header *ring,
		 const struct smaps *smaps, pid_t pid, struct pieces *ret_pieces)
{
	struct pieces pieces = {0};

	add_arenas(&pieces, &heap->arenas);
	add_mappings(&pieces, &heap->mappings);
	add_blocks(&pieces, &heap->blocks);
	add_tracer(&pieces, ring);
	add_heaps(&pieces, smaps);
	add_stacks(&pieces, smaps, heap, pid);
	if (pieces.count)
		qsort(pieces.items, pieces.count, sizeof(*pieces.items), by_address);
	*ret_pieces = pieces;
}

void pieces_release(struct pieces *pieces)
{
	free(pieces->items);
	*pieces = (struct pieces){0};
}

size_t pieces_seek(const struct pieces *pieces, size_t from, uint64_t address)
{
	while (from < pieces->count && pieces->items[from].end <= address)
		from++;
	return from;
}
