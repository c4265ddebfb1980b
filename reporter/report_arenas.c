/* What a report says of arenas, for people: the verdict, who holds them, the audit. */
#include <inttypes.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "merge.h"
#include "paragraph.h"
#include "table.h"

enum { STEPS_SHOWN = 5, FIRST_STEPS = 3, STEP_ROWS = 10, STEP_NAMES = 2, LEAST_WIDTH = 24 };

struct printer {
	const struct report *report;
	const struct term *term;
	enum units_kind units;
	const struct caption_folder *folder;
};

void report_advice(const char *sentence, const struct term *term)
{
	paragraph_item(term, term->blocks ? "  → " : "  > ", sentence, "    ");
}

void report_verdict(const struct report *report, const struct term *term)
{
	const struct verdict *verdict = &report->verdict;
	if (verdict->kind == VERDICT_NONE)
		return;
	fputs(term_alarm(term), term->out);
	paragraph_printf(term, "%s: %s", verdict_kind_names[verdict->kind],
			 verdict->reasons[0]);
	fputs(term_plain(term), term->out);
	for (size_t i = 1; i < VERDICT_MAX_SENTENCES && verdict->reasons[i]; i++)
		paragraph_item(term, "  ", verdict->reasons[i], "    ");
	for (size_t i = 0; i < VERDICT_MAX_SENTENCES && verdict->advice[i]; i++)
		report_advice(verdict->advice[i], term);
	putc('\n', term->out);
}

static struct units_text size(const struct printer *printer, uint64_t bytes)
{
	return units_size(printer->units, bytes);
}

static void print_sum(const struct printer *printer)
{
	const struct report *report = printer->report;
	const struct fragmentation *figures = &report->fragmentation;
	if (!figures->known)
		return;
	if (!figures->arenas) {
		paragraph_printf(printer->term, "no arenas at %s%s%s", report->to.name,
				 figures->why_none ? ": " : "",
				 figures->why_none ? figures->why_none : "");
		return;
	}
	paragraph_printf(
		printer->term,
		"%s arena%s of %s at %s: %s live in %s blocks, %s pool headers,"
		" %s free (%.0f %%)",
		units_count(figures->arenas).text, figures->arenas == 1 ? "" : "s",
		size(printer, figures->bytes).text, report->to.name,
		size(printer, figures->block_bytes).text, units_count(figures->blocks).text,
		size(printer, figures->header_bytes).text,
		size(printer, figures->free_bytes).text,
		figures->bytes ? 100.0 * (double)figures->free_bytes / (double)figures->bytes
			       : 0.0);
}

static void print_free(const struct printer *printer)
{
	const struct fragmentation *figures = &printer->report->fragmentation;
	if (!figures->pools_known)
		return;
	paragraph_printf(
		printer->term,
		"free are %s in %s unused pools, %s for %s more blocks in %s used ones, and"
		" %s left over at the ends of pools and arenas",
		size(printer, figures->unused_pool_bytes).text,
		units_count(figures->unused_pools).text,
		size(printer, figures->available_bytes).text,
		units_count(figures->available_blocks).text, units_count(figures->pools).text,
		size(printer, figures->quantization_bytes + figures->alignment_bytes).text);
}

/* The caller's to free. The end of a long path tells more than its beginning. */
static char *row_name(const struct printer *printer, const struct group *group, size_t room)
{
	struct buf text;
	buf_init(&text);
	caption_append(group, printer->report->by, printer->folder, &text);
	buf_u8(&text, '\0');
	char *name = (char *)text.data;
	const size_t len = text.len - 1;
	if (len > room && room > 3) {
		memmove(name + 3, name + len - (room - 3), room - 3 + 1);
		memcpy(name, "...", 3);
	}
	return name;
}

/* What `taken` columns leave of the line. */
static size_t room_left(const struct printer *printer, size_t taken)
{
	const size_t width = printer->term->width;
	if (!width)
		return SIZE_MAX;
	return width > taken + LEAST_WIDTH ? width - taken : LEAST_WIDTH;
}

struct age {
	char number[16];
	const char *unit;
};

/* Coarser than elsewhere, as two of them stand in one column. */
static struct age age_of(double seconds)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {0, "s"}};
	size_t i = 0;
	while (seconds < 2 * units[i].seconds)
		i++;
	const double number = units[i].seconds > 0 ? seconds / units[i].seconds : seconds;
	struct age age = {.unit = units[i].name};
	snprintf(age.number, sizeof age.number, number < 10 ? "%.1f" : "%.0f", number);
	return age;
}

