/*
 * drain_look.c - when the collector looks at where the program's memory is (resident.h): after
 * marks, and from time to time.
 */
#include "drain.h"

#include <string.h>
#include <time.h>

#include "resident.h"

/*
 * One part in so many of a processor's time goes into looks at most, after a beginning that may
 * have some more: short runs have marks, too.
 */
enum { COST_PART = 100, STEPS_MOST = 30 };
static const uint64_t GRACE_NS = 5000000000, FIRST_STEP_NS = 500000000;

static uint64_t step_ns(const struct drain *drain)
{
	unsigned steps = drain->ledger->heap.residents.thinned;

	return FIRST_STEP_NS << (steps < STEPS_MOST ? steps : STEPS_MOST);
}

/* The collector's own: a machine that is busy with others doesn't make a look dearer. */
static uint64_t processor_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

void drain_look(struct drain *drain, uint64_t mark_ns)
{
	const struct heap *heap = &drain->ledger->heap;
	uint64_t begin = drain_stream_ns(drain), spent_ns = processor_ns();
	uint64_t rss_bytes = program_rss_bytes(drain->program);
	struct stream_resident resident;
	__attribute__((cleanup(mapped_release))) struct mapped mapped = {0};
	const struct resident_query query = {drain->program, drain->ring_path,
					     drain->ring->header, heap};
	bool known = resident_look(&query, &resident, &mapped);

	drain->look_cost_ns += processor_ns() - spent_ns;
	drain->last_look_ns = begin;
	if (!known)
		return;
	resident.time_ns = begin;
	resident.mark_ns = mark_ns;
	resident.rss_bytes = rss_bytes;
	resident.cost_ns = drain_stream_ns(drain) - begin;
	stream_put_group(&drain->batch, record_head(R_RESIDENT, 0), 0, &resident,
			 sizeof(resident));
	mapped_finish(&mapped, begin);
	for (size_t i = 0; i < mapped.count; i++)
		stream_put_group(&drain->batch, record_head(R_MAPPED, 0), 0, &mapped.items[i],
				 sizeof(mapped.items[i]));
	drain_flush(drain);
}

/* The tracer's own come at the beginning, where nobody looks back to; but for the end. */
static bool is_worth_it(const struct mark *mark)
{
	return mark->figures.origin != MARK_TRACER || strcmp(mark->base, "end") == 0;
}

/* The newest mark, if it is new. */
static const struct mark *new_mark(struct drain *drain)
{
	const struct marks *marks = &drain->ledger->heap.marks;
	const struct mark *mark = marks->count ? &marks->items[marks->count - 1] : NULL;

	if (!mark || mark->figures.time_ns == drain->looked_mark_ns)
		return NULL;
	drain->looked_mark_ns = mark->figures.time_ns;
	return is_worth_it(mark) ? mark : NULL;
}

bool drain_look_wanted(const struct drain *drain)
{
	const struct ring_header *header = drain->ring->header;

	return atomic_load(&header->look_wanted) != atomic_load(&header->looked);
}

/*
 * The program waits before it tears down what the look is for. Others may have made marks
 * since.
 */
static const struct mark *awaited_mark(const struct drain *drain)
{
	const struct marks *marks = &drain->ledger->heap.marks;
	const uint32_t wanted = atomic_load(&drain->ring->header->look_wanted);

	if (!wanted || !drain_look_wanted(drain))
		return NULL;
	for (size_t i = marks->count; i > 0; i--)
		if (marks->items[i - 1].figures.number == wanted)
			return &marks->items[i - 1];
	return NULL;
}

void drain_attend_look(struct drain *drain)
{
	const struct mark *awaited = awaited_mark(drain), *mark = new_mark(drain);
	uint64_t now = drain_stream_ns(drain);
	bool may = drain->look_cost_ns * COST_PART <= now + GRACE_NS;

	if (awaited)
		drain_look(drain, awaited->figures.time_ns);
	else if (mark && may)
		drain_look(drain, mark->figures.time_ns);
	else if (may && now - drain->last_look_ns >= step_ns(drain))
		drain_look(drain, 0);
	if (awaited)
		atomic_store(&drain->ring->header->looked,
			     atomic_load(&drain->ring->header->look_wanted));
}
