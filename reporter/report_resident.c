/* The resident set and what it consists of, for people and in JSON. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../collector/buf.h"
#include "paragraph.h"
#include "table.h"

enum { BAR_CELLS = 32, EIGHTHS = 8, LEAST_PERCENT = 1 };

/* In eighths of a character where there are such. */
static void append_bar(const struct term *term, double part, struct buf *text)
{
	static const char *const ends[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	const size_t eighths = (size_t)(part * BAR_CELLS * EIGHTHS + 0.5);
	for (size_t i = 0; i < eighths / EIGHTHS; i++)
		buf_printf(text, "%s", term->blocks ? "█" : "#");
	if (term->blocks)
		buf_printf(text, "%s", ends[eighths % EIGHTHS]);
	buf_u8(text, '\0');
}

static void add_share(const struct term *term, enum units_kind units, struct table *table,
		      const struct resident_set *resident, size_t share)
{
	const uint64_t bytes = resident->shares[share];
	const double part = (double)bytes / (double)resident->bytes;
	char percent[16];
	struct buf bar;
	buf_init(&bar);
	snprintf(percent, sizeof percent, "%.0f %%", 100 * part);
	append_bar(term, part, &bar);
	table_cell(table, resident_set_names[share]);
	table_cell(table, units_size(units, bytes).text);
	table_cell(table, percent);
	table_cell(table, (const char *)bar.data);
	buf_release(&bar);
}

/* Largest first; what is too small for the table is told in a sentence. */
static size_t sort_shares(const struct resident_set *resident, size_t *ret_shares)
{
	size_t count = 0;
	for (size_t i = 0; i < SHARES; i++) {
		const uint64_t bytes = resident->shares[i];
		size_t at = count;
		if (bytes < resident->bytes / 100 * LEAST_PERCENT || !bytes)
			continue;
		for (; at && resident->shares[ret_shares[at - 1]] < bytes; at--)
			ret_shares[at] = ret_shares[at - 1];
		ret_shares[at] = i;
		count++;
	}
	return count;
}

static void print_title(const struct report *report, const struct term *term,
			enum units_kind units)
{
	const struct resident_set *resident = &report->resident;
	char when[80] = "", swapped[80] = "";
	if (!resident->at_moment)
		snprintf(when, sizeof when, " (at %s, the nearest look)",
			 units_seconds(resident->seconds).text);
	if (resident->swap_bytes)
		snprintf(swapped, sizeof swapped, "; %s more are swapped out",
			 units_size(units, resident->swap_bytes).text);
	paragraph_printf(term, "Resident set at %s%s: %s (%s by the kernel's counter)%s:",
			 report->to.name, when, units_size(units, resident->bytes).text,
			 units_size_diff(units, resident->residual_bytes).text, swapped);
}

/* They have no row: nobody can tell which of the live blocks lie on them. */
static void say_free_lists(const struct resident_set *resident, const struct term *term,
			   enum units_kind units)
{
	const uint64_t most_bytes = resident->free_lists_most_bytes;
	if (most_bytes == UINT64_MAX)
		paragraph_printf(term, "Python's free lists are counted as live; how much they"
				       " hold isn't known");
	else
		paragraph_printf(term, "Python's free lists are counted as live: %s at most",
				 units_size(units, most_bytes).text);
}

void report_resident(const struct report *report, const struct term *term,
		     enum units_kind units)
{
	const struct resident_set *resident = &report->resident;
	size_t shares[SHARES];
	uint64_t rest = resident->bytes;
	struct table table;
	if (!resident->known || !resident->bytes)
		return;
	putc('\n', term->out);
	print_title(report, term, units);
	const size_t count = sort_shares(resident, shares);
	table_init(&table, "lrrl");
	table_cell(&table, "what");
	table_cell(&table, "size");
	table_cell(&table, NULL);
	table_cell(&table, "part");
	for (size_t i = 0; i < count; i++) {
		add_share(term, units, &table, resident, shares[i]);
		rest -= resident->shares[shares[i]];
	}
	table_print(&table, term);
	table_release(&table);
	if (rest)
		paragraph_printf(term, "less than %d %% each: %s together", LEAST_PERCENT,
				 units_size(units, rest).text);
	if (resident->shares[SHARE_LIVE])
		say_free_lists(resident, term, units);
}

void report_json_resident(const char *key, const struct resident_set *resident,
			  struct json *json)
{
	if (!resident->known) {
		json_put_null(json, key);
		return;
	}
	json_open_object(json, key);
	json_double(json, "seconds", resident->seconds, 6);
	json_bool(json, "at_moment", resident->at_moment);
	json_u64(json, "rss_bytes", resident->bytes);
	json_i64(json, "residual_bytes", resident->residual_bytes);
	json_u64(json, "swap_bytes", resident->swap_bytes);
	json_u64_or_null(json, "free_lists_most_bytes", resident->free_lists_most_bytes);
	json_open_object(json, "parts");
	for (size_t i = 0; i < SHARES; i++)
		json_u64(json, resident_set_keys[i], resident->shares[i]);
	json_close(json);
	json_close(json);
}
