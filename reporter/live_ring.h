/*
 * live_ring.h - the header of a running program's ring, to ask for something in it.
 *
 * The first page is mapped shared. What is read there is the program's word: numbers to compare
 * and states to wait for, never sizes or offsets.
 */
#ifndef MEMTRACE_LIVE_RING_H
#define MEMTRACE_LIVE_RING_H

#include <stdint.h>

#include "../collector/err.h"
#include "../preload/stream.h"

struct live_ring {
	int fd;
	struct ring_header *header; /* NULL: not open */
	char *out;                  /* the run's OUT, as seen from here */
};

/* A process number; 0: this is none. */
uint32_t live_ring_pid(const char *text);
/*
 * The ring that the process maps, if it is its own: after a fork the parent's may be mapped
 * still.
 */
int live_ring_of_process(uint32_t pid, struct live_ring *ret_ring, struct err *err);
/* Of the run OUT. */
int live_ring_of_run(const char *out, struct live_ring *ret_ring, struct err *err);
void live_ring_release(struct live_ring *ring);

#endif
