#include "sites.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "mem.h"

/* Epochs start at 1: the zeroes of a new site are never "current". */
void sites_init(struct sites *sites)
{
	*sites = (struct sites){.peak_epoch = 1, .noted = 1};
	for (unsigned i = 0; i < SITES_FOLLOWERS; i++)
		sites->followers[i].epoch = 1;
}

void sites_release(struct sites *sites)
{
	free(sites->site);
	for (unsigned i = 0; i < SITES_FOLLOWERS; i++)
		free(sites->followers[i].stacks);
	sites_init(sites);
}

void sites_make_room(struct sites *sites, uint32_t stack)
{
	size_t needed = (size_t)stack + 1, before = sites->count;

	sites->site = mem_grow(sites->site, &sites->capacity, needed, sizeof(*sites->site));
	memset(sites->site + before, 0, (needed - before) * sizeof(*sites->site));
	sites->count = needed;
}

void sites_note_for(struct sites *sites, uint32_t stack, enum sites_follower_id id)
{
	struct sites_follower *follower = &sites->followers[id];
	uint32_t *told = &sites->site[stack].told[id];

	if (*told == follower->epoch)
		return;
	*told = follower->epoch;
	follower->stacks = mem_grow(follower->stacks, &follower->capacity, follower->count + 1,
				    sizeof(*follower->stacks));
	follower->stacks[follower->count++] = stack;
}

void sites_note_change(struct sites *sites, uint32_t stack)
{
	for (unsigned i = 0; i < SITES_FOLLOWERS; i++)
		sites_note_for(sites, stack, (enum sites_follower_id)i);
	sites->site[stack].noted = sites->noted;
}

void sites_unfree(struct sites *sites, uint32_t stack, uint64_t bytes, int in_gc,
		  uint64_t now_ms)
{
	struct site *site = sites_touch(sites, stack);

	site->freed_bytes -= bytes;
	site->freed_blocks--;
	if (in_gc) {
		site->gc_freed_bytes -= bytes;
		site->gc_freed_blocks--;
	}
	sites_live_grow(sites, site, bytes, now_ms);
}

void sites_no_garbage(struct sites *sites, uint32_t stack, uint64_t bytes, uint64_t blocks)
{
	struct site *site = sites_touch(sites, stack);

	site->gc_freed_bytes -= bytes < site->gc_freed_bytes ? bytes : site->gc_freed_bytes;
	site->gc_freed_blocks -= blocks < site->gc_freed_blocks ? blocks
								: site->gc_freed_blocks;
}

void sites_free_part(struct sites *sites, uint32_t stack, uint64_t bytes)
{
	struct site *site = sites_touch(sites, stack);

	site->freed_bytes += bytes;
	sites_live_shrink(sites, site, bytes, 0);
}

void sites_temporary(struct sites *sites, uint32_t stack, uint64_t bytes, uint64_t pairs)
{
	if (stack >= sites->count)
		sites_make_room(sites, stack);
	struct site *site = &sites->site[stack];
	site->total_bytes += bytes;
	site->total_blocks += pairs;
	site->freed_bytes += bytes;
	site->freed_blocks += pairs;
	site->temporary_bytes += bytes;
	site->temporary_blocks += pairs;
	/* What is live stays as it was: that is all that marks tell. */
	sites_note_for(sites, stack, SITES_COURSE);
}

void sites_at_peak(const struct sites *sites, uint32_t stack, uint64_t *ret_bytes,
		   uint64_t *ret_blocks)
{
	static const struct site none;
	const struct site *site = stack < sites->count ? &sites->site[stack] : &none;
	bool changed_since = site->peak_epoch == sites->peak_epoch;

	*ret_bytes = changed_since ? site->peak_bytes : site->live_bytes;
	*ret_blocks = changed_since ? site->peak_blocks : site->live_blocks;
}

void sites_begin_anew(struct sites *sites, enum sites_follower_id id)
{
	sites->followers[id].count = 0;
	sites->followers[id].epoch++;
	sites->noted++;
}

int sites_conserved(const struct sites *sites, struct err *err)
{
	uint64_t bytes = 0, blocks = 0;

	for (size_t i = 0; i < sites->count; i++) {
		const struct site *site = &sites->site[i];
		if (site->total_bytes - site->freed_bytes != site->live_bytes ||
		    site->total_blocks - site->freed_blocks != site->live_blocks)
			return err_set(err,
				       "stack %zu: allocated %" PRIu64 " bytes in %" PRIu64
				       " blocks, freed %" PRIu64 " in %" PRIu64 ", but %" PRIu64
				       " in %" PRIu64 " are live",
				       i, site->total_bytes, site->total_blocks,
				       site->freed_bytes, site->freed_blocks, site->live_bytes,
				       site->live_blocks);
		bytes += site->live_bytes;
		blocks += site->live_blocks;
	}
	if (bytes != sites->live_bytes || blocks != sites->live_blocks)
		return err_set(err,
			       "the stacks' live figures sum up to %" PRIu64
			       " bytes in %" PRIu64 " blocks instead of %" PRIu64
			       " in %" PRIu64,
			       bytes, blocks, sites->live_bytes, sites->live_blocks);
	return 0;
}
