/*
 * heap.h - the state of a program's memory, rebuilt from its stream.
 *
 * One entry, heap_apply, takes checked records (stream_read.h) in order, in batches of any
 * size: the state after them depends on the records alone. Everything is a data structure of
 * its own; this module only routes.
 */
#ifndef MEMTRACE_HEAP_H
#define MEMTRACE_HEAP_H

#include "arena_map.h"
#include "audits.h"
#include "block_table.h"
#include "census.h"
#include "course.h"
#include "err.h"
#include "frees.h"
#include "garbage.h"
#include "lifetimes.h"
#include "mappings.h"
#include "marks.h"
#include "reallocs.h"
#include "residents.h"
#include "sites.h"
#include "stacks.h"
#include "windows.h"

struct heap_counts {
	uint64_t records;
	/* Of blocks and anonymous mappings; cancelled pairs included. */
	uint64_t allocations, frees;
	uint64_t cancelled_pairs;
	uint64_t unknown_frees;  /* of blocks from before the hooks, or from a pause */
	uint64_t retags;         /* objects made in a block that was on a free list */
	uint64_t unknown_retags; /* of no live block, as in unknown_frees; not in retags */
	uint64_t replaced;   /* allocations at an address that was live: a free was missed */
	uint64_t lost_slots; /* R_LOST */
	uint64_t dropped_events, waited_ns;    /* R_COUNTS */
	uint64_t collections[3], collected[3]; /* by generation */
};

/* How the process ended, as far as the stream knows. */
enum heap_end {
	HEAP_RUNNING = 0,
	HEAP_EXIT,
	HEAP_UNDERSCORE_EXIT,
	HEAP_ABORT,
	HEAP_EXEC,
	HEAP_DIED
};

struct heap;

/* Told of each mark right after it was added, before any later record is applied. */
struct heap_watch {
	void (*at_mark)(void *user, const struct heap *heap, const struct mark *mark);
	void *user;
};

struct heap {
	struct stacks stacks;
	struct sites sites;
	struct arena_map arenas;
	struct block_table blocks;
	struct mappings mappings;
	struct windows windows;
	struct marks marks;
	struct course course;
	struct lifetimes lifetimes;
	struct garbage garbage;
	struct frees frees;
	struct audits audits;
	struct census census;
	struct residents residents;
	struct heap_counts counts;
	enum heap_end end;
	int64_t end_status;
	struct reallocs reallocs;
	struct stream_text mark_text, state_text; /* being put together */
	bool restoring; /* between the parts of a state: its records aren't the run's */
	uint64_t domain_bytes[4], domain_blocks[4]; /* live, by enum block_domain */
	struct heap_watch watch;                    /* the owner's; at first nobody watches */
};

void heap_init(struct heap *heap);
void heap_release(struct heap *heap);
/* `count` records form whole groups. */
void heap_apply(struct heap *heap, const struct record *records, size_t count);
/* Whether a block at exactly this address is known to be live. */
bool heap_knows(const struct heap *heap, uint64_t address);
/*
 * Conservation: allocated - freed == live for each stack; the maps' live blocks sum up to the
 * sites', stack by stack, and to the domains'. Takes a walk over the whole heap.
 */
int heap_check(const struct heap *heap, struct err *err);

#endif
