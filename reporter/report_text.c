/* A report for people: a head, what is doubtful, the rows, what to try next. */
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/linetable.h"
#include "../collector/mem.h"
#include "caption.h"
#include "doubts.h"
#include "free_lists.h"
#include "next_step.h"
#include "paragraph.h"
#include "source.h"
#include "spark.h"

enum { MARKS_SHOWN = 8 };

struct printer {
	const struct report *report;
	const struct term *term;
	enum units_kind units;
	struct source source;
	struct caption_folder folder;
};

__attribute__((format(printf, 2, 3))) static void print_line(const struct printer *printer,
							     const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	paragraph_print(printer->term, text, "  ");
}

static const char *or_unknown(const char *text)
{
	return text && *text ? text : "unknown";
}

static void print_process(const struct printer *printer)
{
	const struct profile *profile = printer->report->profile;
	char end[80];
	report_end(printer->report, end, sizeof end);
	const char *program = profile_info(profile, "program");
	char parent[40] = "";
	if (profile_info(profile, "forked"))
		snprintf(parent, sizeof parent, ", forked from %.16s",
			 or_unknown(profile_info(profile, "parent_pid")));
	print_line(printer, "%s: Python %s, pid %u%s, %s after %s",
		   program && *program ? program : profile->path,
		   or_unknown(profile_info(profile, "python")), profile->run.pid, parent, end,
		   units_seconds((double)profile->run.duration_ms / 1000).text);
}

static void print_heap(const struct printer *printer)
{
	const struct report *report = printer->report;
	const struct profile_run *run = &report->profile->run;
	const uint64_t bytes = moment_live_bytes(report->profile, &report->to);
	const uint64_t blocks = moment_live_blocks(report->profile, &report->to);
	print_line(printer, "live at %s %s in %s blocks, peak %s at %s", report->to.name,
		   units_size(printer->units, bytes).text, units_count(blocks).text,
		   units_size(printer->units, run->peak_bytes).text,
		   units_seconds((double)run->peak_ms / 1000).text);
	/*
	 * What the interpreter gave back after the end is freed, and live at the end all the
	 * same.
	 */
	const bool torn_down = run->allocations - run->frees < run->live_blocks;
	char arenas[160] = "";
	if (run->most_arenas)
		snprintf(arenas, sizeof arenas, "; %s arenas of %s at the end, %s at most",
			 units_count(run->arena_count).text,
			 units_size(printer->units, run->arena_bytes).text,
			 units_count(run->most_arenas).text);
	print_line(printer, "%s allocations, %s freed%s%s", units_count(run->allocations).text,
		   units_count(run->frees).text, torn_down ? " (teardown included)" : "",
		   arenas);
}

static void print_marks(const struct printer *printer)
{
	const struct profile *profile = printer->report->profile;
	struct buf text;
	buf_init(&text);
	buf_printf(&text, "marks:");
	for (size_t i = 0; i < profile->mark_count; i++) {
		/* The newest are the ones that a long run's reader is after. */
		if (profile->mark_count > MARKS_SHOWN && i == MARKS_SHOWN / 2) {
			buf_printf(&text, " ... %zu more ...",
				   profile->mark_count - MARKS_SHOWN);
			i = profile->mark_count - MARKS_SHOWN / 2;
		}
		const struct profile_mark *mark = &profile->marks[i];
		buf_printf(&text, "%s %s %s", i ? "," : "", profile_text(profile, mark->name),
			   units_seconds((double)mark->figures.time_ns / 1e9).text);
	}
	buf_u8(&text, '\0');
	if (profile->mark_count)
		paragraph_print(printer->term, (const char *)text.data, "  ");
	buf_release(&text);
}

static void print_doubt(void *user, const char *sentence)
{
	const struct printer *printer = user;
	paragraph_warn(printer->term, sentence);
}

