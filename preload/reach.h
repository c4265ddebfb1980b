/*
 * reach.h - whether the program's mallocs come here at all.
 *
 * They don't where another one stands in front: an allocator or a sanitizer that was preloaded
 * before this library or is part of the program, or valgrind, which puts its own code in the
 * place of every malloc. Nobody says so; what is left to record is Python's own blocks.
 */
#ifndef MEMTRACE_REACH_H
#define MEMTRACE_REACH_H

#include <stdbool.h>

/* Tries it with one malloc as the program's, and sends the fact. The guard is held. */
void reach_look(void);
/*
 * Whether another copy of this library stands in front, as where one is in the environment and
 * `memtrace run` belongs to another installation. Two would wrap each other's hooks in turn.
 */
bool reach_is_second(void);
/* The malloc that serves: the first in the loader's order, or else the next after ours. */
const void *reach_serving_malloc(void);
/* What tells one loaded object from another: that of an address, or NULL. */
const void *reach_object(const void *address);

#endif
