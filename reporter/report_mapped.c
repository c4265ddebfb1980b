/* Who mapped what is resident, for people and in JSON. */
#include "report.h"

#include "paragraph.h"
#include "table.h"

enum { ROWS = 5, SMALLEST_PART = 100 };

static void add_row(const struct report *report, const struct mapped_line *line,
		    enum units_kind units, const struct caption_folder *folder,
		    struct table *table)
{
	struct buf name;
	buf_init(&name);
	if (line->others)
		buf_printf(&name, "(other stacks)");
	else
		caption_append(&line->group, report->by, folder, &name);
	buf_u8(&name, '\0');
	table_cell(table, units_size(units, line->resident_bytes).text);
	table_cell(table, units_size(units, line->bytes).text);
	table_cell(table, resident_set_names[line->share]);
	table_cell(table, (const char *)name.data);
	buf_release(&name);
}

/* Those that are a hundredth of the resident set: with fewer there is no table. */
static size_t rows_of(const struct report *report)
{
	const struct mapped_lines *mapped = &report->mapped;
	const uint64_t least = report->resident.bytes / SMALLEST_PART;
	size_t count = 0;
	while (count < mapped->count && mapped->items[count].resident_bytes > least &&
	       (!report->limit || count < ROWS))
		count++;
	return count;
}

static void say_rest(const struct report *report, size_t shown, const struct term *term,
		     enum units_kind units)
{
	const struct mapped_lines *mapped = &report->mapped;
	uint64_t rest = 0;
	for (size_t i = shown; i < mapped->count; i++)
		rest += mapped->items[i].resident_bytes;
	if (rest)
		paragraph_printf(term, "others: %s together", units_size(units, rest).text);
}

static void say_past_hooks(const struct report *report, const struct term *term,
			   enum units_kind units)
{
	const uint64_t *bytes = report->mapped.past_hooks_bytes;
	struct buf text;
	size_t said = 0;
	buf_init(&text);
	buf_printf(&text,
		   "by no line, for they were mapped past the hooks, as the loader and the"
		   " C library do:");
	for (size_t i = 0; i < SHARES; i++)
		if (bytes[i] > report->resident.bytes / SMALLEST_PART)
			buf_printf(&text, "%s %s, %s", said++ ? ";" : "", resident_set_names[i],
				   units_size(units, bytes[i]).text);
	buf_u8(&text, '\0');
	if (said)
		paragraph_print(term, (const char *)text.data, "");
	buf_release(&text);
}

void report_mapped(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder)
{
	const bool own = report->by == GROUPING_BY_OWN;
	const char *by = own ? "line" : grouping_by_names[report->by];
	const char *const heading[] = {"resident", "of", "what", by};
	const size_t count = rows_of(report);
	struct table table;
	if (!count)
		return;
	putc('\n', term->out);
	paragraph_printf(
		term, "Of it, by the %s that mapped it:", own ? "line of your own code" : by);
	table_init(&table, "rrll");
	table.cuts_last = true;
	for (size_t i = 0; i < sizeof heading / sizeof heading[0]; i++)
		table_cell(&table, heading[i]);
	for (size_t i = 0; i < count; i++)
		add_row(report, &report->mapped.items[i], units, folder, &table);
	table_print(&table, term);
	table_release(&table);
	say_rest(report, count, term, units);
	say_past_hooks(report, term, units);
}

static void write_line(const struct mapped_line *line, struct json *json)
{
	static const struct group others = {.line = LINE_NONE, .name.text = "(other stacks)"};
	json_open_object(json, NULL);
	json_text(json, "part", resident_set_keys[line->share]);
	json_u64(json, "resident_bytes", line->resident_bytes);
	json_u64(json, "mapped_bytes", line->bytes);
	report_json_group(line->others ? &others : &line->group, json);
	if (!line->others)
		report_json_stack(&line->group, json);
	else
		json_put_null(json, "stack");
	json_close(json);
}

void report_json_mapped(const struct report *report, struct json *json)
{
	const struct mapped_lines *mapped = &report->mapped;
	if (!mapped->known) {
		json_put_null(json, "mapped");
		return;
	}
	json_open_object(json, "mapped");
	json_open_array(json, "rows");
	for (size_t i = 0; i < mapped->count; i++)
		write_line(&mapped->items[i], json);
	json_close(json);
	json_open_object(json, "past_hooks_bytes");
	for (size_t i = 0; i < SHARES; i++)
		if (mapped_lines_tells(i))
			json_u64(json, resident_set_keys[i], mapped->past_hooks_bytes[i]);
	json_close(json);
	json_close(json);
}
