#include "drain.h"

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"

enum {
	BATCH_RECORDS = 1 << 14,
	BATCH_ROOM = BATCH_RECORDS + 64, /* with what the collector puts in front */
	/*
	 * So many waiting records make a batch worth its frame; fewer wait BATCH_NS for more.
	 */
	BATCH_WORTH = 1 << 12,
};
static const uint64_t MS = 1000000;
static const uint64_t BATCH_NS = 20 * MS;
static const uint64_t TICK_NS = 50 * MS, IDLE_TICK_NS = 1000 * MS;
static const uint64_t SHORT_NAP_NS = 1 * MS, LONG_NAP_NS = 10 * MS;
/* A collector that was stopped itself has seen nothing of the program in that time. */
static const uint64_t TURN_MOST_NS = 50 * MS;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

/* Since the stream began; the header's time is the program's word. */
uint64_t drain_stream_ns(const struct drain *drain)
{
	uint64_t start = drain->ring->facts.start_mono_ns;
	uint64_t now = now_ns();

	return now > start ? now - start : 0;
}

/* Threads of the program that wait for room take a collector without it for a dead one. */
static void beat(void *user)
{
	struct ring *ring = user;

	/* Relaxed: it only has to move. */
	atomic_fetch_add_explicit(&ring->header->heartbeat, 1, memory_order_relaxed);
}

void drain_init(struct drain *drain, struct ledger *ledger, struct ring *ring,
		const struct program *program, const char *ring_path)
{
	memset(drain, 0, sizeof(*drain));
	drain->ledger = ledger;
	drain->ring = ring;
	drain->program = program;
	drain->ring_path = ring_path;
	drain->nap_ns = SHORT_NAP_NS;
	drain->turn_ns = now_ns();
	buf_init(&drain->batch);
	drain->exec_shows = program && program_maps(program, ring_path, ring->inode);
	/* A dead program's ring is mapped for reading only, and nobody waits there. */
	ledger->pulse = program ? (struct pulse){beat, ring} : (struct pulse){0};
}

void drain_release(struct drain *drain)
{
	buf_release(&drain->batch);
	drain->ledger->pulse = (struct pulse){0};
}

void drain_add(struct drain *drain, uint64_t head, uint64_t body)
{
	struct record r = {head, body};

	buf_append(&drain->batch, &r, sizeof(r));
	drain_flush_full(drain);
}

void drain_flush_full(struct drain *drain)
{
	if (drain->batch.len >= BATCH_RECORDS * sizeof(struct record))
		drain_flush(drain);
}

void drain_flush(struct drain *drain)
{
	uint64_t at = drain->ring->tail;
	size_t count = drain->batch.len / sizeof(struct record);

	ledger_take(drain->ledger, (struct record *)(void *)drain->batch.data, count, at, at);
	drain->batch.len = 0;
}

void drain_add_tick(struct drain *drain)
{
	uint64_t rss = drain->program ? program_rss_bytes(drain->program) : 0;

	drain->tick_ns = now_ns();
	if (rss)
		drain->rss_bytes = rss;
	drain_add(drain, record_head(R_TICK, drain_stream_ns(drain) / MS), drain->rss_bytes);
}

void drain_add_counts(struct drain *drain)
{
	const struct ring_header *header = drain->ring->header;
	/* Relaxed: counters on their own. */
	uint64_t dropped = atomic_load_explicit(&header->dropped_events, memory_order_relaxed);
	uint64_t waited = atomic_load_explicit(&header->waited_ns, memory_order_relaxed);

	if (dropped == drain->dropped_events && waited == drain->waited_ns)
		return;
	drain->dropped_events = dropped;
	drain->waited_ns = waited;
	drain_add(drain, record_head(R_COUNTS, dropped), waited);
}

/* The journal has nothing in place of what was bad: the next batch tells what it was. */
static void note_damage(struct drain *drain)
{
	const struct stream_check *check = &drain->ledger->check;
	char text[sizeof(check->first_bad.text) + 16];

	if (drain->damage_told || check->bad_records == 0 || !check->first_bad.text[0])
		return;
	drain->damage_told = true;
	snprintf(text, sizeof(text), "first_damage=%s", check->first_bad.text);
	stream_put_text(&drain->batch, R_INFO, 0, text, strlen(text));
}

/* True: the ring had something. Positions become free once their records are applied. */
static bool take_batch(struct drain *drain)
{
	struct buf *batch = &drain->batch;
	uint64_t before = drain->ring->tail;
	struct record *records;
	size_t own, count;

	own = batch->len / sizeof(*records);
	if (batch->capacity < BATCH_ROOM * sizeof(*records)) {
		batch->data = mem_resize(batch->data, BATCH_ROOM * sizeof(*records));
		batch->capacity = BATCH_ROOM * sizeof(*records);
	}
	records = (struct record *)(void *)batch->data;
	count = own + ring_copy(drain->ring, records + own, BATCH_RECORDS);
	ledger_take(drain->ledger, records, count, before, drain->ring->tail);
	batch->len = 0;
	note_damage(drain);
	drain->stuck = drain->ring->tail == before && ring_waiting(drain->ring) > 0;
	if (drain->ring->tail == before)
		return false;
	if (drain->program)
		ring_publish(drain->ring);
	if (drain->forked && count && record_kind(&records[count - 1]) == R_FORK)
		drain->forked(drain->user, record_a(&records[count - 1]));
	drain->batch_ns = drain->turn_ns;
	return true;
}

