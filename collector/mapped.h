/*
 * mapped.h - what is resident of areas, by the stack that mapped them: while a look at the
 * resident set is taken (resident.h).
 *
 * Known are areas that the program, or a library of its, maps through the hooks, blocks that
 * malloc maps one by one, and stacks of threads that had an event. What others map (the loader,
 * the C library) is in no stack's figures. Stacks with least are put together: those without a
 * place among the first MAPPED_MOST.
 */
#ifndef MEMTRACE_MAPPED_H
#define MEMTRACE_MAPPED_H

#include <stddef.h>

#include "../preload/stream.h"
#include "u64map.h"

enum { MAPPED_MOST = 32, MAPPED_ITEMS_MOST = MAPPED_MOST + RESIDENT_PARTS };

struct mapped {
	struct stream_mapped *items;
	size_t count, capacity;
	struct u64map by_stack; /* part and stack → index + 1 */
};

void mapped_release(struct mapped *mapped);
/* Of address space, and what of it is resident. */
void mapped_note(struct mapped *mapped, enum resident_part part, uint32_t stack, uint64_t bytes,
		 uint64_t resident_bytes);
/*
 * Nothing more is noted: most resident first, at most MAPPED_ITEMS_MOST, the last ones those
 * that were put together. All get the look's time.
 */
void mapped_finish(struct mapped *mapped, uint64_t time_ns);

#endif
