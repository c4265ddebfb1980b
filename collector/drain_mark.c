/*
 * drain_mark.c - marks asked for from outside, of a program that makes no event and so doesn't
 * see the request.
 */
#include "drain.h"

#include <string.h>

static const uint64_t MARK_PATIENCE_NS = 1000000000;

/* What the stream doesn't know yet, and what is live all the same. */
static void put_waiting(struct drain *drain)
{
	enum { SMALL_MASK = 0xffff };
	uint32_t count = drain->ring->facts.cancel_slots;
	struct record r;

	for (uint32_t i = 0; i < count; i++) {
		if (!drain_waiting(drain, i, &r))
			continue;
		bool small = record_kind(&r) == R_SMALL_MEM ||
			     record_kind(&r) == R_SMALL_OBJECT;
		uint64_t bytes = small ? record_high(&r) & SMALL_MASK : record_high(&r);

		drain_add(drain, record_head(R_WAITING, record_a(&r)),
			  record_low(&r) | bytes << 32);
	}
}

static void put_outside_mark(struct drain *drain)
{
	const char *name = drain->ring->header->mark_name;
	struct {
		struct stream_mark figures;
		char name[RING_NAME_BYTES];
	} mark;
	size_t len;

	program_figures(drain->program, &mark.figures);
	mark.figures.time_ns = drain_stream_ns(drain);
	mark.figures.pause_ns = 0;
	/* Another process may be writing there: copied once, ended by us. */
	memcpy(mark.name, name, sizeof(mark.name));
	len = strnlen(mark.name, sizeof(mark.name) - 1);
	put_waiting(drain);
	stream_put_text(&drain->batch, R_MARK, 0, &mark, sizeof(mark.figures) + len);
	drain_flush(drain);
}

/* A program that makes no event doesn't look at its mailbox. */
void drain_attend_mark(struct drain *drain)
{
	struct ring_header *header = drain->ring->header;
	/* Acquire: the name was filled before the request was raised. */
	uint32_t request = atomic_load_explicit(&header->mark_request, memory_order_acquire);
	uint32_t taken = atomic_load_explicit(&header->mark_taken, memory_order_relaxed);

	if (request == taken) {
		drain->mark_since_ns = 0;
		return;
	}
	if (drain->mark_since_ns == 0)
		drain->mark_since_ns = drain->turn_ns;
	if (drain->turn_ns - drain->mark_since_ns < MARK_PATIENCE_NS)
		return;
	/* The one of program and collector that changes it carries the mark out. */
	if (!atomic_compare_exchange_strong(&header->mark_taken, &taken, request))
		return;
	atomic_fetch_and(&header->attention, ~(uint32_t)(ATTENTION_MARK | ATTENTION_AUDIT));
	/* What the ring holds is from before the mark. */
	drain_batch(drain);
	put_outside_mark(drain);
}
