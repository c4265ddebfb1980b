/*
 * sites.h - the figures of each stack, exact at every record.
 *
 * Indexed by stack id (0: unknown stack). "Live" counts blocks of all domains and anonymous
 * mappings; file mappings and arenas are in their own maps only.
 *
 * High-water mark: kept lazily. `peak_bytes` of a site is right only where `peak_epoch` is the
 * current one; otherwise the site hasn't changed since the last peak and its live figures stand
 * for it: use site_at_peak().
 */
#ifndef MEMTRACE_SITES_H
#define MEMTRACE_SITES_H

#include <stddef.h>
#include <stdint.h>

/* Who keeps figures of moments, and of each only what changed since the one before. */
enum sites_follower_id { SITES_MARKS, SITES_COURSE, SITES_FOLLOWERS };

/* What most events touch stands first: it fits a cache line. */
struct site {
	uint64_t live_bytes, live_blocks;
	uint64_t total_bytes, total_blocks; /* ever allocated, cancelled pairs included */
	uint64_t freed_bytes, freed_blocks; /* ever freed, cancelled pairs included */
	uint64_t peak_epoch;
	uint64_t noted; /* sites.noted, when all followers were told of it */
	uint64_t peak_bytes, peak_blocks;
	uint64_t temporary_bytes, temporary_blocks; /* cancelled pairs: freed soon after */
	uint64_t gc_freed_bytes, gc_freed_blocks;   /* freed inside a cyclic collection */
	uint32_t told[SITES_FOLLOWERS];             /* sites_follower.epoch of the last time */
};

/* The stacks whose figures changed since the follower's last changes_take, each once. */
struct sites_follower {
	uint32_t *stacks;
	size_t count, capacity;
	uint32_t epoch; /* grows with each taking */
};

struct sites {
	struct site *site; /* by stack id; a stack past `count` has had no event */
	size_t count, capacity;
	uint64_t live_bytes, live_blocks; /* over all sites */
	uint64_t peak_bytes, peak_blocks;
	uint64_t peak_ms;    /* when, since start */
	uint64_t peak_epoch; /* grows with each new high-water mark */
	struct sites_follower followers[SITES_FOLLOWERS];
	uint64_t noted; /* grows whenever a follower begins anew */
};

void sites_init(struct sites *sites);
void sites_release(struct sites *sites);
/* A free taken back: live again as if it had not been. */
void sites_unfree(struct sites *sites, uint32_t stack, uint64_t bytes, int in_gc,
		  uint64_t now_ms);
/* Of what was freed inside a collection, so much was no garbage. */
void sites_no_garbage(struct sites *sites, uint32_t stack, uint64_t bytes, uint64_t blocks);
/* A block goes piece by piece: these bytes are freed, the block itself is not yet. */
void sites_free_part(struct sites *sites, uint32_t stack, uint64_t bytes);
void sites_temporary(struct sites *sites, uint32_t stack, uint64_t bytes, uint64_t pairs);
void sites_at_peak(const struct sites *sites, uint32_t stack, uint64_t *ret_bytes,
		   uint64_t *ret_blocks);
/* This follower's list begins anew. */
void sites_begin_anew(struct sites *sites, enum sites_follower_id id);
/* The stack, which has a site, into this follower's list, unless it is there. */
void sites_note_for(struct sites *sites, uint32_t stack, enum sites_follower_id id);
/* allocated - freed == live, for each stack and over all. */
struct err;
int sites_conserved(const struct sites *sites, struct err *err);

/*
 * What follows runs once for each record: inline, and with the rare cases elsewhere.
 */

void sites_make_room(struct sites *sites, uint32_t stack);
void sites_note_change(struct sites *sites, uint32_t stack);

/* The site whose live figures are about to change. */
static inline struct site *sites_touch(struct sites *sites, uint32_t stack)
{
	if (__builtin_expect(stack >= sites->count, 0))
		sites_make_room(sites, stack);
	struct site *site = &sites->site[stack];
	if (site->peak_epoch != sites->peak_epoch) {
		site->peak_bytes = site->live_bytes;
		site->peak_blocks = site->live_blocks;
		site->peak_epoch = sites->peak_epoch;
	}
	if (__builtin_expect(site->noted != sites->noted, 0))
		sites_note_change(sites, stack);
	return site;
}

static inline void sites_live_grow(struct sites *sites, struct site *site, uint64_t bytes,
				   uint64_t now_ms)
{
	site->live_bytes += bytes;
	site->live_blocks++;
	sites->live_bytes += bytes;
	sites->live_blocks++;
	if (sites->live_bytes > sites->peak_bytes) {
		sites->peak_bytes = sites->live_bytes;
		sites->peak_blocks = sites->live_blocks;
		sites->peak_ms = now_ms;
		sites->peak_epoch++;
	}
}

static inline void sites_live_shrink(struct sites *sites, struct site *site, uint64_t bytes,
				     uint64_t blocks)
{
	site->live_bytes -= bytes;
	site->live_blocks -= blocks;
	sites->live_bytes -= bytes;
	sites->live_blocks -= blocks;
}

static inline void sites_alloc(struct sites *sites, uint32_t stack, uint64_t bytes,
			       uint64_t now_ms)
{
	struct site *site = sites_touch(sites, stack);

	site->total_bytes += bytes;
	site->total_blocks++;
	sites_live_grow(sites, site, bytes, now_ms);
}

static inline void sites_free(struct sites *sites, uint32_t stack, uint64_t bytes, int in_gc)
{
	struct site *site = sites_touch(sites, stack);

	site->freed_bytes += bytes;
	site->freed_blocks++;
	if (in_gc) {
		site->gc_freed_bytes += bytes;
		site->gc_freed_blocks++;
	}
	sites_live_shrink(sites, site, bytes, 1);
}

#endif