/* "2 min", "3-5 s", "3 s-2 min": from the newest to the oldest. */
static void age_text(const struct pinning_row *row, char *text, size_t size)
{
	const struct age oldest = age_of(row->oldest_seconds);
	const struct age newest = age_of(row->newest_seconds);
	const bool same_unit = strcmp(oldest.unit, newest.unit) == 0;
	if (same_unit && strcmp(oldest.number, newest.number) == 0)
		snprintf(text, size, "%s %s", oldest.number, oldest.unit);
	else if (same_unit)
		snprintf(text, size, "%s-%s %s", newest.number, oldest.number, oldest.unit);
	else
		snprintf(text, size, "%s %s-%s %s", newest.number, newest.unit, oldest.number,
			 oldest.unit);
}

static void add_row(const struct printer *printer, struct table *table,
		    const struct pinning_row *row)
{
	const struct pinning_figures *figures = &row->figures;
	char age[100];
	__attribute__((cleanup(mem_scope))) char *name = row_name(printer, &row->group,
								  SIZE_MAX);
	age_text(row, age, sizeof age);
	table_cell(table, size(printer, figures->exclusive_bytes).text);
	table_cell(table, size(printer, figures->pinned_bytes).text);
	table_cell(table, units_count(figures->arenas).text);
	table_cell(table, units_count(figures->blocks).text);
	table_cell(table, size(printer, figures->live_bytes).text);
	table_cell(table, age);
	table_cell(table, name);
}

/* Most of a program's lines have some blocks in some arena: those don't matter. */
static bool matters(const struct pinning *pinning, const struct pinning_row *row)
{
	enum { LEAST_PART = 100 };
	return row->figures.exclusive_bytes ||
	       row->figures.pinned_bytes >= pinning->total.pinned_bytes / LEAST_PART;
}

static void print_rest(const struct printer *printer, size_t shown)
{
	const struct pinning *pinning = &printer->report->pinning;
	uint64_t pinned = 0;
	for (size_t i = shown; i < pinning->row_count; i++)
		pinned += pinning->rows[i].figures.pinned_bytes;
	if (shown < pinning->row_count)
		paragraph_printf(printer->term, "%s other %s pin %s",
				 units_count(pinning->row_count - shown).text,
				 caption_plural(printer->report->by),
				 size(printer, pinned).text);
	if (pinning->others.blocks)
		paragraph_printf(printer->term, "%s blocks of %s that %s pin %s",
				 units_count(pinning->others.blocks).text,
				 size(printer, pinning->others.live_bytes).text,
				 printer->report->filtered ? "are left out or have no name"
							   : "have no name at a mark",
				 size(printer, pinning->others.pinned_bytes).text);
}

static void print_rows(const struct printer *printer)
{
	static const char *const heads[] = {"alone", "pinned", "arenas",        "blocks",
					    "live",  "age",    "who holds them"};
	const struct pinning *pinning = &printer->report->pinning;
	const size_t limit = printer->report->limit;
	struct table table;
	size_t shown = 0;
	table_init(&table, "rrrrrrl");
	table.cuts_last = true;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		table_cell(&table, heads[i]);
	for (; shown < pinning->row_count; shown++) {
		const struct pinning_row *row = &pinning->rows[shown];
		if (limit && (shown >= limit || !matters(pinning, row)))
			break;
		add_row(printer, &table, row);
	}
	if (shown)
		table_print(&table, printer->term);
	table_release(&table);
	print_rest(printer, shown);
}

/* The caller's to free. */
static char *step_names(const struct printer *printer, size_t from, size_t to)
{
	enum { TAKEN = 46 };
	const struct pinning *pinning = &printer->report->pinning;
	struct buf text;
	buf_init(&text);
	buf_printf(&text, "%s", from ? "+ " : "");
	for (size_t i = from; i < to && i < from + STEP_NAMES; i++) {
		__attribute__((cleanup(mem_scope))) char *name =
			row_name(printer, &pinning->rows[pinning->release.order[i]].group,
				 room_left(printer, TAKEN) / STEP_NAMES);
		buf_printf(&text, "%s%s", i > from ? ", " : "", name);
	}
	if (to > from + STEP_NAMES)
		buf_printf(&text, " and %zu more", to - from - STEP_NAMES);
	buf_u8(&text, '\0');
	return (char *)text.data;
}

static void add_step(const struct printer *printer, struct table *table,
		     const struct release_step *step, size_t from)
{
	__attribute__((cleanup(mem_scope))) char *names = step_names(printer, from, step->rows);
	table_cell(table, units_count(step->rows).text);
	table_cell(table, units_count(step->arenas).text);
	table_cell(table, size(printer, step->bytes).text);
	table_cell(table, names);
}

/* The first ones, the one that ends within ten rows, and the last. */
static bool is_shown(const struct release *release, size_t step)
{
	const struct release_step *steps = release->steps;
	if (step < FIRST_STEPS || step + 1 == release->step_count ||
	    release->step_count <= STEPS_SHOWN)
		return true;
	return steps[step].rows <= STEP_ROWS && steps[step + 1].rows > STEP_ROWS;
}

