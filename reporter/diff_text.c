/* A comparison for people: what isn't alike, the whole processes, then rows. */
#include "diff_print.h"

#include <string.h>

#include "../collector/linetable.h"
#include "caption.h"
#include "paragraph.h"
#include "source.h"

struct printer {
	const struct diff *diff;
	const struct term *term;
	enum units_kind units;
	struct source source;
	struct caption_folder folder;
};

static void print_side(const struct printer *printer, const char *name,
		       const struct diff_side *side)
{
	const char *program = profile_info(side->profile, "program");
	const char *python = profile_info(side->profile, "python");
	paragraph_printf(printer->term, "%s: %s: %s, Python %s, pid %u, %s", name,
			 caption_path(&printer->folder, side->profile->path),
			 program && *program ? program : "a program",
			 python && *python ? python : "unknown", side->profile->run.pid,
			 units_seconds((double)side->profile->run.duration_ms / 1000).text);
}

static void print_note(void *user, const char *sentence)
{
	const struct printer *printer = user;
	paragraph_warn(printer->term, sentence);
}

static void add_figure(struct table *table, enum units_kind units, bool bytes, uint64_t value)
{
	table_cell(table, value == UINT64_MAX ? "?"
			  : bytes             ? units_size(units, value).text
					      : units_count(value).text);
}

void diff_add_cells(struct table *table, enum units_kind units, bool bytes, uint64_t before,
		    uint64_t after)
{
	const int64_t change = (int64_t)(after - before);
	const bool known = before != UINT64_MAX && after != UINT64_MAX;
	char percent[32] = "";
	add_figure(table, units, bytes, before);
	add_figure(table, units, bytes, after);
	/* Of next to nothing everything is a multiple. */
	if (known && before && after / before < 100)
		snprintf(percent, sizeof percent, "%+.1f %%",
			 100 * ((double)after - (double)before) / (double)before);
	table_cell(table, !known  ? ""
			  : bytes ? units_size_diff(units, change).text
				  : units_count_diff(change).text);
	table_cell(table, percent);
}

static void print_figures(const struct printer *printer)
{
	static const char *const heading[] = {"", "before", "after", "", "change"};
	const struct diff *diff = printer->diff;
	struct table table;
	table_init(&table, "lrrrr");
	for (size_t i = 0; i < sizeof heading / sizeof heading[0]; i++)
		table_cell(&table, heading[i]);
	for (size_t i = 0; i < DIFF_FIGURE_COUNT; i++) {
		const uint64_t before = diff->before.figures[i];
		const uint64_t after = diff->after.figures[i];
		const bool bytes = diff_figure_names[i].bytes;
		if (before == UINT64_MAX && after == UINT64_MAX)
			continue;
		table_cell(&table, diff_figure_names[i].text);
		diff_add_cells(&table, printer->units, bytes, before, after);
	}
	putc('\n', printer->term->out);
	table_print(&table, printer->term);
	table_release(&table);
}

static void figures_text(const struct printer *printer, const struct diff_row *row, char *text,
			 size_t size)
{
	const enum diff_weight weight = printer->diff->weight;
	const int64_t bytes = diff_bytes(weight, &row->after_figures);
	int len;
	if (weight == DIFF_GROWTH)
		len = snprintf(text, size, "grew %s (%s)",
			       units_size_diff(printer->units, bytes).text,
			       units_size_diff(printer->units, row->bytes).text);
	else
		len = snprintf(text, size, "size=%s (%s)",
			       units_size(printer->units, (uint64_t)bytes).text,
			       units_size_diff(printer->units, row->bytes).text);
	if (weight == DIFF_PEAK)
		return;
	const int64_t blocks = diff_blocks(weight, &row->after_figures);
	snprintf(text + len, size - (size_t)len, ", count=%s (%s)",
		 weight == DIFF_GROWTH ? units_count_diff(blocks).text
				       : units_count((uint64_t)blocks).text,
		 units_count_diff(row->blocks).text);
}

/* Where a row was before, if its place has another name now. */
static void append_past(const struct printer *printer, const struct diff_row *row,
			struct buf *text)
{
	struct buf before, after;
	if (row->change == DIFF_APPEARED || row->change == DIFF_WENT)
		buf_printf(text, ", %s", diff_change_names[row->change]);
	if (!row->before || !row->after)
		return;
	buf_init(&before);
	buf_init(&after);
	caption_append(row->before, printer->diff->by, &printer->folder, &before);
	caption_append(row->after, printer->diff->by, &printer->folder, &after);
	if (before.len != after.len || memcmp(before.data, after.data, after.len) != 0)
		buf_printf(text, ", was %.*s", (int)before.len, (const char *)before.data);
	buf_release(&before);
	buf_release(&after);
}

