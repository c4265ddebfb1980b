/*
 * collection.h - what a Python event can tell about the interpreter's state beside its stack.
 *
 * Cyclic collections: an event inside one is seen by the interpreter's own `collecting` flag;
 * the edges of that flag, with the counters beside it, become R_GC records. Finalisation: the
 * runtime's own flag, looked at with each event that holds the GIL. Debug allocators: whether
 * blocks have headers in front (16 bytes) and 24 bytes on top of their request, found by
 * looking at the first blocks.
 */
#ifndef MEMTRACE_COLLECTION_H
#define MEMTRACE_COLLECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "stream.h"
#include "tap.h"
#include "thread.h"

/*
 * F_GC or 0. With the GIL it notices the beginning and end of collections and of finalisation.
 */
enum free_flags collection_flags(struct thread *self, bool gil_held);

/* The collections since the last event of Python's, as far as the interpreter still lives. */
void collection_catch_up(void);

/* The interpreter was started again: what is known of it is of the one before. */
void collection_restart(void);

/* 24 where debug allocators lie under our hooks, otherwise 0. */
uint64_t collection_debug_bytes(void);
/* The next blocks are looked at again: the hooks were just put on top of something. */
void collection_forget_debug(void);
void collection_look_for_debug(enum tap_domain domain, uint64_t address, uint64_t bytes);

#endif
