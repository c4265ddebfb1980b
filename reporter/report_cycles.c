/* What a report says of cyclic garbage and of the collector, for people and as JSON. */
#include "cycles.h"
#include "paragraph.h"
#include "report.h"
#include "source.h"

/* Rows with less than a hundredth of all of it are not worth a line. */
enum { ROWS_SHOWN = 5, LEAST_SHARE = 100 };

static size_t rows_shown(const struct report *report, const struct cycles *cycles)
{
	size_t limit = report->limit ? report->limit : SIZE_MAX, count = 0;
	if (report->limit && limit > ROWS_SHOWN)
		limit = ROWS_SHOWN;
	while (count < cycles->row_count && count < limit &&
	       cycles->rows[count]->figures.gc_freed_bytes >= cycles->bytes / LEAST_SHARE)
		count++;
	return count;
}

static char *row_name(const struct report *report, const struct growth_row *row,
		      const struct caption_folder *folder, struct buf *text)
{
	buf_init(text);
	caption_append(&row->group, report->by, folder, text);
	buf_u8(text, '\0');
	return (char *)text->data;
}

static void print_sum(const struct report *report, const struct cycles *cycles,
		      const struct term *term, enum units_kind units)
{
	const struct profile_run *run = &report->profile->run;
	char times[160] = "", took[128] = "";
	if (cycles->took_ns)
		snprintf(took, sizeof took, "; %s took %s",
			 cycles->timed < cycles->collections ? units_count(cycles->timed).text
							     : "they",
			 units_seconds((double)cycles->took_ns / 1e9).text);
	if (!report->merge && cycles->collections)
		snprintf(times, sizeof times, ", in %s collection%s (%s full), of %s objects",
			 units_count(cycles->collections).text,
			 cycles->collections == 1 ? "" : "s",
			 units_count(run->program_collections[2]).text,
			 units_count(cycles->objects).text);
	paragraph_printf(term,
			 "cycles: only the cyclic collector could free %s in %s blocks%s%s",
			 units_size(units, cycles->bytes).text,
			 units_count(cycles->blocks).text, times, took);
}

static void print_row(const struct report *report, const struct growth_row *row,
		      const struct term *term, enum units_kind units,
		      const struct caption_folder *folder, struct source *source)
{
	struct buf text;
	const char *name = row_name(report, row, folder, &text);
	fputs("  ", term->out);
	term_text(term, name);
	fprintf(term->out, ": %s in %s blocks\n",
		units_size(units, row->figures.gc_freed_bytes).text,
		units_count(row->figures.gc_freed_count).text);
	if (row->group.file && row->group.line != LINE_NONE)
		source_print(source, term, row->group.file, row->group.line);
	buf_release(&text);
}

static void print_rows(const struct report *report, const struct cycles *cycles,
		       const struct term *term, enum units_kind units,
		       const struct caption_folder *folder, struct source *source)
{
	const size_t shown = rows_shown(report, cycles);
	for (size_t i = 0; i < shown; i++)
		print_row(report, cycles->rows[i], term, units, folder, source);
	const struct growth_row *row = cycles_to_break(cycles);
	if (!row)
		return;
	struct buf text;
	char advice[1024];
	snprintf(
		advice, sizeof advice,
		"break the cycle that holds what %s makes: with a weak reference, or by setting"
		" an attribute to None when it is done with; then the memory goes at once",
		row_name(report, row, folder, &text));
	report_advice(advice, term);
	buf_release(&text);
}

void report_cycles(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder, struct source *source)
{
	struct cycles cycles;
	cycles_compute(&report->growth, report->merge ? NULL : report->profile, units, &cycles);
	if (cycles_matter(&cycles)) {
		putc('\n', term->out);
		print_sum(report, &cycles, term, units);
		if (cycles_are_large(&cycles))
			print_rows(report, &cycles, term, units, folder, source);
		for (size_t i = 0; i < CYCLES_MAX_NOTES && cycles.notes[i]; i++)
			paragraph_item(term, "  ", cycles.notes[i], "    ");
	}
	cycles_release(&cycles);
}

static void write_row(struct json *json, const struct growth_row *row)
{
	json_open_object(json, NULL);
	report_json_group(&row->group, json);
	json_u64(json, "bytes", row->figures.gc_freed_bytes);
	json_u64(json, "blocks", row->figures.gc_freed_count);
	report_json_stack(&row->group, json);
	json_close(json);
}

static void write_seconds(struct json *json, const char *key, uint64_t ns)
{
	if (ns)
		json_double(json, key, (double)ns / 1e9, 9);
	else
		json_put_null(json, key);
}

static void write_collections(struct json *json, const struct profile_run *run)
{
	json_open_array(json, "collections");
	for (size_t i = 0; i < CYCLES_GENERATIONS; i++) {
		json_open_object(json, NULL);
		json_u64(json, "generation", i);
		json_u64(json, "count", run->program_collections[i]);
		json_u64(json, "objects", run->program_collected[i]);
		json_u64(json, "bytes", run->garbage_bytes[i]);
		json_u64(json, "blocks", run->garbage_blocks[i]);
		json_u64(json, "timed_count", run->timed_collections[i]);
		write_seconds(json, "seconds", run->collecting_ns[i]);
		write_seconds(json, "longest_seconds", run->longest_collecting_ns[i]);
		json_close(json);
	}
	json_close(json);
}

static void write_settings(struct json *json, const struct cycles_settings *settings)
{
	if (!settings->known) {
		json_put_null(json, "collector");
		return;
	}
	json_open_object(json, "collector");
	json_bool(json, "enabled", settings->enabled);
	json_bool(json, "frozen", settings->frozen);
	json_open_array(json, "thresholds");
	for (size_t i = 0; i < settings->threshold_count; i++)
		json_u64(json, NULL, settings->thresholds[i]);
	json_close(json);
	json_close(json);
}

void report_json_cycles(const struct report *report, enum units_kind units, struct json *json)
{
	struct cycles cycles;
	const struct profile *profile = report->merge ? NULL : report->profile;
	cycles_compute(&report->growth, profile, units, &cycles);
	json_open_object(json, "cycles");
	json_u64(json, "bytes", cycles.bytes);
	json_u64(json, "blocks", cycles.blocks);
	json_open_array(json, "rows");
	for (size_t i = 0; i < cycles.row_count && (!report->limit || i < report->limit); i++)
		write_row(json, cycles.rows[i]);
	json_close(json);
	if (profile)
		write_collections(json, &profile->run);
	else
		json_put_null(json, "collections");
	write_settings(json, &cycles.settings);
	json_open_array(json, "notes");
	for (size_t i = 0; i < CYCLES_MAX_NOTES && cycles.notes[i]; i++)
		json_text(json, NULL, cycles.notes[i]);
	json_close(json);
	json_close(json);
	cycles_release(&cycles);
}
