/* The sections that tell of arenas: their items against each other. */
#include "profile_check.h"

#include <stdlib.h>

#include "arena_map.h"

/* Address ranges have to be disjoint and ascending: readers search in them. */
static bool follows(uint64_t *end, uint64_t address, uint64_t bytes)
{
	if (address < *end || bytes > UINT64_MAX - address)
		return false;
	*end = address + bytes;
	return true;
}

static void check_arenas(struct profile *profile)
{
	uint64_t end = 0;

	for (size_t i = 0; i < profile->arena_count; i++) {
		struct profile_arena *arena = &profile->arenas[i];

		if (!profile_has_stack(profile, arena->stack))
			arena->stack = 0;
		if (arena->window >= profile->window_count)
			arena->window = 0;
		if (follows(&end, arena->address, arena->bytes))
			continue;
		profile_give_up(profile, "ARNA", profile->arenas, &profile->arena_count,
				"has arenas that are out of order");
		profile->arenas = NULL;
	}
}

static void check_mappings(struct profile *profile)
{
	uint64_t end = 0;

	for (size_t i = 0; i < profile->mapping_count; i++) {
		struct profile_mapping *mapping = &profile->mappings[i];

		if (!profile_has_stack(profile, mapping->stack))
			mapping->stack = 0;
		if (mapping->window >= profile->window_count)
			mapping->window = 0;
		if (follows(&end, mapping->address, mapping->bytes))
			continue;
		profile_give_up(profile, "MAPS", profile->mappings, &profile->mapping_count,
				"has mappings that are out of order");
		profile->mappings = NULL;
	}
}

static void check_pools(struct profile *profile)
{
	uint64_t end = 0;

	for (size_t i = 0; i < profile->pool_count; i++) {
		const struct profile_pool *pool = &profile->pools[i];

		if (pool->class && pool->class <= POOL_CLASSES &&
		    follows(&end, pool->address, 1))
			continue;
		profile_give_up(profile, "POOL", profile->pools, &profile->pool_count,
				"has pools that are out of order or of no size class");
		profile->pools = NULL;
	}
}

/* A section that isn't there or can't be read, which was said already. */
static bool is_lost(const struct profile *profile, const char *tag, size_t count)
{
	const struct profile_section *section = profile_section_of(profile, tag);

	return !count && (!section || section->raw_bytes);
}

/* Pins of one arena begin at *at; false: they aren't its live blocks. */
static bool pins_add_up(const struct profile *profile, uint32_t arena, size_t *at)
{
	uint64_t blocks = 0, bytes = 0, block_bytes = 0;
	size_t first = *at;

	for (; *at < profile->pin_count && profile->pins[*at].arena == arena; ++*at) {
		const struct profile_pin *pin = &profile->pins[*at];

		if (*at > first && pin->stack <= pin[-1].stack)
			return false;
		blocks += pin->blocks;
		bytes += pin->bytes;
		block_bytes += pin->block_bytes;
	}
	return blocks == profile->arenas[arena].live_blocks &&
	       bytes == profile->arenas[arena].live_bytes && bytes <= block_bytes &&
	       block_bytes <= profile->arenas[arena].bytes;
}

static bool pins_hold(const struct profile *profile)
{
	size_t at = 0;

	for (size_t i = 0; i < profile->arena_count; i++)
		if (!pins_add_up(profile, (uint32_t)i, &at))
			return false;
	return at == profile->pin_count;
}

static void mend_windows(const struct profile *profile, uint16_t *oldest, uint16_t *newest)
{
	if (*newest >= profile->window_count || *oldest > *newest)
		*oldest = *newest = 0;
}

static void check_pins(struct profile *profile)
{
	const struct profile_section *section = profile_section_of(profile, "PINS");

	/* None in an older file; or it couldn't be read, and that was said. */
	if (!section || (!profile->pin_count && section->raw_bytes))
		return;
	if (is_lost(profile, "ARNA", profile->arena_count)) {
		profile->pin_count = 0;
		return;
	}
	if (!pins_hold(profile)) {
		profile_give_up(profile, "PINS", profile->pins, &profile->pin_count,
				"doesn't hold what is live in each arena");
		profile->pins = NULL;
		return;
	}
	for (size_t i = 0; i < profile->pin_count; i++) {
		struct profile_pin *pin = &profile->pins[i];

		if (!profile_has_stack(profile, pin->stack))
			pin->stack = 0;
		mend_windows(profile, &pin->oldest, &pin->newest);
	}
}

static bool is_mark(const struct profile *profile, uint32_t mark)
{
	return mark < profile->mark_count || mark == PROFILE_PEAK;
}

static bool arena_marks_hold(const struct profile *profile)
{
	for (size_t i = 0; i < profile->arena_mark_count; i++) {
		const struct profile_arena_mark *item = &profile->arena_marks[i];

		if (item->live_bytes > item->block_bytes || item->block_bytes > item->bytes ||
		    item->bytes > UINT64_MAX - item->address)
			return false;
		if (i && (item->mark < item[-1].mark ||
			  (item->mark == item[-1].mark && item->address <= item[-1].address)))
			return false;
	}
	return true;
}