static void print_head(struct printer *printer)
{
	const struct report *report = printer->report;
	report_verdict(report, printer->term);
	print_process(printer);
	print_heap(printer);
	print_marks(printer);
	report_timeline(report, printer->term, printer->units);
	if (report->recovered_now || report->profile->run.flags & PROFILE_REPLAYED)
		print_line(printer,
			   "recovered: no profile was finished; this is what its journal and"
			   " its ring held");
	if (report->running)
		print_line(printer, "the program still runs: this is its profile so far");
	doubts_of(report->profile, print_doubt, printer);
}

static void print_asked(const struct printer *printer, const char *option,
			const struct moment *moment)
{
	if (moment->asked_seconds < 0)
		return;
	if (moment->kind == MOMENT_POINT)
		print_line(printer, "%s %s: the last figures by then are those at %s", option,
			   units_seconds(moment->asked_seconds).text, moment->name);
	else
		print_line(printer, "%s %s: the last mark by then is %s, at %s", option,
			   units_seconds(moment->asked_seconds).text, moment->name,
			   units_seconds(moment->seconds).text);
}

static const char *short_path(const struct printer *printer, const char *path)
{
	return caption_path(&printer->folder, path);
}

/* tracemalloc's grammar. */
static void figures_text(enum units_kind units, const struct growth_figures *figures,
			 char *text, size_t size)
{
	char average[64] = "";
	if (figures->count)
		snprintf(average, sizeof average, ", average=%s",
			 units_size(units, figures->size_bytes / figures->count).text);
	snprintf(text, size, "size=%s (%s), count=%s (%s)%s",
		 units_size(units, figures->size_bytes).text,
		 units_size_diff(units, figures->size_diff_bytes).text,
		 units_count(figures->count).text, units_count_diff(figures->count_diff).text,
		 average);
}

/* Innermost first, as what is looked for is there. */
static void print_stack(struct printer *printer, const struct lines *lines, uint32_t trace)
{
	const struct term *term = printer->term;
	for (; trace; trace = lines->traces[trace].parent) {
		const struct frame *frame = lines_frame(lines, trace);
		const struct frame_name name = lines_name(lines, frame);
		fputs("  ", term->out);
		if (frame->kind == FRAME_CODE) {
			term_text(term, short_path(printer, lines_file(lines, frame)));
			if (frame->line != LINE_NONE)
				fprintf(term->out, ":%d", frame->line);
			fputs(" in ", term->out);
		}
		term_text(term, name.text);
		putc('\n', term->out);
		if (frame->kind == FRAME_CODE)
			source_print(&printer->source, printer->term, lines_file(lines, frame),
				     frame->line);
	}
}

/* How a row that grows went, where there is more to tell than its growth. */
static void print_trend(const struct printer *printer, const struct growth_row *row)
{
	enum { NARROW = 24 };
	const struct report *report = printer->report;
	if (report->merge || report->leaks.items[row->index].kind < LEAK_FILLS)
		return;
	const struct leak_test *test = &report->leaks.items[row->index];
	struct buf text;
	buf_init(&text);
	buf_printf(&text, "    ");
	spark_append(printer->term, history_bytes(&report->history, row->index),
		     report->history.count, NARROW, &text);
	buf_printf(&text, " %s, %s a second", leak_kind_names[test->kind],
		   units_size_diff(printer->units, (int64_t)test->trend.slope).text);
	if (!isnan(test->blocks_per_mark))
		buf_printf(&text, ", %.2f blocks at each mark", test->blocks_per_mark);
	if (!isnan(test->chance))
		buf_printf(&text, ", %.0f %% of what grew old stayed", 100 * test->chance);
	buf_u8(&text, '\0');
	fprintf(printer->term->out, "%s\n", (const char *)text.data);
	buf_release(&text);
	if (!report->frees)
		report_freers_line(report, row, printer->term, &printer->folder);
}

