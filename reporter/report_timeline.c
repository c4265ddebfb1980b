/* The run in the course of time: in JSON each point of the profile, for people two lines. */
#include "report.h"

#include "../collector/buf.h"
#include "paragraph.h"
#include "spark.h"

enum { NARROW = 60 };

/* The last look from `*at` on that belongs to a point; NULL: none. The last has the rest. */
static const struct stream_resident *look_of(const struct profile *profile, size_t point,
					     size_t *at)
{
	const struct stream_resident *look = NULL;
	const uint64_t time_ms = profile->points[point].time_ms;
	const bool last = point + 1 == profile->point_count;
	for (; *at < profile->resident_count; (*at)++) {
		const struct stream_resident *next = &profile->residents[*at];
		if (!last && next->time_ns / 1000000 > time_ms)
			break;
		look = next;
	}
	return look;
}

static void write_known(struct json *json, const char *key, uint64_t bytes)
{
	json_u64_or_null(json, key, bytes ? bytes : UINT64_MAX);
}

static void write_look(struct json *json, const struct stream_resident *look)
{
	static const struct stream_resident unknown;
	const struct stream_resident *from = look ? look : &unknown;
	if (look)
		json_double(json, "looked_seconds", (double)look->time_ns / 1e9, 6);
	else
		json_put_null(json, "looked_seconds");
	write_known(json, "pss_bytes", from->pss_bytes);
	write_known(json, "cgroup_bytes", from->cgroup_bytes);
	write_known(json, "cgroup_limit_bytes", from->cgroup_limit_bytes);
	write_known(json, "machine_bytes", from->machine_bytes);
	write_known(json, "machine_available_bytes", from->machine_available_bytes);
	json_u64_or_null(json, "c_heap_resident_bytes",
			 look ? look->parts[RESIDENT_HEAP] : UINT64_MAX);
	json_u64_or_null(json, "c_heap_live_bytes", look ? look->heap_live_bytes : UINT64_MAX);
	json_u64_or_null(json, "c_mapped_bytes", look ? look->block_bytes : UINT64_MAX);
}

static void write_point(struct json *json, const struct profile_point *point,
			const struct stream_resident *look)
{
	json_open_object(json, NULL);
	json_double(json, "seconds", (double)point->time_ms / 1000, 3);
	write_known(json, "rss_bytes", point->rss_bytes);
	json_u64(json, "live_bytes", point->live_bytes);
	json_u64(json, "live_blocks", point->live_blocks);
	json_u64(json, "arena_bytes", point->arena_bytes);
	json_u64(json, "allocations", point->allocations);
	json_open_array(json, "collections");
	for (size_t i = 0; i < 3; i++)
		json_u64(json, NULL, point->collections[i]);
	json_close(json);
	write_look(json, look);
	json_close(json);
}

void report_json_timeline(const struct report *report, struct json *json)
{
	const struct profile *profile = report->profile;
	size_t look = 0;
	json_open_array(json, "timeline");
	for (size_t i = 0; i < profile->point_count; i++)
		write_point(json, &profile->points[i], look_of(profile, i, &look));
	json_close(json);
}

static void print_spark(const struct term *term, const char *name,
			const struct history *history, const uint64_t *bytes,
			enum units_kind units)
{
	struct buf text;
	buf_init(&text);
	buf_printf(&text, "%s ", name);
	spark_append(term, bytes, history->count, NARROW, &text);
	buf_printf(&text, " %s", units_size(units, bytes[history->count - 1]).text);
	buf_u8(&text, '\0');
	paragraph_print(term, (const char *)text.data, "  ");
	buf_release(&text);
}

static bool is_rss_known(const struct history *history)
{
	for (size_t i = 0; i < history->count; i++)
		if (!history->rss_bytes[i])
			return false;
	return true;
}

/* Which slice a moment lies in; `count`: none. */
static size_t slice_of(const struct history *history, double seconds)
{
	size_t slice = 0;
	while (slice < history->count && history->seconds[slice] < seconds)
		slice++;
	return slice;
}

/* Marks that the program or somebody else made, below the slices that they lie in. */
static void print_marks(const struct report *report, const struct term *term)
{
	const struct history *history = &report->history;
	char cells[HISTORY_MOST_SLICES + 1];
	size_t length = 0;
	for (size_t i = 0; i < history->count; i++)
		cells[i] = ' ';
	for (size_t i = 0; i < report->profile->mark_count; i++) {
		const struct stream_mark *mark = &report->profile->marks[i].figures;
		const double seconds = (double)mark->time_ns / 1e9;
		const size_t slice = slice_of(history, seconds);
		if (mark->origin == MARK_TRACER || seconds < report->from.seconds ||
		    slice == history->count)
			continue;
		cells[slice] = '^';
		length = slice >= length ? slice + 1 : length;
	}
	cells[length] = '\0';
	/* Where marks are slices every one has one. */
	if (length && !history->by_marks)
		fprintf(term->out, "mark %s\n", cells);
}

void report_timeline(const struct report *report, const struct term *term,
		     enum units_kind units)
{
	const struct history *history = &report->history;
	if (report->leaks.too_short || !term->blocks)
		return;
	print_spark(term, "live", history, history->total_bytes, units);
	if (is_rss_known(history))
		print_spark(term, "rss ", history, history->rss_bytes, units);
	print_marks(report, term);
	fprintf(term->out, "time %s to %s\n", units_seconds(history->seconds[0]).text,
		units_seconds(history->seconds[history->count - 1]).text);
}
