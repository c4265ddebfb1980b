#include "gate_chains.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

static bool is_own(const struct lines *lines, const struct frame *frame)
{
	return frame->kind == FRAME_CODE && lines->places[frame->place].own;
}

/* Of a comprehension's name the function's that it is in. */
static size_t name_length(const char *name)
{
	static const char *const comprehensions[] = {
		".<locals>.<listcomp>", ".<locals>.<dictcomp>", ".<locals>.<setcomp>"};
	size_t len = strlen(name);
	for (size_t i = 0; i < sizeof comprehensions / sizeof comprehensions[0]; i++) {
		const size_t tail = strlen(comprehensions[i]);
		if (len > tail && !memcmp(name + len - tail, comprehensions[i], tail)) {
			len -= tail;
			i = (size_t)-1;
		}
	}
	return len;
}

static bool is_called(const struct gate_chain *chain, const char *name, size_t len)
{
	return chain->name && chain->name_len == len && !memcmp(chain->name, name, len);
}

/* Before 3.11, where names aren't qualified. */
static bool is_comprehension(const char *name)
{
	return !strcmp(name, "<listcomp>") || !strcmp(name, "<dictcomp>") ||
	       !strcmp(name, "<setcomp>");
}

/* The chain of a function that was called from the end of another one. */
static uint32_t chain_below(struct gate_chains *chains, struct u64map *known, uint32_t parent,
			    const struct frame *frame)
{
	const size_t len = name_length(frame->function);
	if (is_called(&chains->items[parent], frame->function, len) ||
	    is_comprehension(frame->function) || chains->items[parent].depth == GATE_CHAIN_MOST)
		return parent;
	uint64_t *index = u64map_put(known, (uint64_t)parent << 32 |
						    ((uint64_t)frame->function_id + 1));
	if (*index)
		return (uint32_t)*index;
	chains->items = mem_grow(chains->items, &chains->capacity, chains->count + 1,
				 sizeof chains->items[0]);
	chains->items[chains->count] =
		(struct gate_chain){.parent = parent,
				    .depth = chains->items[parent].depth + 1,
				    .name = frame->function,
				    .name_len = len};
	*index = chains->count++;
	return (uint32_t)*index;
}

static uint32_t *chains_of_traces(const struct lines *lines, struct gate_chains *chains)
{
	uint32_t *of_trace = mem_alloc(lines->trace_count * sizeof of_trace[0]);
	struct u64map known;
	u64map_init(&known);
	for (size_t i = 1; i < lines->trace_count; i++) {
		const struct frame *frame = lines_frame(lines, (uint32_t)i);
		const uint32_t outer = of_trace[lines->traces[i].parent];
		of_trace[i] = is_own(lines, frame) ? chain_below(chains, &known, outer, frame)
						   : outer;
	}
	u64map_release(&known);
	return of_trace;
}

static uint64_t *bytes_of_traces(const struct lines *lines)
{
	const struct profile *profile = lines->profile;
	uint64_t *bytes = mem_alloc(lines->trace_count * sizeof bytes[0]);
	for (size_t i = 0; i < profile->site_count; i++)
		bytes[lines->trace_of[profile->sites[i].stack]] += profile->sites[i].live_bytes;
	return bytes;
}

void gate_chains_compute(const struct lines *lines, struct gate_chains *ret_chains)
{
	const struct profile *profile = lines->profile;
	struct gate_chains chains = {.count = 1};
	chains.items = mem_grow(NULL, &chains.capacity, 1, sizeof chains.items[0]);
	chains.items[0] = (struct gate_chain){.parent = 0};
	chains.of_trace = chains_of_traces(lines, &chains);
	__attribute__((cleanup(mem_scope))) uint64_t *bytes = bytes_of_traces(lines);
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct profile_site *site = &profile->sites[i];
		const uint32_t trace = lines->trace_of[site->stack];
		struct gate_chain *chain = &chains.items[chains.of_trace[trace]];
		chain->live_bytes += site->live_bytes;
		chain->live_blocks += site->live_blocks;
		if (bytes[trace] > chain->trace_bytes) {
			chain->trace_bytes = bytes[trace];
			chain->trace = trace;
		}
	}
	*ret_chains = chains;
}

void gate_chains_release(struct gate_chains *chains)
{
	free(chains->items);
	free(chains->of_trace);
	*chains = (struct gate_chains){.count = 0};
}

void gate_chains_key(const struct gate_chains *chains, uint32_t chain, struct buf *key)
{
	const size_t depth = chains->items[chain].depth;
	if (!depth)
		buf_printf(key, "(no own code)");
	__attribute__((cleanup(mem_scope)))
	uint32_t *path = mem_alloc((depth + 1) * sizeof path[0]);
	size_t left = depth;
	for (uint32_t at = chain; at; at = chains->items[at].parent)
		path[--left] = at;
	for (size_t i = 0; i < depth; i++) {
		const struct gate_chain *item = &chains->items[path[i]];
		buf_printf(key, "%s%.*s", i ? " > " : "", (int)item->name_len, item->name);
	}
}
