/*
 * The schema memtrace.diff/1. Sizes are bytes, null is "not known". A key is never left out.
 *
 *	before, after  file, pid, program, python, mode, seconds, and from and to: name, seconds
 *	notes    sentences: why figures may differ though the program is the same, and what is
 *	         wrong with either profile
 *	figures  of the whole processes at `to`, each with before, after and diff: see the keys
 *	         in diff_figures.c
 *	resident  before, after  as in memtrace.report/1: null where nobody looked
 *	         diff    rss_bytes and parts, after less before; null where either is
 *	by       line, own, function, file, module
 *	weight   what rows are compared by: live, growth, peak, total
 *	rows     largest growth first: change ("grew", "shrank", "appeared", "went", "same"),
 *	         diff_bytes and diff_blocks (of the weight; of the peak no blocks are known: 0), rank, and
 *	         before and after (null: that side has no such row): file, line, function,
 *	         module, name (where there is no file), size_bytes, count (live at `to`),
 *	         size_diff_bytes, count_diff (since `from`), peak_bytes, total_bytes,
 *	         total_count, and the heaviest stack, innermost frame first
 *	total    rows (how many there are), diff_bytes, diff_blocks, and before and after, over
 *	         all rows, those that -n left out too
 */
#include "diff_print.h"

#include "report.h"

static void write_moment(struct json *json, const char *key, const struct moment *moment)
{
	json_open_object(json, key);
	json_text(json, "name", moment->name);
	json_double(json, "seconds", moment->seconds, 6);
	json_close(json);
}

static void write_side(struct json *json, const char *key, const struct diff_side *side)
{
	const struct profile *profile = side->profile;
	json_open_object(json, key);
	json_text(json, "file", profile->path);
	json_u64(json, "pid", profile->run.pid);
	json_text(json, "program", profile_info(profile, "program"));
	json_text(json, "python", profile_info(profile, "python"));
	json_text(json, "mode", profile_info(profile, "mode"));
	json_double(json, "seconds", (double)profile->run.duration_ms / 1000, 3);
	write_moment(json, "from", &side->from);
	write_moment(json, "to", &side->to);
	json_close(json);
}

static void write_note(void *user, const char *sentence)
{
	json_text(user, NULL, sentence);
}

static void write_process_figures(struct json *json, const struct diff *diff)
{
	json_open_object(json, "figures");
	for (size_t i = 0; i < DIFF_FIGURE_COUNT; i++) {
		const uint64_t before = diff->before.figures[i];
		const uint64_t after = diff->after.figures[i];
		json_open_object(json, diff_figure_names[i].key);
		json_u64_or_null(json, "before", before);
		json_u64_or_null(json, "after", after);
		if (before == UINT64_MAX || after == UINT64_MAX)
			json_put_null(json, "diff");
		else
			json_i64(json, "diff", (int64_t)(after - before));
		json_close(json);
	}
	json_close(json);
}

static void write_resident(struct json *json, const struct diff *diff)
{
	const struct resident_set *before = &diff->before.resident;
	const struct resident_set *after = &diff->after.resident;
	json_open_object(json, "resident");
	report_json_resident("before", before, json);
	report_json_resident("after", after, json);
	if (before->known && after->known) {
		json_open_object(json, "diff");
		json_i64(json, "rss_bytes", (int64_t)(after->bytes - before->bytes));
		json_open_object(json, "parts");
		for (size_t i = 0; i < SHARES; i++)
			json_i64(json, resident_set_keys[i],
				 (int64_t)(after->shares[i] - before->shares[i]));
		json_close(json);
		json_close(json);
	} else {
		json_put_null(json, "diff");
	}
	json_close(json);
}

static void write_figures(struct json *json, const struct growth_figures *figures)
{
	json_u64(json, "size_bytes", figures->size_bytes);
	json_u64(json, "count", figures->count);
	json_i64(json, "size_diff_bytes", figures->size_diff_bytes);
	json_i64(json, "count_diff", figures->count_diff);
	json_u64(json, "peak_bytes", figures->peak_bytes);
	json_u64(json, "total_bytes", figures->total_bytes);
	json_u64(json, "total_count", figures->total_count);
}

static void write_half(struct json *json, const char *key, const struct group *group,
		       const struct growth_figures *figures)
{
	if (!group) {
		json_put_null(json, key);
		return;
	}
	json_open_object(json, key);
	report_json_group(group, json);
	write_figures(json, figures);
	report_json_stack(group, json);
	json_close(json);
}

static void write_row(struct json *json, const struct diff_row *row, size_t rank)
{
	json_open_object(json, NULL);
	json_text(json, "change", diff_change_names[row->change]);
	json_i64(json, "diff_bytes", row->bytes);
	json_i64(json, "diff_blocks", row->blocks);
	json_u64(json, "rank", rank);
	write_half(json, "before", row->before, &row->before_figures);
	write_half(json, "after", row->after, &row->after_figures);
	json_close(json);
}

static void write_sum(struct json *json, const char *key, const struct growth_figures *figures)
{
	json_open_object(json, key);
	write_figures(json, figures);
	json_close(json);
}

static void write_rows(struct json *json, const struct diff *diff, size_t limit)
{
	const size_t shrunk_from = diff->row_count - diff->shrunk;
	json_open_array(json, "rows");
	for (size_t i = 0; i < diff->row_count; i++) {
		const bool shown = !limit || (i < limit && i < diff->grown) ||
				   (i >= shrunk_from && diff->row_count - i <= limit);
		if (shown)
			write_row(json, &diff->rows[i], i + 1);
	}
	json_close(json);
	json_open_object(json, "total");
	json_u64(json, "rows", diff->row_count);
	json_i64(json, "diff_bytes", diff->total.bytes);
	json_i64(json, "diff_blocks", diff->total.blocks);
	write_sum(json, "before", &diff->total.before_figures);
	write_sum(json, "after", &diff->total.after_figures);
	json_close(json);
}

void diff_json(const struct diff *diff, size_t limit, struct json *json)
{
	json_open_object(json, NULL);
	json_text(json, "schema", "memtrace.diff/1");
	write_side(json, "before", &diff->before);
	write_side(json, "after", &diff->after);
	json_open_array(json, "notes");
	diff_notes(diff, write_note, json);
	json_close(json);
	write_process_figures(json, diff);
	write_resident(json, diff);
	json_text(json, "by", grouping_by_names[diff->by]);
	json_text(json, "weight", diff_weight_names[diff->weight]);
	write_rows(json, diff, limit);
	json_close(json);
}
