/*
 * cancel.h - the table in which small allocations wait for their free.
 *
 * Most small blocks are freed soon. An allocation waits in the one slot that its address leads
 * to; a free that finds it there removes both, and the pair is counted for its stack. Another
 * allocation that needs the slot sends the waiting one into the ring first.
 *
 * Order, per address: the record leaves for the ring and is committed before its slot is
 * overwritten, both under the slot's lock, and a free takes the same lock: an address's free
 * can't be recorded before its allocation. An allocation that finds the slot locked goes into
 * the ring itself.
 *
 * The table lies in the ring's file: what waits in it when the process is killed is live.
 */
#ifndef MEMTRACE_CANCEL_H
#define MEMTRACE_CANCEL_H

#include <stdbool.h>

#include "freer.h"
#include "stream.h"

/* Largest request that waits: the high-water mark doesn't see what does. */
enum { CANCEL_LARGEST_BYTES = STREAM_WAITING_MOST_BYTES };

/* Off with MEMTRACE_EVENTS=all: every event goes into the ring. Set before the first. */
extern bool cancel_on;
/*
 * On, and a pair is counted for the stack that allocated alone. Where the freeing stack counts
 * too (freer.h), the functions below that take a struct freer take the place of their
 * namesakes.
 */
extern bool cancel_plain;

/* The record of an allocation of at most CANCEL_LARGEST_BYTES. */
void cancel_put(struct record record);
/*
 * True: the allocation at the address was still here; both are gone, *ret_record is what it
 * was.
 */
bool cancel_take(uint64_t address, struct record *ret_record);
/* The allocation at the address into the ring, if it is still here. */
void cancel_send(uint64_t address);
/*
 * True: the allocation at the address was still here, and is this stack's now. For the stack
 * that it was, a pair is counted.
 */
bool cancel_retag(uint64_t address, uint32_t stack);
/* The same pair, as if it had not been taken: a realloc failed. */
void cancel_restore(struct record record);
/* The same three where a pair is counted for both its stacks. */
bool cancel_take_by(uint64_t address, struct freer by, struct record *ret_record);
bool cancel_retag_by(uint64_t address, uint32_t stack, struct freer by);
void cancel_restore_by(struct record record, struct freer by);
/* Everything into the ring: waiting allocations, and the counts of cancelled pairs. */
void cancel_flush(void);

#endif
