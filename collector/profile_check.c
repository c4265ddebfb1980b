#include "profile_check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static void check_text(const struct profile *profile, uint32_t *offset)
{
	if (*offset >= profile->strings_bytes)
		*offset = 0;
}

void profile_give_up(struct profile *profile, const char *tag, void *items, size_t *count,
		     const char *why)
{
	const struct profile_section *section = profile_section_of(profile, tag);
	struct err err;

	free(items);
	*count = 0;
	if (!section)
		return;
	section_damaged(&profile->source, section, &err, "%s", why);
	profile_problem(profile, &err);
}

/* Text sections begin with the empty text and end where a text ends. */
static void check_strings(struct profile *profile)
{
	if (profile->strings_bytes && !profile->strings[0] &&
	    !profile->strings[profile->strings_bytes - 1])
		return;
	if (profile->strings_bytes)
		profile_give_up(profile, "STRS", profile->strings, &profile->strings_bytes,
				"doesn't begin and end with a NUL");
	else
		free(profile->strings);
	profile->strings = mem_text("");
	profile->strings_bytes = 1;
}

static void check_info(struct profile *profile)
{
	if (!profile->info_bytes || !profile->info[profile->info_bytes - 1])
		return;
	profile_give_up(profile, "INFO", profile->info, &profile->info_bytes,
			"doesn't end with a NUL");
	profile->info = NULL;
}

static void check_codes(struct profile *profile)
{
	for (size_t i = 0; i < profile->code_count; i++) {
		struct profile_code *code = &profile->codes[i];

		check_text(profile, &code->file);
		check_text(profile, &code->name);
		if (code->linetable_kind > LINETABLE_LOCATIONS)
			code->linetable_kind = LINETABLE_NONE;
		if (code->linetable_offset <= profile->linetables_bytes &&
		    code->linetable_bytes <= profile->linetables_bytes - code->linetable_offset)
			continue;
		code->linetable_kind = LINETABLE_NONE;
		code->linetable_offset = code->linetable_bytes = 0;
	}
}

/*
 * Codes below STREAM_CODE_FIRST are no references; what isn't known of them stays as it came.
 */
static void check_nodes(struct profile *profile)
{
	for (size_t i = 0; i < profile->node_count; i++) {
		struct profile_node *node = &profile->nodes[i];

		if (node->parent > i)
			node->parent = 0;
		if (node->code >= STREAM_CODE_FIRST &&
		    node->code - STREAM_CODE_FIRST >= profile->code_count)
			node->code = STREAM_CODE_TRUNCATED;
	}
}

static void add_site(struct profile_site *sum, const struct profile_site *site)
{
	sum->live_bytes += site->live_bytes;
	sum->live_blocks += site->live_blocks;
	sum->total_bytes += site->total_bytes;
	sum->total_blocks += site->total_blocks;
	sum->freed_bytes += site->freed_bytes;
	sum->freed_blocks += site->freed_blocks;
	sum->temporary_bytes += site->temporary_bytes;
	sum->temporary_blocks += site->temporary_blocks;
	sum->gc_freed_bytes += site->gc_freed_bytes;
	sum->gc_freed_blocks += site->gc_freed_blocks;
	sum->peak_bytes += site->peak_bytes;
	sum->peak_blocks += site->peak_blocks;
}

/*
 * Sites of stacks that don't exist or stand out of order are summed up as stack 0, which comes
 * first. In place: each of them leaves a slot, so that there is room for their sum.
 */
static void check_sites(struct profile *profile)
{
	struct profile_site unknown = {0};
	size_t kept = 0, folded = 0;
	uint32_t last = 0;

	for (size_t i = 0; i < profile->site_count; i++) {
		struct profile_site *site = &profile->sites[i];

		if (site->stack > last && profile_has_stack(profile, site->stack)) {
			last = site->stack;
			profile->sites[kept++] = *site;
			continue;
		}
		add_site(&unknown, site);
		folded++;
	}
	if (folded) {
		memmove(profile->sites + 1, profile->sites, kept * sizeof(*profile->sites));
		profile->sites[0] = unknown;
		kept++;
	}
	profile->site_count = kept;
}

static void check_marks(struct profile *profile)
{
	for (size_t i = 0; i < profile->change_count; i++) {
		struct profile_change *change = &profile->changes[i];

		if (!profile_has_stack(profile, change->stack))
			*change = (struct profile_change){0};
	}
	for (size_t i = 0; i < profile->mark_count; i++) {
		struct profile_mark *mark = &profile->marks[i];

		check_text(profile, &mark->name);
		check_text(profile, &mark->base);
		if (mark->change_start > profile->change_count ||
		    mark->change_count > profile->change_count - mark->change_start)
			mark->change_start = mark->change_count = 0;
	}
}

