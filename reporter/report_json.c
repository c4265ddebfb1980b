/*
 * The schema memtrace.report/1. Sizes are bytes; null is "not known" or, for verdict, pins,
 * resident and audit, "not computed by this version". A key is never left out.
 *
 *	process  pid, parent_pid, program, python, mode, end ("exit", "_exit", "exec", "died",
 *	         "running"), signal, status, seconds, lost_events, waited_seconds,
 *	         recovered, stacks ("on" or "off: REASON"), allocations, frees
 *	from, to name, seconds, asked_seconds (null: a name was asked for)
 *	by       how rows were made: line, own, function, file, module, stack, thread
 *	growth   rows, as --by says; file, line, function, module are null where the blocks of
 *	         a row have none in common; name is what it is called without a file
 *	total    the same figures over all rows, those that -n left out too
 *	free_lists  most_bytes: what blocks of dead objects, kept by the interpreter for the next of
 *	         their type, may stand at another line than their user's (null: not known);
 *	         tracked: whether the run followed them, then it is what can't be followed
 *	doubts   sentences: what is known to be wrong or missing
 *
 * The schema memtrace.merge/1, of several processes: see merge.h for what its sums mean.
 *
 *	processes  as process above, a parent before its children, and of each file, depth (0: its
 *	         parent is none of them), from, to, live_bytes, live_blocks (at to), doubts
 *	by, growth, total  as above, over all of them
 */
#include "report.h"

#include "../collector/linetable.h"
#include "doubts.h"
#include "free_lists.h"
#include "merge.h"

static void write_place(struct json *json, const char *file, int32_t line, const char *function,
			const char *module)
{
	json_text(json, "file", file);
	if (line == LINE_NONE)
		json_null(json, "line");
	else
		json_i64(json, "line", line);
	json_text(json, "function", function);
	json_text(json, "module", module);
}

static void write_figures(struct json *json, const struct growth_figures *figures)
{
	json_u64(json, "size_bytes", figures->size_bytes);
	json_i64(json, "size_diff_bytes", figures->size_diff_bytes);
	json_u64(json, "count", figures->count);
	json_i64(json, "count_diff", figures->count_diff);
	json_u64(json, "total_count", figures->total_count);
	json_u64(json, "total_bytes", figures->total_bytes);
	json_u64(json, "temporary_count", figures->temporary_count);
	json_u64(json, "temporary_bytes", figures->temporary_bytes);
	json_u64(json, "gc_freed_bytes", figures->gc_freed_bytes);
	json_u64(json, "peak_bytes", figures->peak_bytes);
}

static void write_stack(struct json *json, const struct lines *lines, uint32_t trace)
{
	json_array(json, "stack");
	for (; trace; trace = lines->traces[trace].parent) {
		const struct frame *frame = lines_frame(lines, trace);
		const struct frame_name name = lines_name(lines, frame);
		const bool code = frame->kind == FRAME_CODE;
		json_object(json, NULL);
		write_place(json, lines_file(lines, frame), code ? frame->line : LINE_NONE,
			    code ? frame->function : name.text, lines_module(lines, frame));
		json_close(json);
	}
	json_close(json);
}

static void write_row(struct json *json, const struct report *report, size_t index)
{
	const struct growth_row *row = &report->growth.rows[index];
	const bool named = !row->group.file && !row->group.module;
	json_object(json, NULL);
	write_place(json, row->group.file, row->group.line,
		    named ? row->group.name.text : row->group.function, row->group.module);
	json_text(json, "name", named ? row->group.name.text : NULL);
	write_figures(json, &row->figures);
	json_null(json, "p_leak");
	json_null(json, "bytes_per_second");
	json_u64(json, "rank", index + 1);
	write_stack(json, row->group.lines, row->group.trace);
	json_close(json);
}

static const char *end_word(const struct report *report)
{
	static const char *const words[] = {
		[PROFILE_RUNNING] = "running",
		[PROFILE_EXIT] = "exit",
		[PROFILE_UNDERSCORE_EXIT] = "_exit",
		[PROFILE_ABORT] = "died",
		[PROFILE_EXEC] = "exec",
		[PROFILE_DIED] = "died",
	};
	const uint32_t end = report->profile->run.end;
	if (report->running || end >= sizeof words / sizeof words[0])
		return "running";
	return words[end];
}

/* "exit" has a status; of a death only abort is sure of its signal. */
static void write_end(struct json *json, const struct report *report)
{
	const struct profile_run *run = &report->profile->run;
	json_text(json, "end", end_word(report));
	if (!report->running && run->end == PROFILE_ABORT)
		json_u64(json, "signal", 6);
	else
		json_null(json, "signal");
	if (!report->running &&
	    (run->end == PROFILE_EXIT || run->end == PROFILE_UNDERSCORE_EXIT))
		json_i64(json, "status", run->end_status);
	else
		json_null(json, "status");
}

static void write_process(struct json *json, const struct report *report)
{
	const struct profile *profile = report->profile;
	const struct profile_run *run = &profile->run;
	const uint64_t parent = merge_parent_pid(profile);
	json_u64(json, "pid", run->pid);
	if (parent)
		json_u64(json, "parent_pid", parent);
	else
		json_null(json, "parent_pid");
	json_text(json, "program", profile_info(profile, "program"));
	json_text(json, "python", profile_info(profile, "python"));
	json_text(json, "mode", profile_info(profile, "mode"));
	write_end(json, report);
	json_double(json, "seconds", (double)run->duration_ms / 1000, 3);
	json_u64(json, "lost_events", run->dropped_events + run->lost_slots);
	json_double(json, "waited_seconds", (double)run->waited_ns / 1e9, 6);
	json_bool(json, "recovered", report->recovered_now || run->flags & PROFILE_REPLAYED);
	json_text(json, "stacks", profile_info(profile, "stacks"));
	json_u64(json, "allocations", run->allocations);
	json_u64(json, "frees", run->frees);
}

