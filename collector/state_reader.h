/*
 * state_reader.h - what the readers of a state's parts share. Private to heap_state_read*.c.
 *
 * A part that can't be understood leaves the heap as far as it was read: heap_state.h, "Trust".
 */
#ifndef MEMTRACE_STATE_READER_H
#define MEMTRACE_STATE_READER_H

#include "buf.h"
#include "heap_books.h"
#include "heap_state.h"

static inline bool state_more(const struct cursor *c)
{
	return !c->failed && c->at < c->end;
}

static inline uint32_t state_read_stack(const struct heap *heap, struct cursor *c)
{
	return known_stack(heap, cursor_varint(c));
}

struct large_block state_read_large_block(struct heap *heap, struct cursor *c);

/* One part each. */
void state_read_arena(struct heap *heap, struct cursor *c);
void state_read_large(struct heap *heap, struct cursor *c);
void state_read_mappings(struct heap *heap, struct cursor *c);
void state_read_census(struct heap *heap, struct cursor *c);

#endif
