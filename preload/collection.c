#include "collection.h"

#include "gc_clock.h"
#include "gc_settings.h"
#include "life.h"
#include "pystack.h"
#include "ring.h"

enum {
	GENERATIONS = 3,
	STATS_BYTES = 24,     /* struct gc_generation_stats: three Py_ssize_t */
	RING_ITEM_BYTES = 64, /* and that of 3.15, with the first of the same at: */
	RING_COUNTS = 16,
	SELDOM = 4096, /* objects: where no collection is timed */
};

/* Of the first interpreter only: it is the one whose collections become records. */
static const char *main_interp;
static int64_t collections_seen[GENERATIONS];
static int64_t collected_seen[GENERATIONS];
/*
 * Set when a field holds what it can't: the layout doesn't fit, nothing is read through it
 * again.
 */
static bool distrusted;
static bool finalisation_seen;

struct collection_watch collection_watch;

static const char *collector_state(const char *interp)
{
	const struct layout *layout = &python.layout;

	return layout->runtime_gc == LAYOUT_NONE
		       ? interp + layout->interp_gc
		       : (const char *)python.runtime + layout->runtime_gc;
}

/*
 * From 3.15 on each generation has a ring of figures (struct gc_stats of
 * pycore_interp_structs.h), an item for each of its last collections: when it began and ended,
 * in nanoseconds, and what counts from the start, as the only figures of older versions do.
 * `back`: 0 is the newest. NULL: not made yet, or overwritten.
 */
static const char *item_in_ring(const char *stats, unsigned generation, int64_t back)
{
	static const struct {
		uint16_t offset, items;
	} rings[GENERATIONS] = {{0, 11}, {712, 3}, {912, 3}};
	uint8_t items = (uint8_t)rings[generation].items;
	const char *figures;

	memcpy(&figures, stats, sizeof(figures));
	if (!figures || back >= items)
		return NULL;
	figures += rings[generation].offset;
	uint8_t newest = (uint8_t)figures[items * RING_ITEM_BYTES];
	int place = (newest + items - (int)back) % items;

	return newest < items ? figures + place * RING_ITEM_BYTES : NULL;
}

/* index 0: collections, 1: objects collected. */
static int64_t read_stat(const char *interp, unsigned generation, unsigned index)
{
	const char *stats = collector_state(interp) + python.layout.gc_stats;
	int64_t value;

	if (!python.layout.gc_rings_bytes)
		stats += generation * STATS_BYTES;
	else if ((stats = item_in_ring(stats, generation, 0)))
		stats += RING_COUNTS;
	if (!stats)
		return 0;
	memcpy(&value, stats + index * 8, sizeof(value));
	return value;
}

/* In nanoseconds, as the interpreter says; 0: it doesn't. */
static uint64_t read_duration(const char *interp, unsigned generation, int64_t back)
{
	const char *stats = collector_state(interp) + python.layout.gc_stats;
	const char *item = python.layout.gc_rings_bytes ? item_in_ring(stats, generation, back)
							: NULL;
	int64_t times[2];

	if (!item)
		return 0;
	memcpy(times, item, sizeof(times));
	return times[1] > times[0] ? (uint64_t)times[1] - (uint64_t)times[0] : 0;
}

static int32_t read_collecting(const char *interp)
{
	int32_t value;

	memcpy(&value, collector_state(interp) + python.layout.gc_collecting, sizeof(value));
	return value;
}

static void watch_collecting(void)
{
	const struct layout *layout = &python.layout;
	bool in_interpreter = layout->runtime_gc == LAYOUT_NONE;

	collection_watch.fixed = in_interpreter ? NULL : collector_state(NULL);
	collection_watch.collecting = layout->gc_collecting +
				      (in_interpreter ? layout->interp_gc : 0);
	collection_watch.trusted = !distrusted;
}

/* Nothing runs yet at the first event of an interpreter: flags are clear and counters small. */
static void take_first(const char *interp)
{
	main_interp = interp;
	distrusted = read_collecting(interp) != 0 || python_finaliser();
	for (unsigned i = 0; i < GENERATIONS && python.layout.gc_stats != LAYOUT_NONE; i++) {
		collections_seen[i] = read_stat(interp, i, 0);
		collected_seen[i] = read_stat(interp, i, 1);
		if (collections_seen[i] < 0 || collections_seen[i] > 1 << 20)
			distrusted = true;
	}
	watch_collecting();
}

static void record_end(unsigned generation, int64_t collected, uint64_t took_ns)
{
	uint64_t most = (1ULL << (48 - R_GC_TIME_SHIFT)) - 1;
	uint64_t took = took_ns < most ? took_ns : most;

	ring_put(record_head(R_GC, generation | R_GC_END | took << R_GC_TIME_SHIFT),
		 (uint64_t)collected);
}

static int64_t ended_of(const char *interp, unsigned generation)
{
	int64_t count = read_stat(interp, generation, 0) - collections_seen[generation];

	return count > 0 ? count : 0;
}

static void record_ended_of(const char *interp, unsigned generation, bool with_objects,
			    uint64_t took_ns)
{
	int64_t count = ended_of(interp, generation);
	int64_t collected = read_stat(interp, generation, 1) - collected_seen[generation];

	if (!count || collected < 0 || (with_objects && !collected))
		return;
	collections_seen[generation] += count;
	collected_seen[generation] += collected;
	for (; count > 0; count--, collected = 0) {
		uint64_t told_ns = read_duration(interp, generation, count - 1);

		record_end(generation, collected, told_ns ? told_ns : took_ns);
	}
}

