#include "c_heap.h"

#include <stdlib.h>
#include <string.h>

static uint64_t number(const struct profile *profile, const char *key)
{
	const char *text = profile_info(profile, key);
	return text ? strtoull(text, NULL, 10) : 0;
}

static void take_details(const struct profile *profile, struct c_heap *heap)
{
	heap->detailed = true;
	heap->arenas = number(profile, "c_heap.arenas");
	heap->free_chunks = number(profile, "c_heap.free_chunks");
	heap->fast_bytes = number(profile, "c_heap.fast_bytes");
	heap->trim_bytes = number(profile, "c_heap.trim_bytes");
}

struct c_heap c_heap_at(const struct profile *profile, const struct moment *moment)
{
	struct c_heap heap = {.allocator = profile_info(profile, "c_heap.allocator")};
	const char *detailed = profile_info(profile, "c_heap.mark");
	if (moment->kind != MOMENT_MARK)
		return heap;
	const struct stream_mark *figures = &profile->marks[moment->mark].figures;
	heap.known = figures->heap_bytes != UINT64_MAX &&
		     figures->heap_free_bytes != UINT64_MAX;
	if (!heap.known)
		return heap;
	heap.bytes = figures->heap_bytes;
	heap.mapped_bytes = figures->heap_mapped_bytes;
	heap.used_bytes = figures->heap_used_bytes;
	heap.free_bytes = figures->heap_free_bytes;
	heap.top_bytes = figures->heap_top_bytes;
	if (detailed && strcmp(detailed, moment->name) == 0)
		take_details(profile, &heap);
	return heap;
}

uint64_t c_heap_trim_bytes(const struct c_heap *heap)
{
	return heap->detailed ? heap->trim_bytes : heap->free_bytes;
}