static void print_row(struct printer *printer, const struct diff_row *row)
{
	const struct term *term = printer->term;
	const struct group *group = row->after ? row->after : row->before;
	char figures[256];
	struct buf place, text;
	buf_init(&place);
	buf_init(&text);
	caption_append(group, printer->diff->by, &printer->folder, &place);
	buf_u8(&place, '\0');
	figures_text(printer, row, figures, sizeof figures);
	buf_printf(&text, "%s", figures);
	append_past(printer, row, &text);
	buf_u8(&text, '\0');
	const char *name = (const char *)place.data, *said = (const char *)text.data;
	fputs(term_bold(term), term->out);
	term_text(term, name);
	fputs(term_plain(term), term->out);
	const bool fits = !term->width ||
			  term_text_width(term, name) + 2 + term_text_width(term, said) <=
				  term->width;
	fputs(fits ? ": " : ":\n    ", term->out);
	term_text(term, said);
	putc('\n', term->out);
	if (row->after && group->file && group->line != LINE_NONE)
		source_print(&printer->source, term, group->file, group->line);
	buf_release(&place);
	buf_release(&text);
}

static void print_others(const struct printer *printer, const struct diff_row *rows,
			 size_t count, const char *did)
{
	uint64_t bytes = 0;
	if (!count)
		return;
	for (size_t i = 0; i < count; i++)
		bytes += (uint64_t)rows[i].bytes;
	paragraph_printf(printer->term, "%s other %s %s: %s", units_count(count).text,
			 caption_plural(printer->diff->by), did,
			 units_size_diff(printer->units, (int64_t)bytes).text);
}

static uint64_t magnitude(const struct diff_row *row)
{
	return row->bytes < 0 ? 0 - (uint64_t)row->bytes : (uint64_t)row->bytes;
}

/*
 * How many of these rows, `step` apart, have a line of their own: at most `limit`, and without
 * 0 for all none below a thousandth of the largest change. No two runs are alike to the byte.
 */
static size_t count_shown(const struct diff *diff, const struct diff_row *row, ptrdiff_t step,
			  size_t count, size_t limit)
{
	uint64_t largest = 0;
	size_t shown = 0;
	if (!limit)
		return count;
	if (diff->grown)
		largest = magnitude(&diff->rows[0]);
	if (diff->shrunk && magnitude(&diff->rows[diff->row_count - 1]) > largest)
		largest = magnitude(&diff->rows[diff->row_count - 1]);
	while (shown < count && shown < limit &&
	       magnitude(row + (ptrdiff_t)shown * step) >= largest / 1000)
		shown++;
	return shown;
}

/* Largest growth first, and then largest shrinkage first. */
static void print_rows(struct printer *printer, size_t limit)
{
	const struct diff *diff = printer->diff;
	const struct diff_row *last = diff->row_count ? &diff->rows[diff->row_count - 1]
						      : diff->rows;
	const size_t grown = count_shown(diff, diff->rows, 1, diff->grown, limit);
	const size_t shrunk = count_shown(diff, last, -1, diff->shrunk, limit);
	for (size_t i = 0; i < grown; i++)
		print_row(printer, &diff->rows[i]);
	print_others(printer, diff->rows + grown, diff->grown - grown, "grew");
	for (size_t i = 0; i < shrunk; i++)
		print_row(printer, last - i);
	print_others(printer, diff->rows + diff->row_count - diff->shrunk,
		     diff->shrunk - shrunk, "shrank");
	const size_t same = diff->row_count - diff->grown - diff->shrunk;
	if (same)
		paragraph_printf(printer->term, "%s %s are as large as before",
				 units_count(same).text, caption_plural(diff->by));
}

static void print_heading(const struct printer *printer)
{
	static const char *const what[DIFF_WEIGHT_COUNT] = {"What is live at", "What grew",
							    "What was live at the peak",
							    "All that was allocated"};
	const struct diff *diff = printer->diff;
	const char *filtered = diff->filtered ? " (only what --focus and --ignore leave)" : "";
	const char *by = diff->by == GROUPING_BY_OWN ? "line of your own code"
						     : grouping_by_names[diff->by];
	putc('\n', printer->term->out);
	if (diff->weight == DIFF_LIVE)
		paragraph_printf(printer->term,
				 "%s %s, after against before, by %s%s:", what[DIFF_LIVE],
				 diff->after.to.name, by, filtered);
	else if (diff->weight == DIFF_GROWTH)
		paragraph_printf(
			printer->term,
			"%s from %s to %s, after against before, by %s%s:", what[DIFF_GROWTH],
			diff->after.from.name, diff->after.to.name, by, filtered);
	else
		paragraph_printf(printer->term,
				 "%s, after against before, by %s%s:", what[diff->weight], by,
				 filtered);
}

void diff_text(const struct diff *diff, size_t limit, const struct term *term,
	       enum units_kind units)
{
	struct printer printer = {.diff = diff,
				  .term = term,
				  .units = units,
				  .folder = caption_working_directory()};
	char total[256];
	source_init(&printer.source, diff->after.profile->run.start_real_ns);
	print_side(&printer, "before", &diff->before);
	print_side(&printer, "after", &diff->after);
	diff_notes(diff, print_note, &printer);
	print_figures(&printer);
	diff_resident(diff, term, units);
	print_heading(&printer);
	print_rows(&printer, limit);
	figures_text(&printer, &diff->total, total, sizeof total);
	paragraph_printf(term, "Total: %s", total);
	source_release(&printer.source);
}