static void print_release(const struct printer *printer)
{
	const struct release *release = &printer->report->pinning.release;
	struct table table;
	size_t from = 0;
	/* What one step gives back is in the verdict. */
	if (release->step_count < 2)
		return;
	table_init(&table, "rrrl");
	table_cell(&table, caption_plural(printer->report->by));
	table_cell(&table, "arenas");
	table_cell(&table, "goes back");
	table_cell(&table, "when these are freed, in this order");
	for (size_t i = 0; i < release->step_count; i++) {
		if (!is_shown(release, i))
			continue;
		add_step(printer, &table, &release->steps[i], from);
		from = release->steps[i].rows;
	}
	putc('\n', printer->term->out);
	table_print(&table, printer->term);
	table_release(&table);
}

/* One line, where there is more to say than that a small heap is in use. */
static void print_heap(const struct printer *printer)
{
	enum { LEAST_BYTES = 1 << 20 };
	const struct c_heap *heap = &printer->report->heap;
	if (heap->allocator && strcmp(heap->allocator, "glibc") != 0)
		paragraph_printf(printer->term,
				 "malloc is %s's: what is free in its heap isn't known",
				 heap->allocator);
	if (!heap->known || c_heap_trim_bytes(heap) < LEAST_BYTES)
		return;
	paragraph_printf(
		printer->term,
		"C heap: %s, and %s mapped; %s free, %s %s of it for malloc_trim(0)",
		size(printer, heap->bytes).text, size(printer, heap->mapped_bytes).text,
		size(printer, heap->free_bytes).text, heap->detailed ? "about" : "at most",
		size(printer, c_heap_trim_bytes(heap)).text);
}

static void print_difference(const struct printer *printer,
			     const struct profile_audit_difference *difference)
{
	paragraph_printf(
		printer->term,
		"  arena 0x%" PRIx64 ", pool 0x%" PRIx64 ": %u blocks of %u bytes here,"
		" %u of %u in the interpreter; %u differ",
		difference->arena, difference->pool, difference->map_blocks,
		arenas_class_bytes(difference->map_class), difference->header_blocks,
		arenas_class_bytes(difference->header_class), difference->differing_blocks);
}

/* Pauses are short: "0.4 ms", "12 ms". */
static void pause_text(uint64_t pause_ns, char *text, size_t size)
{
	const double ms = (double)pause_ns / 1e6;
	if (ms >= 1000)
		snprintf(text, size, "%s", units_seconds(ms / 1000).text);
	else
		snprintf(text, size, ms < 10 ? "%.1f ms" : "%.0f ms", ms);
}

static void print_audit(const struct printer *printer, const struct report *report)
{
	enum { SHOWN = 3 };
	const struct profile *profile = report->profile;
	const struct profile_audit *audit = report_audit(report);
	size_t shown = 0;
	char pause[40];
	if (!audit) {
		if (report->fragmentation.known && report->fragmentation.arenas)
			paragraph_printf(printer->term, "no audit: %s",
					 report_why_no_audit(report));
		return;
	}
	pause_text(audit->pause_ns, pause, sizeof pause);
	if (audit->differing_blocks)
		fputs(term_alarm(printer->term), printer->term->out);
	paragraph_printf(printer->term,
			 "audit: %s blocks in %s arenas read from the interpreter's own pool"
			 " headers, %s differ (%s)",
			 units_count(audit->blocks).text, units_count(audit->arenas).text,
			 units_count(audit->differing_blocks).text, pause);
	if (audit->differing_blocks)
		fputs(term_plain(printer->term), printer->term->out);
	for (size_t i = 0; i < profile->difference_count && shown < SHOWN; i++) {
		if (&profile->audits[profile->differences[i].audit] != audit)
			continue;
		print_difference(printer, &profile->differences[i]);
		shown++;
	}
}

/* Of several processes only what they pin together: the rest is each one's own. */
static void print_merged(const struct printer *printer)
{
	const struct merge *merge = printer->report->merge;
	bool fragmented = false;
	for (size_t i = 0; i < merge->part_count; i++)
		fragmented |= merge->parts[i].verdict.of_arenas;
	if (!fragmented || !merge->pinning.known)
		return;
	putc('\n', printer->term->out);
	paragraph_printf(printer->term, "Arenas of all processes, by %s:",
			 grouping_by_names[printer->report->by]);
	print_rows(printer);
}

void report_arenas(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder)
{
	const struct printer printer = {report, term, units, folder};
	if (report->merge) {
		print_merged(&printer);
		return;
	}
	putc('\n', term->out);
	print_sum(&printer);
	const bool whole = report->verdict.of_arenas;
	if (whole)
		print_free(&printer);
	print_heap(&printer);
	if (whole && report->pinning.known) {
		putc('\n', term->out);
		print_rows(&printer);
		print_release(&printer);
		putc('\n', term->out);
	}
	print_audit(&printer, report);
}
