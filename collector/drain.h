/*
 * drain.h - a ring into the books, batch by batch, until the program ends.
 *
 * The end is one of: R_END was read; the program is dead and all that it committed was read;
 * its image was replaced by execve. What the stream can't say itself is put in between its
 * records: the time and resident set (R_TICK), counters of the ring's header (R_COUNTS), marks
 * asked for from outside that the program doesn't get to, and at the end what a dead program
 * left in its tables.
 *
 * The ring's records become the producers' again only after they are applied: whatever kills
 * the collector before, they are in the journal or still in the ring.
 */
#ifndef MEMTRACE_DRAIN_H
#define MEMTRACE_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "ledger.h"
#include "program.h"
#include "ring.h"

struct drain {
	struct ledger *ledger;
	struct ring *ring;
	const struct program *program; /* NULL: dead, and nothing can be asked of it */
	const char *ring_path;
	struct buf batch;                    /* records, raw */
	uint64_t turn_ns, batch_ns, tick_ns; /* CLOCK_MONOTONIC, when each was done last */
	uint64_t nap_ns;
	uint64_t rss_bytes;                  /* of the last tick */
	uint64_t dropped_events, waited_ns;  /* of the last R_COUNTS */
	uint64_t mark_since_ns;              /* a request is open since; 0: none is */
	uint64_t last_look_ns, look_cost_ns; /* since the stream began; of all looks */
	uint64_t looked_mark_ns;             /* the newest mark that was thought about */
	bool stuck;      /* a slot that is reserved and not committed stopped the last batch */
	bool exec_shows; /* the ring was found in the program's maps: it will be missed there */
	bool stacks_stopped;
	bool damage_told;
	/* Called when everything up to an R_FORK is in the books. */
	void (*forked)(void *user, uint64_t fork_id);
	/* Called at each turn, with the books as they are; NULL: nothing is to be done. */
	void (*attend)(void *user, struct drain *drain);
	void *user;
};

void drain_init(struct drain *drain, struct ledger *ledger, struct ring *ring,
		const struct program *program, const char *ring_path);
void drain_release(struct drain *drain);
/* Returns when the program has ended, with everything that it committed in the books. */
void drain_run(struct drain *drain);
/* Reads what a dead program left in the ring. */
void drain_rest(struct drain *drain);
/*
 * In a fork of the collector, whose books nobody else sees: what waits in the program's tables
 * comes into them.
 */
void drain_look_ahead(struct drain *drain);
/* The last records of the run, after drain_run or drain_rest; see drain_end.c. */
void drain_finish(struct drain *drain);

/* A request for a mark that the program doesn't look at is carried out; see drain_mark.c. */
void drain_attend_mark(struct drain *drain);
/* Where the program's memory is, if it is time to look; see drain_look.c. */
void drain_attend_look(struct drain *drain);
/* Now, for the mark of that time; 0: for none. */
void drain_look(struct drain *drain, uint64_t mark_ns);
/* The program waits for a look. */
bool drain_look_wanted(const struct drain *drain);

/*
 * For drain_end.c and drain_mark.c: records that the collector adds, and their way into the
 * books.
 */
void drain_add(struct drain *drain, uint64_t head, uint64_t body);
void drain_add_tick(struct drain *drain);
void drain_add_counts(struct drain *drain);
void drain_flush(struct drain *drain);
/* Only once there are as many as a batch takes. */
void drain_flush_full(struct drain *drain);
/* One batch out of the ring. True: it had something. */
bool drain_batch(struct drain *drain);
/* Nanoseconds since the stream began. */
uint64_t drain_stream_ns(const struct drain *drain);
/* The allocation in slot i of the cancelling table. False: none, or the stream knows it. */
bool drain_waiting(const struct drain *drain, uint32_t i, struct record *ret_record);
/* The program ended by itself or was replaced: nothing waits in its tables. */
bool drain_ended(const struct drain *drain);

#endif
