/* What a report says of who frees, for people and as JSON. */
#include "freers.h"
#include "paragraph.h"
#include "report.h"
#include "../collector/linetable.h"

/* Named in the line below a row that grows. */
enum { NAMED = 3, PER_CENT = 100 };

static const char *const kind_words[] = {
	[FREER_UNKNOWN] = "(not known)",
	[FREER_OTHERS] = "(other stacks)",
};

static void append_name(const struct report *report, const struct freer *freer,
			const struct caption_folder *folder, struct buf *text)
{
	if (freer->kind == FREER_KNOWN)
		caption_append(&freer->group, report->by, folder, text);
	else
		buf_printf(text, "%s", kind_words[freer->kind]);
}

/* Freeing by the collector or by a realloc reads otherwise than by a line that lets go. */
static void append_how(const struct freer_figures *figures, struct buf *text)
{
	if (figures->gc_blocks && figures->gc_blocks == figures->blocks)
		buf_printf(text, ", by the cyclic collector");
	else if (figures->gc_blocks)
		buf_printf(text, ", %s of them by the cyclic collector",
			   units_count(figures->gc_blocks).text);
	if (figures->moved_blocks && figures->moved_blocks == figures->blocks)
		buf_printf(text, ", by realloc");
	else if (figures->moved_blocks)
		buf_printf(text, ", %s of them by realloc",
			   units_count(figures->moved_blocks).text);
}

/* In whole per cent; figures out of a damaged profile may be anything. */
static unsigned int share_of(uint64_t blocks, uint64_t all)
{
	return all ? (unsigned int)((double)blocks * PER_CENT / (double)all + 0.5) : 0;
}

/* What a realloc frees it allocates again: nobody is done with that. */
static uint64_t let_go(const struct freer_figures *figures)
{
	return figures->blocks - figures->moved_blocks;
}

void report_freers_line(const struct report *report, const struct growth_row *row,
			const struct term *term, const struct caption_folder *folder)
{
	size_t count, named = 0;
	struct buf text;
	if (report->merge || !report->freers.known)
		return;
	const struct freer *items = freers_of(&report->freers, row->index, &count);
	const struct freer_figures all = freers_sum(items, count);
	const uint64_t freed = let_go(&all);
	buf_init(&text);
	if (freed)
		buf_printf(&text, "%s of %s blocks freed, by ", units_count(freed).text,
			   units_count(row->figures.total_count - all.moved_blocks).text);
	else
		buf_printf(&text, "nobody frees any of it");
	for (size_t i = 0; i < count && named < NAMED; i++) {
		if (!let_go(&items[i].figures))
			continue;
		buf_printf(&text, "%s", named++ ? ", " : "");
		append_name(report, &items[i], folder, &text);
		buf_printf(&text, " (%u %%)", share_of(let_go(&items[i].figures), freed));
	}
	buf_u8(&text, '\0');
	paragraph_item(term, "    ", (const char *)text.data, "      ");
	buf_release(&text);
}

static void print_freer(const struct report *report, const struct freer *freer,
			const struct term *term, enum units_kind units,
			const struct caption_folder *folder)
{
	struct buf text;
	buf_init(&text);
	append_name(report, freer, folder, &text);
	buf_printf(&text, ": %s block%s, %s", units_count(freer->figures.blocks).text,
		   freer->figures.blocks == 1 ? "" : "s",
		   units_size(units, freer->figures.bytes).text);
	append_how(&freer->figures, &text);
	buf_u8(&text, '\0');
	paragraph_item(term, "    ", (const char *)text.data, "      ");
	buf_release(&text);
}

static void print_row(const struct report *report, const struct growth_row *row,
		      const struct term *term, enum units_kind units,
		      const struct caption_folder *folder)
{
	size_t count, shown;
	struct buf text;
	const struct freer *items = freers_of(&report->freers, row->index, &count);
	const struct freer_figures all = freers_sum(items, count);
	buf_init(&text);
	caption_append(&row->group, report->by, folder, &text);
	buf_printf(&text, ": %s of %s blocks freed, %s", units_count(all.blocks).text,
		   units_count(row->figures.total_count).text,
		   units_size(units, all.bytes).text);
	buf_u8(&text, '\0');
	paragraph_item(term, "  ", (const char *)text.data, "    ");
	buf_release(&text);
	shown = report->limit && report->limit < count ? report->limit : count;
	for (size_t i = 0; i < shown; i++)
		print_freer(report, &items[i], term, units, folder);
	if (shown < count)
		fprintf(term->out, "    and %s other%s\n", units_count(count - shown).text,
			count - shown == 1 ? "" : "s");
}

void report_freers(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder)
{
	putc('\n', term->out);
	if (report->merge) {
		paragraph_printf(term, "who frees is told of each process by itself only:"
				       " without --merge");
		return;
	}
	if (!report->freers.known) {
		paragraph_printf(term, "who frees wasn't recorded: run the program with"
				       " MEMTRACE_FREES=1");
		return;
	}
	paragraph_printf(term, "Who frees the blocks of these rows, in the whole run:");
	for (size_t i = 0; i < report_rows(report); i++)
		print_row(report, &report->growth.rows[i], term, units, folder);
}

static void write_freer(const struct freer *freer, struct json *json)
{
	static const struct group none = {.line = LINE_NONE};
	const struct freer_figures *figures = &freer->figures;
	json_open_object(json, NULL);
	if (freer->kind == FREER_KNOWN) {
		report_json_group(&freer->group, json);
	} else {
		struct group group = none;
		snprintf(group.name.text, sizeof group.name.text, "%s",
			 kind_words[freer->kind]);
		report_json_group(&group, json);
	}
	json_u64(json, "count", figures->blocks);
	json_u64(json, "bytes", figures->bytes);
	json_u64(json, "gc_count", figures->gc_blocks);
	json_u64(json, "gc_bytes", figures->gc_bytes);
	json_u64(json, "moved_count", figures->moved_blocks);
	json_u64(json, "moved_bytes", figures->moved_bytes);
	json_close(json);
}

void report_json_freers(const struct report *report, const struct growth_row *row,
			struct json *json)
{
	size_t count;
	if (report->merge || !report->freers.known) {
		json_put_null(json, "freed_by");
		return;
	}
	const struct freer *items = freers_of(&report->freers, row->index, &count);
	json_open_array(json, "freed_by");
	for (size_t i = 0; i < count && (!report->limit || i < report->limit); i++)
		write_freer(&items[i], json);
	json_close(json);
}