static void print_row(struct printer *printer, const struct growth_row *row)
{
	const struct term *term = printer->term;
	const enum grouping_by by = printer->report->by;
	char figures[256];
	struct buf place;
	buf_init(&place);
	caption_append(&row->group, by, &printer->folder, &place);
	buf_u8(&place, '\0');
	const char *text = (const char *)place.data;
	figures_text(printer->units, &row->figures, figures, sizeof figures);
	fputs(term_bold(term), term->out);
	term_text(term, text);
	fputs(term_plain(term), term->out);
	const bool fits = !term->width ||
			  term_text_width(term, text) + 2 + strlen(figures) <= term->width;
	fprintf(term->out, ":%s%s\n", fits ? " " : "\n    ", figures);
	if (by == GROUPING_BY_STACK)
		print_stack(printer, row->group.lines, row->group.trace);
	else if (row->group.file && (by == GROUPING_BY_LINE || by == GROUPING_BY_OWN))
		source_print(&printer->source, printer->term, row->group.file, row->group.line);
	print_trend(printer, row);
	buf_release(&place);
}

static void print_others(const struct printer *printer, size_t shown)
{
	const struct report *report = printer->report;
	struct growth_figures others = {.size_bytes = 0};
	char text[256];
	for (size_t i = shown; i < report->growth.row_count; i++) {
		const struct growth_figures *figures = &report->growth.rows[i].figures;
		others.size_bytes += figures->size_bytes;
		others.size_diff_bytes += figures->size_diff_bytes;
		others.count += figures->count;
		others.count_diff += figures->count_diff;
	}
	if (shown < report->growth.row_count) {
		figures_text(printer->units, &others, text, sizeof text);
		print_line(printer, "%s other %s: %s",
			   units_count(report->growth.row_count - shown).text,
			   caption_plural(report->by), text);
	}
	figures_text(printer->units, &report->growth.total, text, sizeof text);
	print_line(printer, "Total: %s", text);
}

static void print_growth(struct printer *printer)
{
	const struct report *report = printer->report;
	const size_t shown = report_rows(report);
	putc('\n', printer->term->out);
	print_asked(printer, "--from", &report->from);
	print_asked(printer, "--to", &report->to);
	print_line(printer, "Growth from %s to %s, by %s%s:", report->from.name,
		   report->to.name,
		   report->by == GROUPING_BY_OWN ? "line of your own code"
						 : grouping_by_names[report->by],
		   report->filtered ? " (only what --focus and --ignore leave)" : "");
	for (size_t i = 0; i < shown; i++)
		print_row(printer, &report->growth.rows[i]);
	if (!report->growth.row_count)
		print_line(printer, report->filtered ? "nothing: no stack matches"
						     : "nothing was recorded");
	print_others(printer, shown);
}

static void print_free_lists(const struct printer *printer)
{
	const struct free_lists lists = free_lists_of(printer->report->profile);
	if (!lists.known || lists.tracked)
		return;
	print_line(
		printer,
		"free lists: Python keeps up to %s of dead tuples, floats, ... for reuse, live"
		" at the lines that made them%s",
		units_size(printer->units, lists.most_bytes).text,
		lists.trackable ? "; MEMTRACE_REUSE=1 follows them" : "");
}

/* Never wrapped: it is there to be copied. */
static void print_next(const struct printer *printer)
{
	const struct report *report = printer->report;
	struct buf text;
	buf_init(&text);
	next_step_append(report, short_path(printer, report->profile->path), &text);
	buf_u8(&text, '\0');
	fputs("\nnext: ", printer->term->out);
	term_text(printer->term, (const char *)text.data);
	putc('\n', printer->term->out);
	buf_release(&text);
}

void report_text(const struct report *report, const struct term *term, enum units_kind units)
{
	struct printer printer = {.report = report,
				  .term = term,
				  .units = units,
				  .folder = caption_working_directory()};
	source_init(&printer.source, report->profile->run.start_real_ns);
	if (report->merge)
		report_processes(report, term, units);
	else
		print_head(&printer);
	print_growth(&printer);
	if (report->frees)
		report_freers(report, term, units, &printer.folder);
	if (!report->merge)
		print_free_lists(&printer);
	if (!report->merge) {
		report_resident(report, term, units);
		report_mapped(report, term, units, &printer.folder);
	}
	report_arenas(report, term, units, &printer.folder);
	report_cycles(report, term, units, &printer.folder, &printer.source);
	if (!report->merge)
		print_next(&printer);
	source_release(&printer.source);
}