/*
 * Every collection that has ended since we looked last; false: none has. At most one of them
 * had events, most often because it freed objects: that one has a beginning, and its end goes
 * first. `timed`: if it is one alone, it ended just now on that thread; NULL: nobody knows
 * when.
 */
static bool record_ended(const struct thread *timed, const char *interp)
{
	int64_t count = 0;

	if (python.layout.gc_stats == LAYOUT_NONE)
		return false;
	for (unsigned i = 0; i < GENERATIONS; i++)
		count += ended_of(interp, i);
	if (!count)
		return false;
	uint64_t took_ns = timed && count == 1 ? gc_clock_took(timed) : 0;

	for (unsigned i = 0; i < GENERATIONS; i++)
		record_ended_of(interp, i, true, took_ns);
	for (unsigned i = 0; i < GENERATIONS; i++)
		record_ended_of(interp, i, false, took_ns);
	return true;
}

/* What is waited for has come, or doesn't any more: events may be quick. */
static void wait_no_more(void)
{
	gc_clock.watching = false;
	collection_watch.trusted = !distrusted;
}

static void look_for_end(const struct thread *self, const char *interp)
{
	if (!record_ended(self, interp))
		return;
	gc_clock_forget();
	wait_no_more();
}

/* Without a GIL every running thread sees the same edge: the first one records it. */
static bool take_edge(bool inside)
{
	static _Atomic bool seen_inside;

	return atomic_exchange(&seen_inside, inside) != inside || !python.layout.free_threaded;
}

static void record_edge(struct thread *self, const char *interp, bool inside)
{
	static _Atomic bool recording;

	self->in_collection = inside;
	if (interp != main_interp || !take_edge(inside))
		return;
	/* Two may have taken edges one after the other; what one leaves, the next one finds. */
	if (atomic_exchange(&recording, true))
		return;
	/* What began before this one began is not what was waited for. */
	if (record_ended(inside ? NULL : self, interp) || !inside)
		gc_clock_forget();
	wait_no_more();
	collection_look();
	atomic_store(&recording, false);
	if (inside)
		ring_put(record_head(R_GC, R_GC_UNKNOWN), 0);
}

/*
 * The interpreter frees the states of all other threads next, and they may be walking theirs
 * without the GIL: it gets on when they are done. Later walks see the finaliser first
 * (pystack.c).
 */
static void look_for_finalisation(const struct thread *self, const void *tstate, bool gil_held)
{
	const void *finaliser = python_finaliser();

	if (__builtin_expect(!finaliser, 1) || distrusted || finalisation_seen ||
	    (gil_held ? tstate : pystack_tstate()) != finaliser)
		return;
	thread_wait_for_walks(self);
	collection_catch_up();
	finalisation_seen = true;
	life_finalising();
}

enum free_flags collection_notice(struct thread *self, const char *tstate, bool gil_held)
{
	if (python.has_layout)
		look_for_finalisation(self, tstate, gil_held);
	/*
	 * Without the GIL the flag may be another thread's: ours as we saw it last still holds.
	 */
	if (!gil_held || distrusted)
		return self->in_collection ? F_GC : 0;
	if (!tstate)
		return 0;
	const char *interp;

	memcpy(&interp, tstate + python.layout.tstate_interp, sizeof(interp));
	if (!main_interp)
		take_first(interp);
	if (distrusted)
		return 0;
	bool inside = read_collecting(interp) != 0;

	if (inside != self->in_collection)
		record_edge(self, interp, inside);
	else if (gc_clock.watching && !inside && interp == main_interp)
		look_for_end(self, interp);
	return inside ? F_GC : 0;
}

/* The counters go with the interpreter's state, which until 3.10 is no static memory. */
static bool can_read(void)
{
	bool gone = finalisation_seen && python.minor <= 10;

	return main_interp && !distrusted && !gone;
}

void collection_look(void)
{
	if (can_read())
		gc_settings_look(collector_state(main_interp), &python.layout);
}

static bool is_timed(const char *interp)
{
	const struct layout *layout = &python.layout;

	return interp && interp == main_interp && !distrusted && !finalisation_seen &&
	       !layout->free_threaded && !layout->gc_rings_bytes &&
	       layout->gc_stats != LAYOUT_NONE;
}

static void expect(const struct thread *self, const char *interp)
{
	/* Objects until the next look: in a collection, and while nothing can be read yet. */
	enum { INSIDE = 16, EARLY = 64 };
	struct gc_young young;

	if (read_collecting(interp)) {
		gc_clock.objects_left = INSIDE;
		return;
	}
	if (gc_clock.start_ns)
		look_for_end(self, interp);
	gc_clock.objects_left = EARLY;
	if (!gc_settings_young(collector_state(interp), &python.layout, &young)) {
		collection_look();
		return;
	}
	gc_clock_expect(self, &young);
	collection_watch.trusted = !gc_clock.watching;
	if (gc_clock.watching)
		life_slow_down();
}

void collection_expect(struct thread *self, const char *tstate)
{
	const char *interp = NULL;

	if (python.has_layout && tstate)
		memcpy(&interp, tstate + python.layout.tstate_interp, sizeof(interp));
	bool timed = is_timed(interp);

	self->objects_left = timed ? &gc_clock.objects_left : &self->own_objects_left;
	self->own_objects_left = SELDOM;
	if (timed)
		expect(self, interp);
}

void collection_catch_up(void)
{
	if (can_read())
		record_ended(NULL, main_interp);
	collection_look();
}

void collection_restart(void)
{
	main_interp = NULL;
	finalisation_seen = false;
	gc_clock_forget();
	collection_watch.trusted = false;
	life_slow_down();
}
