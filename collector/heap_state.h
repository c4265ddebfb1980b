/*
 * heap_state.h - a heap as records that make it again.
 *
 * A checkpoint (checkpoint.h) is a journal whose records, applied to an empty heap, leave the
 * same heap as all the records before them did: definitions (R_CODE, R_NODE, R_THREAD, R_INFO)
 * as they came, texts that were half there as far as they were, and everything else as R_STATE.
 * So whoever replays a journal needs to know nothing of checkpoints, and a run that goes on
 * from one ends with the same profile, byte for byte.
 *
 * Trust: parts of a state are checked like any input. A damaged part is left out; then the
 * books don't balance, and heap_check says so.
 */
#ifndef MEMTRACE_HEAP_STATE_H
#define MEMTRACE_HEAP_STATE_H

#include "heap.h"

/* What an R_STATE text holds: its id. Layouts are in heap_state_write.c. */
enum state_part {
	STATE_BEGIN = 1, /* the heap is being made; its records aren't the run's */
	STATE_COUNTS,
	STATE_THREADS,
	STATE_WINDOWS,
	STATE_SITES,
	STATE_LIFETIMES,
	STATE_ARENA, /* with its pools and blocks */
	STATE_LARGE,
	STATE_MAPPINGS,
	STATE_CENSUS,
	STATE_MARK,
	STATE_COURSE,
	STATE_POINT,
	STATE_WAITING,
	STATE_REALLOCS,
	STATE_AUDITS,
	STATE_GARBAGE,
	STATE_RESIDENTS,
	STATE_FREES,
	STATE_MAPPED,
	STATE_END,
};

/* Takes whole groups of records, in order; they may be changed. -1: no more are wanted. */
struct state_sink {
	int (*take)(void *user, struct record *records, size_t count, struct err *err);
	void *user;
};

/* -1: the sink refused, or the heap has a part that no text can hold. */
int heap_state_write(const struct heap *heap, const struct state_sink *sink, struct err *err);
/* R_STATE. */
void heap_state_apply(struct heap *heap, const struct record *r);

#endif