static void write_moment(struct json *json, const char *key, const struct moment *moment)
{
	json_object(json, key);
	json_text(json, "name", moment->name);
	json_double(json, "seconds", moment->seconds, 6);
	if (moment->asked_seconds < 0)
		json_null(json, "asked_seconds");
	else
		json_double(json, "asked_seconds", moment->asked_seconds, 6);
	json_close(json);
}

/* Count and bytes are known at each mark; what is inside the arenas isn't computed yet. */
static void write_arenas(struct json *json, const struct report *report)
{
	static const char *const unknown[] = {
		"live_bytes",         "free_bytes",   "pinned_bytes", "pool_header_bytes",
		"quantization_bytes", "unused_pools", "large_blocks", "classes"};
	const struct profile_run *run = &report->profile->run;
	uint64_t count = 0, bytes = 0;
	if (report->to.kind == MOMENT_MARK) {
		count = report->profile->marks[report->to.mark].arena_count;
		bytes = report->profile->marks[report->to.mark].arena_bytes;
	} else if (report->to.kind == MOMENT_LAST) {
		count = run->arena_count;
		bytes = run->arena_bytes;
	}
	json_object(json, "arenas");
	json_u64(json, "count", count);
	json_u64(json, "bytes", bytes);
	json_u64(json, "most", run->most_arenas);
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		json_null(json, unknown[i]);
	json_close(json);
}

static void write_free_lists(struct json *json, const struct profile *profile)
{
	const struct free_lists lists = free_lists_of(profile);
	json_object(json, "free_lists");
	if (lists.known)
		json_u64(json, "most_bytes", lists.most_bytes);
	else
		json_null(json, "most_bytes");
	json_bool(json, "tracked", lists.tracked);
	json_close(json);
}

static void write_marks(struct json *json, const struct profile *profile)
{
	json_array(json, "marks");
	for (size_t i = 0; i < profile->mark_count; i++) {
		const struct profile_mark *mark = &profile->marks[i];
		json_object(json, NULL);
		json_text(json, "name", profile_text(profile, mark->name));
		json_double(json, "seconds", (double)mark->figures.time_ns / 1e9, 6);
		json_u64(json, "live_bytes", mark->live_bytes);
		json_u64(json, "live_blocks", mark->live_blocks);
		json_u64_or_null(json, "rss_bytes", mark->figures.rss_bytes);
		json_close(json);
	}
	json_close(json);
}

static void write_peak(struct json *json, const struct profile_run *run)
{
	json_object(json, "peak");
	json_u64(json, "live_bytes", run->peak_bytes);
	json_double(json, "seconds", (double)run->peak_ms / 1000, 3);
	json_u64(json, "slack_bytes", run->peak_slack_bytes);
	json_close(json);
}

static void write_doubt(void *user, const char *sentence)
{
	json_text(user, NULL, sentence);
}

static void write_doubts(struct json *json, const struct profile *profile)
{
	json_array(json, "doubts");
	doubts_of(profile, write_doubt, json);
	json_close(json);
}

static void write_growth(struct json *json, const struct report *report)
{
	json_text(json, "by", grouping_by_names[report->by]);
	json_array(json, "growth");
	for (size_t i = 0; i < report_rows(report); i++)
		write_row(json, report, i);
	json_close(json);
	json_object(json, "total");
	json_u64(json, "rows", report->growth.row_count);
	write_figures(json, &report->growth.total);
	json_close(json);
}

static void write_part(struct json *json, const struct report *part, size_t depth)
{
	json_object(json, NULL);
	json_text(json, "file", part->profile->path);
	json_u64(json, "depth", depth);
	write_process(json, part);
	write_moment(json, "from", &part->from);
	write_moment(json, "to", &part->to);
	json_u64(json, "live_bytes", moment_live_bytes(part->profile, &part->to));
	json_u64(json, "live_blocks", moment_live_blocks(part->profile, &part->to));
	write_doubts(json, part->profile);
	json_close(json);
}

static void write_merged(struct json *json, const struct report *report)
{
	const struct merge *merge = report->merge;
	json_object(json, NULL);
	json_text(json, "schema", "memtrace.merge/1");
	json_array(json, "processes");
	for (size_t i = 0; i < merge->part_count; i++)
		write_part(json, &merge->parts[merge->tree[i].part], merge->tree[i].depth);
	json_close(json);
	write_growth(json, report);
	json_close(json);
}

void report_json(const struct report *report, struct json *json)
{
	if (report->merge) {
		write_merged(json, report);
		return;
	}
	json_object(json, NULL);
	json_text(json, "schema", "memtrace.report/1");
	json_text(json, "file", report->profile->path);
	json_object(json, "process");
	write_process(json, report);
	json_close(json);
	json_null(json, "verdict");
	write_moment(json, "from", &report->from);
	write_moment(json, "to", &report->to);
	write_growth(json, report);
	json_null(json, "pins");
	write_arenas(json, report);
	json_null(json, "resident");
	write_free_lists(json, report->profile);
	write_marks(json, report->profile);
	write_peak(json, &report->profile->run);
	json_null(json, "audit");
	write_doubts(json, report->profile);
	json_close(json);
}