/* Stacks that can't be named are still as many. */
static void mend_holders(const struct profile *profile, struct profile_arena_mark *item)
{
	if (item->holder_count <= PROFILE_MARK_HOLDERS &&
	    item->holder_start <= profile->holder_count &&
	    item->holder_count <= profile->holder_count - item->holder_start)
		return;
	if (item->holder_count <= PROFILE_MARK_HOLDERS &&
	    item->other_stacks <= UINT32_MAX - item->holder_count)
		item->other_stacks += item->holder_count;
	item->holder_start = item->holder_count = 0;
}

static void drop_arenas_of_no_mark(struct profile *profile)
{
	size_t kept = 0;

	for (size_t i = 0; i < profile->arena_mark_count; i++)
		if (is_mark(profile, profile->arena_marks[i].mark))
			profile->arena_marks[kept++] = profile->arena_marks[i];
	profile->arena_mark_count = kept;
}

static void drop_classes_of_no_mark(struct profile *profile)
{
	size_t kept = 0;

	for (size_t i = 0; i < profile->mark_class_count; i++)
		if (is_mark(profile, profile->mark_classes[i].mark))
			profile->mark_classes[kept++] = profile->mark_classes[i];
	profile->mark_class_count = kept;
}

static void check_arena_marks(struct profile *profile)
{
	drop_arenas_of_no_mark(profile);
	if (!arena_marks_hold(profile)) {
		profile_give_up(profile, "AMRK", profile->arena_marks,
				&profile->arena_mark_count,
				"has arenas out of order, or fuller than they are large");
		profile->arena_marks = NULL;
	}
	for (size_t i = 0; i < profile->arena_mark_count; i++) {
		struct profile_arena_mark *item = &profile->arena_marks[i];

		mend_holders(profile, item);
		if (!item->bytes)
			*item = (struct profile_arena_mark){.address = item->address,
							    .mark = item->mark};
	}
	for (size_t i = 0; i < profile->holder_count; i++) {
		struct profile_holder *holder = &profile->holders[i];

		if (!profile_has_stack(profile, holder->stack))
			holder->stack = 0;
		mend_windows(profile, &holder->oldest, &holder->newest);
	}
}

static bool mark_classes_hold(const struct profile *profile)
{
	for (size_t i = 0; i < profile->mark_class_count; i++) {
		const struct profile_mark_class *item = &profile->mark_classes[i];

		if (!item->class || item->class > POOL_CLASSES)
			return false;
		if (i && (item->mark < item[-1].mark ||
			  (item->mark == item[-1].mark && item->class <= item[-1].class)))
			return false;
	}
	return true;
}

static void check_mark_classes(struct profile *profile)
{
	drop_classes_of_no_mark(profile);
	if (mark_classes_hold(profile))
		return;
	profile_give_up(profile, "MCLS", profile->mark_classes, &profile->mark_class_count,
			"has size classes out of order");
	profile->mark_classes = NULL;
}

/* Differences follow their audits; an audit's mark may be PROFILE_PEAK. */
static bool audits_hold(const struct profile *profile)
{
	for (size_t i = 0; i < profile->audit_count; i++) {
		const struct profile_audit *audit = &profile->audits[i];

		if ((i && audit->mark < audit[-1].mark) ||
		    audit->differing_arenas > audit->arenas ||
		    audit->differing_pools > audit->pools ||
		    audit->differing_blocks > audit->blocks)
			return false;
	}
	return true;
}

static bool differences_hold(const struct profile *profile)
{
	for (size_t i = 0; i < profile->difference_count; i++) {
		const struct profile_audit_difference *item = &profile->differences[i];

		if (item->audit >= profile->audit_count ||
		    (i && item->audit < item[-1].audit) || item->map_class > POOL_CLASSES ||
		    item->header_class > POOL_CLASSES)
			return false;
	}
	return true;
}

static void check_audits(struct profile *profile)
{
	if (!audits_hold(profile)) {
		profile_give_up(
			profile, "AUDT", profile->audits, &profile->audit_count,
			"has audits out of order, or with more differences than blocks");
		profile->audits = NULL;
	}
	for (size_t i = 0; i < profile->audit_count; i++)
		if (profile->audits[i].mark >= profile->mark_count)
			profile->audits[i].mark = PROFILE_PEAK;
	if (is_lost(profile, "AUDT", profile->audit_count))
		profile->difference_count = 0;
	if (!differences_hold(profile)) {
		profile_give_up(profile, "AUDD", profile->differences,
				&profile->difference_count,
				"has differences of no audit, or of no size class");
		profile->differences = NULL;
	}
}

void profile_check_map(struct profile *profile)
{
	check_arenas(profile);
	check_mappings(profile);
	check_pools(profile);
	check_pins(profile);
	check_arena_marks(profile);
	check_mark_classes(profile);
	check_audits(profile);
}