bool drain_batch(struct drain *drain)
{
	uint64_t since = drain->turn_ns - drain->tick_ns;
	bool busy = ring_waiting(drain->ring) > 0;

	if (drain->program && since >= (busy ? TICK_NS : IDLE_TICK_NS)) {
		drain_add_tick(drain);
		drain_add_counts(drain);
	}
	return take_batch(drain);
}

/* Small frames would cost more than their content, and what lies in the ring is safe there. */
static bool batch_due(const struct drain *drain)
{
	const struct ring_header *header = drain->ring->header;
	/* Acquire: pairs with the program's store after its last record. */
	uint32_t state = atomic_load_explicit(&header->program_state, memory_order_acquire);

	return state != PROGRAM_TRACED || drain_look_wanted(drain) ||
	       ring_waiting(drain->ring) >= BATCH_WORTH ||
	       drain->turn_ns - drain->batch_ns >= BATCH_NS;
}

bool drain_ended(const struct drain *drain)
{
	enum heap_end end = drain->ledger->heap.end;

	return end == HEAP_EXIT || end == HEAP_UNDERSCORE_EXIT || end == HEAP_ABORT;
}

/*
 * After R_EXEC: the new image doesn't map the ring; one that could not be started still does.
 */
static bool replaced(const struct drain *drain)
{
	return drain->ledger->heap.end == HEAP_EXEC && drain->exec_shows &&
	       !program_maps(drain->program, drain->ring_path, drain->ring->inode);
}

/* The interpreter's own lines differ from ours: stacks from here on would be guesses. */
static void stop_stacks(struct drain *drain)
{
	const struct stacks *stacks = &drain->ledger->heap.stacks;
	char text[160];
	int len;

	if (drain->stacks_stopped || stacks->checks_differing == 0)
		return;
	drain->stacks_stopped = true;
	atomic_fetch_or(&drain->ring->header->attention, ATTENTION_NO_STACKS);
	len = snprintf(text, sizeof(text),
		       "stacks=off: the interpreter and its line tables disagree "
		       "(%llu of %llu first lines)",
		       (unsigned long long)stacks->checks_differing,
		       (unsigned long long)(stacks->checks + stacks->checks_differing));
	stream_put_text(&drain->batch, R_INFO, 0, text, (size_t)len);
	drain_flush(drain);
}

static void begin_turn(struct drain *drain)
{
	uint64_t now = now_ns(), elapsed = now - drain->turn_ns;

	drain->turn_ns = now;
	beat(drain->ring);
	if (elapsed > TURN_MOST_NS)
		elapsed = TURN_MOST_NS;
	/* Time doesn't pass for a hole whose thread can't run. */
	if (!drain->stuck || program_stopped(drain->program))
		elapsed = 0;
	ring_age(drain->ring, elapsed);
}

static void nap(struct drain *drain, bool busy)
{
	uint64_t longer = drain->nap_ns + SHORT_NAP_NS;
	_Atomic uint32_t *wanted = &drain->ring->header->look_wanted;
	const struct timespec slice = {.tv_nsec = (long)drain->nap_ns};

	/* A program that waits for a look ends it at once. */
	syscall(SYS_futex, wanted, FUTEX_WAIT, atomic_load(wanted), &slice, NULL, 0);
	drain->nap_ns = busy ? SHORT_NAP_NS : longer < LONG_NAP_NS ? longer : LONG_NAP_NS;
}

void drain_rest(struct drain *drain)
{
	do
		ring_seal(drain->ring);
	while (drain_batch(drain));
}

void drain_run(struct drain *drain)
{
	for (;;) {
		/* Asked before reading: what a dead program committed is all there then. */
		bool dead = !program_alive(drain->program);
		bool got;

		begin_turn(drain);
		got = !dead && batch_due(drain) && drain_batch(drain);
		if (dead)
			drain_rest(drain);
		if (dead || drain_ended(drain))
			return;
		stop_stacks(drain);
		drain_attend_mark(drain);
		drain_attend_look(drain);
		if (drain->attend)
			drain->attend(drain->user, drain);
		if (got) {
			drain->nap_ns = SHORT_NAP_NS;
			continue;
		}
		if (replaced(drain)) {
			drain_rest(drain);
			return;
		}
		nap(drain, ring_waiting(drain->ring) > 0);
	}
}