/* One of a stack that isn't there, or out of order, tells nothing of any. */
static void check_lifetimes(struct profile *profile)
{
	size_t kept = 0;

	for (size_t i = 0; i < profile->lifetime_count; i++) {
		const struct profile_lifetime *item = &profile->lifetimes[i];

		if (profile_has_stack(profile, item->stack) &&
		    (!kept || item->stack > profile->lifetimes[kept - 1].stack))
			profile->lifetimes[kept++] = *item;
	}
	profile->lifetime_count = kept;
}

/* A freeing stack that isn't there isn't known. */
static void check_frees(struct profile *profile)
{
	size_t kept = 0;

	for (size_t i = 0; i < profile->freed_count; i++) {
		struct profile_freed item = profile->frees[i];

		if (item.by != PROFILE_OTHER_STACKS && !profile_has_stack(profile, item.by))
			item.by = 0;
		if (profile_has_stack(profile, item.stack))
			profile->frees[kept++] = item;
	}
	profile->freed_count = kept;
}

static void check_point(const struct profile *profile, struct profile_point *point)
{
	if (point->change_start > profile->point_change_count ||
	    point->change_count > profile->point_change_count - point->change_start)
		point->change_start = point->change_count = 0;
}

/* In order of time: out of it, nobody can tell what came before what. */
static void check_points(struct profile *profile)
{
	for (size_t i = 0; i < profile->point_change_count; i++) {
		struct profile_point_change *change = &profile->point_changes[i];

		if (!profile_has_stack(profile, change->stack))
			*change = (struct profile_point_change){0};
	}
	for (size_t i = 0; i < profile->point_count; i++) {
		check_point(profile, &profile->points[i]);
		if (i == 0 || profile->points[i - 1].time_ms <= profile->points[i].time_ms)
			continue;
		profile_give_up(profile, "PNTS", profile->points, &profile->point_count,
				"isn't in order of time");
		profile->points = NULL;
	}
}

/* Each sum of parts fits a number; and as with points, order tells what came before what. */
static void check_residents(struct profile *profile)
{
	enum { ADDRESS_BITS = 52 };

	for (size_t i = 0; i < profile->resident_count; i++) {
		const struct stream_resident *resident = &profile->residents[i];
		bool whole = !i || resident[-1].time_ns <= resident->time_ns;

		for (size_t part = 0; part < RESIDENT_PARTS; part++)
			whole &= resident->parts[part] >> ADDRESS_BITS == 0;
		if (whole)
			continue;
		profile_give_up(profile, "RSET", profile->residents, &profile->resident_count,
				"isn't in order of time, or has sizes that can't be");
		profile->residents = NULL;
	}
}

/* A stack that isn't there isn't known. Sums over all of a look fit a number. */
static void check_mapped(struct profile *profile)
{
	enum { ADDRESS_BITS = 48 };
	size_t kept = 0;

	for (size_t i = 0; i < profile->mapped_count; i++) {
		struct stream_mapped item = profile->mapped[i];

		if (item.stack != STREAM_OTHER_STACKS &&
		    !profile_has_stack(profile, item.stack))
			item.stack = 0;
		if (item.part < RESIDENT_PARTS && item.bytes >> ADDRESS_BITS == 0 &&
		    item.resident_bytes >> ADDRESS_BITS == 0)
			profile->mapped[kept++] = item;
	}
	profile->mapped_count = kept;
}

static void check_threads(struct profile *profile)
{
	for (size_t i = 0; i < profile->thread_count; i++)
		check_text(profile, &profile->threads[i].name);
}

static void check_windows(struct profile *profile)
{
	if (profile->window_count)
		return;
	free(profile->windows);
	profile->windows = mem_alloc(sizeof(*profile->windows));
	profile->window_count = 1;
}

/* Readers divide by it: either a power of two in sane bounds or "not known". */
static void check_run(struct profile *profile)
{
	enum { SMALLEST = 1 << 10, LARGEST = 1 << 20 };
	uint32_t bytes = profile->run.pool_bytes;

	if (bytes < SMALLEST || bytes > LARGEST || (bytes & (bytes - 1)))
		profile->run.pool_bytes = 0;
}

void profile_check(struct profile *profile)
{
	check_run(profile);
	check_strings(profile);
	check_info(profile);
	check_codes(profile);
	check_nodes(profile);
	check_threads(profile);
	check_sites(profile);
	check_marks(profile);
	check_windows(profile);
	check_points(profile);
	check_residents(profile);
	check_mapped(profile);
	check_lifetimes(profile);
	check_frees(profile);
	profile_check_map(profile);
}
