/* What two resident sets consist of, side by side. */
#include "diff_print.h"

#include "paragraph.h"

enum { SMALLEST_PART = 100 };

static uint64_t share_of(const struct resident_set *resident, size_t share)
{
	return resident->known ? resident->shares[share] : UINT64_MAX;
}

static uint64_t larger(const struct diff *diff, size_t share)
{
	const uint64_t before = diff->before.resident.shares[share];
	const uint64_t after = diff->after.resident.shares[share];
	return before > after ? before : after;
}

/* Those that are a hundredth of either resident set, largest first. */
static size_t sort_shares(const struct diff *diff, size_t *ret_shares)
{
	const struct resident_set *before = &diff->before.resident;
	const struct resident_set *after = &diff->after.resident;
	size_t count = 0;
	for (size_t i = 0; i < SHARES; i++) {
		const bool shown = before->shares[i] > before->bytes / SMALLEST_PART ||
				   after->shares[i] > after->bytes / SMALLEST_PART;
		size_t at = count;
		if (!shown)
			continue;
		for (; at && larger(diff, ret_shares[at - 1]) < larger(diff, i); at--)
			ret_shares[at] = ret_shares[at - 1];
		ret_shares[at] = i;
		count++;
	}
	return count;
}

static uint64_t rest_of(const struct resident_set *resident, const size_t *shares, size_t count)
{
	uint64_t rest = resident->bytes;
	for (size_t i = 0; i < count; i++)
		rest -= resident->shares[shares[i]];
	return resident->known ? rest : UINT64_MAX;
}

static bool is_there(uint64_t bytes)
{
	return bytes && bytes != UINT64_MAX;
}

static void print_shares(const struct diff *diff, const struct term *term,
			 enum units_kind units)
{
	static const char *const heading[] = {"", "before", "after", "", "change"};
	const struct resident_set *before = &diff->before.resident;
	const struct resident_set *after = &diff->after.resident;
	size_t shares[SHARES];
	struct table table;
	const size_t count = sort_shares(diff, shares);
	const uint64_t rest_before = rest_of(before, shares, count);
	const uint64_t rest_after = rest_of(after, shares, count);
	table_init(&table, "lrrrr");
	for (size_t i = 0; i < sizeof heading / sizeof heading[0]; i++)
		table_cell(&table, heading[i]);
	for (size_t i = 0; i < count; i++) {
		table_cell(&table, resident_set_names[shares[i]]);
		diff_add_cells(&table, units, true, share_of(before, shares[i]),
			       share_of(after, shares[i]));
	}
	if (is_there(rest_before) || is_there(rest_after)) {
		table_cell(&table, "all others");
		diff_add_cells(&table, units, true, rest_before, rest_after);
	}
	table_cell(&table, "together");
	diff_add_cells(&table, units, true, before->known ? before->bytes : UINT64_MAX,
		       after->known ? after->bytes : UINT64_MAX);
	table_print(&table, term);
	table_release(&table);
}

static void say_when(const char *name, const struct diff_side *side, const struct term *term)
{
	const struct resident_set *resident = &side->resident;
	if (!resident->known)
		paragraph_printf(term,
				 "%s: there is no look at the resident set"
				 " for %s",
				 name, side->to.name);
	else if (!resident->at_moment)
		paragraph_printf(term, "%s: as it was at %s, the look that came nearest to %s",
				 name, units_seconds(resident->seconds).text, side->to.name);
}

void diff_resident(const struct diff *diff, const struct term *term, enum units_kind units)
{
	if (!diff->before.resident.known && !diff->after.resident.known)
		return;
	putc('\n', term->out);
	paragraph_printf(term, "What the resident sets consist of, looked at from outside:");
	say_when("before", &diff->before, term);
	say_when("after", &diff->after, term);
	print_shares(diff, term, units);
}
