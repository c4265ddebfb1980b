/*
 * state_writer.h - parts of a state into records, and records on to where they are wanted.
 */
#ifndef MEMTRACE_STATE_WRITER_H
#define MEMTRACE_STATE_WRITER_H

#include "buf.h"
#include "heap_state.h"

struct state_writer {
	const struct heap *heap;
	const struct state_sink *sink;
	struct err *err;
	struct buf part;    /* payload of the part that is being put together */
	struct buf records; /* not handed on yet */
	bool failed;        /* what follows is left out */
};

void state_writer_release(struct state_writer *writer);
/* Hands on what is there, in batches that a journal takes, cut between groups. */
void state_hand_on(struct state_writer *writer);
/* Hands on what is there once it is enough. */
void state_hand_on_many(struct state_writer *writer);
/* The part that was put together becomes a text. */
void state_text(struct state_writer *writer, enum record_kind kind, uint32_t id);
void state_part(struct state_writer *writer, enum state_part part);
/* Into the part: a number; a difference, which may be negative. */
void state_number(struct state_writer *writer, uint64_t value);
void state_difference(struct state_writer *writer, int64_t value);
void state_numbers(struct state_writer *writer, const uint64_t *values, size_t count);

/* Codes, nodes, threads and facts; and the texts that are half there. */
void state_definitions(struct state_writer *writer);
void state_half_texts(struct state_writer *writer);

#endif
