/*
 * pins.h - who holds an arena: its live blocks, summed up by stack.
 *
 * Filled block by block for one arena after the other and emptied in between. A stack that
 * comes again is found in an open-addressing table of item numbers.
 *
 * Memory: as much as the arena with the most stacks took; 40 bytes a stack.
 */
#ifndef MEMTRACE_PINS_H
#define MEMTRACE_PINS_H

#include <stddef.h>
#include <stdint.h>

struct pin {
	uint32_t stack;
	uint32_t blocks;
	uint32_t block_bytes;    /* with the bytes that their size class adds */
	uint32_t bytes;          /* requested */
	uint32_t oldest, newest; /* birth windows */
};

struct pins {
	struct pin *items;
	size_t count, capacity;
	uint32_t *slots;   /* 1 + item, 0: empty */
	size_t slot_count; /* a power of two, at least twice `count` */
	struct pin *last;  /* of the block before */
};

void pins_init(struct pins *pins);
void pins_release(struct pins *pins);
/* Ready for the next arena; after pins_sort_by_stack the only thing to do. */
void pins_clear(struct pins *pins);
void pins_sort_by_stack(struct pins *pins);
/* The pin of a stack, made where there is none. */
struct pin *pins_of(struct pins *pins, uint32_t stack);

/* Blocks that lie side by side mostly have one stack. */
static inline void pins_add(struct pins *pins, uint32_t stack, uint32_t block_bytes,
			    uint32_t bytes, uint32_t window)
{
	struct pin *pin = pins->last;

	if (!pin || pin->stack != stack)
		pins->last = pin = pins_of(pins, stack);
	if (pin->blocks == 0 || window < pin->oldest)
		pin->oldest = window;
	if (window > pin->newest)
		pin->newest = window;
	pin->blocks++;
	pin->block_bytes += block_bytes;
	pin->bytes += bytes;
}

#endif
