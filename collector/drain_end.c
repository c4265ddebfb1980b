/*
 * The last records of a run: what a dead program left in its tables, and the mark that reports
 * compare with by default.
 */
#include "drain.h"

#include <string.h>

enum { TEMP_MOST_RECORDS = 64 };
static const uint64_t TEMP_MOST_BYTES = (1ULL << 40) - 1, TEMP_MOST_PAIRS = (1ULL << 24) - 1;

static bool waiting_kind(const struct record *r)
{
	switch (record_kind(r)) {
	case R_ALLOC_MALLOC:
	case R_ALLOC_MEM:
	case R_ALLOC_OBJECT:
	case R_SMALL_MEM:
	case R_SMALL_OBJECT:
		return stream_record_slots(r) == 1;
	default:
		return false;
	}
}

/* The head is written last and cleared first: read before and after, it holds the body. */
static struct record read_slot(const struct cancel_slot *slot)
{
	struct record r;

	/* Acquire: pairs with the program's release of a head that it filled the body for. */
	r.head = __atomic_load_n(&slot->record.head, __ATOMIC_ACQUIRE);
	r.body = __atomic_load_n(&slot->record.body, __ATOMIC_ACQUIRE);
	if (__atomic_load_n(&slot->record.head, __ATOMIC_RELAXED) != r.head)
		r.head = 0;
	r.head &= ~(0x3ffULL << 54);
	return r;
}

/*
 * An allocation goes to the ring before its slot is cleared: what was moved last may be in
 * both, and is known then.
 */
bool drain_waiting(const struct drain *drain, uint32_t i, struct record *ret_record)
{
	const struct cancel_slot *slots = ring_cancel_slots(drain->ring);
	struct record r;

	if (!slots)
		return false;
	r = read_slot(&slots[i]);
	if (!waiting_kind(&r) || heap_knows(&drain->ledger->heap, record_a(&r)))
		return false;
	*ret_record = r;
	return true;
}

static void add_waiting(struct drain *drain)
{
	struct record r;

	for (uint32_t i = 0; i < drain->ring->facts.cancel_slots; i++)
		if (drain_waiting(drain, i, &r))
			drain_add(drain, r.head, r.body);
	drain_flush(drain);
}

static uint64_t take_most(uint64_t *left, uint64_t most)
{
	uint64_t part = *left < most ? *left : most;

	*left -= part;
	return part;
}

/* Without a freeing stack it is an R_TEMP like those of programs that tell none. */
static void add_pairs(struct drain *drain, const struct temp_slot *slot, uint64_t counts)
{
	const uint32_t by[2] = {slot->freer, slot->flags};

	if (!by[0] && !by[1]) {
		drain_add(drain, record_head(R_TEMP, slot->stack), counts);
		return;
	}
	stream_put_group(&drain->batch, record_head(R_TEMP_BY, slot->stack), counts, by,
			 sizeof(by));
	drain_flush_full(drain);
}

static void add_temporary(struct drain *drain)
{
	const struct temp_slot *slots = ring_temp_slots(drain->ring);

	for (uint32_t i = 0; slots && i < drain->ring->facts.temp_slots; i++) {
		uint64_t pairs = slots[i].pairs, bytes = slots[i].bytes;

		for (int n = 0; n < TEMP_MOST_RECORDS && (pairs || bytes); n++) {
			uint64_t part = take_most(&bytes, TEMP_MOST_BYTES);

			part |= take_most(&pairs, TEMP_MOST_PAIRS) << 40;
			add_pairs(drain, &slots[i], part);
		}
	}
}

/* The clock of ticks is coarser than that of marks: none may seem to come after the end. */
static uint64_t last_known_ns(const struct heap *heap)
{
	uint64_t tick_ns = heap->windows.now_ms * 1000000;
	size_t marks = heap->marks.count;
	uint64_t mark_ns = marks ? heap->marks.items[marks - 1].figures.time_ns : 0;

	return mark_ns > tick_ns ? mark_ns : tick_ns;
}

/* Without a finalising interpreter the end is the last that is known. */
static void add_end(struct drain *drain)
{
	const struct windows *windows = &drain->ledger->heap.windows;
	struct {
		struct stream_mark figures;
		char name[3];
	} mark = {.name = {'e', 'n', 'd'}};

	drain_flush(drain);
	if (drain->ledger->ended)
		return;
	/* It waits for its profile, with everything in its place. */
	if (drain->program && drain_ended(drain))
		drain_look(drain, last_known_ns(&drain->ledger->heap));
	memset(&mark.figures, 0xff, sizeof(mark.figures));
	mark.figures.time_ns = last_known_ns(&drain->ledger->heap);
	if (windows->count && windows->items[windows->count - 1].rss_bytes)
		mark.figures.rss_bytes = windows->items[windows->count - 1].rss_bytes;
	mark.figures.pause_ns = 0;
	mark.figures.origin = MARK_TRACER;
	mark.figures.number = 0;
	stream_put_text(&drain->batch, R_MARK, 0, &mark,
			sizeof(mark.figures) + sizeof(mark.name));
	drain_flush(drain);
}

void drain_look_ahead(struct drain *drain)
{
	ledger_leave_journal(drain->ledger);
	add_waiting(drain);
	add_temporary(drain);
	drain_flush(drain);
}

void drain_finish(struct drain *drain)
{
	const struct heap *heap = &drain->ledger->heap;
	/* Relaxed: the program is gone, or has written its last. */
	uint32_t state = atomic_load_explicit(&drain->ring->header->program_state,
					      memory_order_relaxed);
	bool ended = drain_ended(drain) || heap->end == HEAP_EXEC || heap->end == HEAP_DIED;

	if (drain->program)
		drain_add_tick(drain);
	drain_add_counts(drain);
	if (!ended) {
		add_waiting(drain);
		add_temporary(drain);
	}
	/* One that gave up recording may have ended in any way since. */
	if (!ended && state != PROGRAM_INERT)
		drain_add(drain, record_head(R_DIED, 0), 0);
	add_end(drain);
}
