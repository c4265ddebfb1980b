/*
 * The schema memtrace.report/1. Sizes are bytes; null is "not known". A key is never left out.
 * verdict, pins, arenas, resident and audit are as of `to`.
 *
 *	process  pid, parent_pid, run_id, parent_run_id (texts; the nearest traced one above,
 *	         null: none), parent_file, forked, program, python, mode, end ("exit", "_exit",
 *	         "exec", "died", "running"), signal, status, seconds, lost_events,
 *	         waited_seconds, recovered, stacks ("on" or "off: REASON"), allocations, frees
 *	verdict  kind ("leak", "fragmentation", "outside", "cache", "high-water";
 *		null: nothing was found), confidence ("low",
 *	         "medium", "high"), reasons and advice (sentences), returned_bytes (of the
 *	         arenas, by the first advice); see verdict.h
 *	limit    the one that has least left at `to`, see limit.h; null: not known. kind
 *	         ("cgroup", "machine"), bytes, left_bytes, and of all rows that leak together
 *	         bytes_per_second, _low and _high, seconds until nothing is left at each
 *	         (seconds, seconds_latest, seconds_soonest; null: never), and restart_marks, the
 *	         most marks called iter... until then (null: they aren't windows)
 *	from, to name (where no mark is there, the time, such as "9.900s"), seconds,
 *	         asked_seconds (null: a name was asked for)
 *	by       how rows were made: line, own, function, file, module, stack, thread
 *	growth   rows, as --by says; file, line, function, module are null where the blocks of
 *	         a row have none in common; name is what it is called without a file
 *	         trend says how it went (none, too short, fills, grows, leaks; null in
 *	         memtrace.merge/1), and where it was tested, with bytes_per_second, its bounds
 *	         _low and _high, p_chance (that a row without a trend looks like it), p_leak (that
 *	         what grew old stays) and blocks_per_mark (by marks alone); see leak_test.h.
 *	         survival: the part of all blocks of the row that outlives the window of its
 *	         birth, then 2, 4, 8, ... seconds; null: not known, or `to` isn't the end.
 *	         course: live bytes in each slice; null where it wasn't tested
 *	         births: blocks allocated in each slice; births_living: those of them that live
 *	         at `to`, see births.h; null: not known, or `to` isn't the end
 *	         freed_by: who freed blocks of the row in the whole run, most bytes first, grouped
 *	         likewise: count and bytes, gc_ of them inside cyclic collections and moved_ by
 *	         a realloc; name is "(not known)" or "(other stacks)" where it is neither. null:
 *	         not recorded; see freers.h
 *	course   slices of the run from `from` to `to`: seconds, live_bytes, rss_bytes; by_marks:
 *	         they are the program's marks called iter...
 *	timeline all that is known of points of the whole run, some 128 at most, evenly:
 *	         seconds, rss_bytes, live_bytes, live_blocks, arena_bytes, allocations (so far)
 *	         and collections (so far, by generation); and of the last time that the
 *	         collector looked from outside since the point before, looked_seconds,
 *	         pss_bytes, cgroup_bytes and cgroup_limit_bytes (null: there is no limit),
 *	         machine_bytes and machine_available_bytes, c_heap_resident_bytes of malloc's
 *	         heap, c_heap_live_bytes requested there, and c_mapped_bytes requested in
 *	         blocks that malloc maps one by one; null: nobody looked
 *	total    the same figures over all rows, those that -n left out too
 *	pins     rows likewise, of the live blocks in arenas; live_bytes are those of their size
 *	         classes, rounding_bytes what of them nobody asked for (at marks null),
 *	         pinned_bytes their share of the arenas' free bytes, arenas how many they lie in,
 *	         exclusive_arenas and exclusive_bytes those that nothing else holds,
 *	         oldest_seconds and newest_seconds their ages at `to`; see pinning.h. null: the
 *	         profile doesn't tell who holds arenas
 *	pins_total   over all rows, those that -n left out too; an arena counts once
 *	pins_others  of blocks in arenas that no row tells of: left out by --focus and --ignore,
 *	         or without a name at a mark
 *	release  steps: when the first `rows` rows of this order are freed, so many arenas and
 *	         bytes go back, free_bytes of which are free already; ranks are the pins that
 *	         this step adds, by their rank; see release.h
 *	arenas   count (null: not known), bytes, most (in the whole run), why_none (a sentence's
 *	         end; null: there could be some), and what they consist of, see
 *	         fragmentation.h: live_bytes (of
 *	         blocks, as large as their class; requested_bytes of them were asked for),
 *	         pool_header_bytes and free_bytes add up to bytes; available_bytes,
 *	         unused_pool_bytes, quantization_bytes and alignment_bytes add up to
 *	         free_bytes; pinned_bytes are the free ones in arenas with live blocks.
 *	         large_blocks and large_bytes: live requests of Python's own domains that no
 *	         pool serves. classes with pools in use: size, pools, blocks, available
 *	c_heap   allocator (who serves malloc; null: not known), and of glibc's at a mark bytes,
 *	         mapped_bytes (besides those), used_bytes, free_bytes, top_bytes as
 *	         mallinfo2(3) has them; where it was read then, arenas, free_chunks,
 *	         fast_bytes and trim_bytes: about what malloc_trim(3) would give back
 *	cycles   what only the cyclic collector could free, before the interpreter's end: bytes,
 *	         blocks, and rows (likewise, most bytes first). collections by generation:
 *	         count, objects, bytes and blocks that they gave back, seconds and
 *	         longest_seconds of the timed_count of them whose time is known (null: of none);
 *	         null in memtrace.merge/1. collector (enabled, frozen, thresholds when they were
 *	         looked at last; null: not known). notes: sentences; see cycles.h
 *	resident  rss_bytes, the sum of its parts, as the collector saw it from outside at
 *		`seconds`: at_moment says that it looked for `to`, otherwise it is the look that
 *		came nearest. residual_bytes: the kernel's counter less that sum. parts: live,
 *		class_rounding, pool_headers and pinned are the arenas; c_live, allocator_free
 *		and c_mapped malloc's; mapped, file, shared, stack, memtrace, unattributed the
 *		others; see resident_set.h. free_lists_most_bytes: at most so much of `live`
 *		lies on the interpreter's free lists and holds no object; null: not known.
 *		Of several processes there is none
 *	mapped   who mapped what of it, most resident first: rows (part, resident_bytes,
 *	         mapped_bytes, file, line, function, module, name, stack; name is "(other
 *	         stacks)" of those that the profile puts together) and past_hooks_bytes, what
 *	         is resident of each part and was mapped by no row. null: not known, or of
 *	         several processes
 *	free_lists  most_bytes: what blocks of dead objects, kept by the interpreter for the next
 *	         of their type, may stand at another line than their user's (null: not known);
 *	         tracked: whether the run followed them, then it is what can't be followed
 *	audit    the last one up to `to`; null: none. seconds, interpreters, blocks, pools,
 *	         arenas and how many of each differ (differing: blocks), pause_seconds, and
 *	         differences: the first pools that differ, with both sides' block size (0: no
 *	         live blocks), live blocks, and how many blocks differ
 *	why_no_audit  where audit is null, why: a sentence's end; otherwise null
 *	doubts   sentences: what is known to be wrong or missing
 *
 * The schema memtrace.merge/1, of several processes: see merge.h for what its sums mean.
 *
 *	processes  as process above, a parent before its children, and of each file, depth (0: its
 *	         parent is none of them), how ("started", "forked", "executed": what the one
 *	         above became; null: nothing traced was above), from, to, live_bytes,
 *	         live_blocks (at to), verdict, arenas, c_heap, audit, why_no_audit, doubts
 *	by, growth, total, pins, pins_total, pins_others, cycles  as above, over all of them
 *	release  null: lines are released in each process for itself
 *
 * The schema memtrace.set/1: processes, as far as live_blocks, and reports, one of each file.
 */
#include <math.h>

#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "../collector/linetable.h"
#include "doubts.h"
#include "free_lists.h"
#include "merge.h"

static void write_place(struct json *json, const char *file, int32_t line, const char *function,
			const char *module)
{
	json_text(json, "file", file);
	if (line == LINE_NONE)
		json_put_null(json, "line");
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
	json_u64(json, "gc_freed_count", figures->gc_freed_count);
	json_u64(json, "peak_bytes", figures->peak_bytes);
}

void report_json_group(const struct group *group, struct json *json)
{
	const bool named = !group->file && !group->module;
	write_place(json, group->file, group->line, named ? group->name.text : group->function,
		    group->module);
	json_text(json, "name", named ? group->name.text : NULL);
}

void report_json_stack(const struct group *group, struct json *json)
{
	const struct lines *lines = group->lines;
	json_open_array(json, "stack");
	for (uint32_t trace = group->trace; trace; trace = lines->traces[trace].parent) {
		const struct frame *frame = lines_frame(lines, trace);
		const struct frame_name name = lines_name(lines, frame);
		const bool code = frame->kind == FRAME_CODE;
		json_open_object(json, NULL);
		write_place(json, lines_file(lines, frame), code ? frame->line : LINE_NONE,
			    code ? frame->function : name.text, lines_module(lines, frame));
		json_close(json);
	}
	json_close(json);
}

static void number_or_null(struct json *json, const char *key, double number)
{
	if (isfinite(number))
		json_double(json, key, number, 6);
	else
		json_put_null(json, key);
}

static void write_survival(struct json *json, const struct leak_test *test)
{
	if (!test->survival_count) {
		json_put_null(json, "survival");
		return;
	}
	json_open_array(json, "survival");
	for (size_t i = 0; i < test->survival_count; i++)
		json_double(json, NULL, test->survival[i], 6);
	json_close(json);
}

/* NULL: not known. */
static void write_slices(struct json *json, const char *key, const uint64_t *values,
			 size_t count)
{
	if (!values) {
		json_put_null(json, key);
		return;
	}
	json_open_array(json, key);
	for (size_t i = 0; i < count; i++)
		json_u64(json, NULL, values[i]);
	json_close(json);
}

/* Of several processes nothing is tested. */
static void write_trend(struct json *json, const struct report *report,
			const struct growth_row *row)
{
	static const struct leak_test untested = {
		.trend = {NAN, NAN, NAN, NAN}, .blocks_per_mark = NAN, .chance = NAN};
	const struct leak_test *test = report->merge ? &untested
						     : &report->leaks.items[row->index];
	const struct trend *trend = test->tested ? &test->trend : &untested.trend;
	json_text(json, "trend", report->merge ? NULL : leak_kind_names[test->kind]);
	number_or_null(json, "p_leak", test->chance);
	number_or_null(json, "bytes_per_second", trend->slope);
	number_or_null(json, "bytes_per_second_low", trend->low);
	number_or_null(json, "bytes_per_second_high", trend->high);
	number_or_null(json, "p_chance", trend->p);
	number_or_null(json, "blocks_per_mark", test->blocks_per_mark);
	write_survival(json, report->merge ? &untested : &report->leaks.items[row->index]);
	const struct history *history = &report->history;
	const struct births *births = &report->births;
	write_slices(json, "course", test->tested ? history_bytes(history, row->index) : NULL,
		     history->count);
	write_slices(json, "births", report->merge ? NULL : births_born(births, row->index),
		     births->slices);
	write_slices(json, "births_living",
		     births->living_known ? births_living(births, row->index) : NULL,
		     births->slices);
}

/* The slices that every row's course has. */
static void write_course(struct json *json, const struct history *history)
{
	json_open_object(json, "course");
	json_bool(json, "by_marks", history->by_marks);
	json_open_array(json, "slices");
	for (size_t i = 0; i < history->count; i++) {
		json_open_object(json, NULL);
		json_double(json, "seconds", history->seconds[i], 3);
		json_u64(json, "live_bytes", history->total_bytes[i]);
		json_u64_or_null(json, "rss_bytes",
				 history->rss_bytes[i] ? history->rss_bytes[i] : UINT64_MAX);
		json_close(json);
	}
	json_close(json);
	json_close(json);
}

static void write_limit(struct json *json, const struct verdict *verdict)
{
	const struct limit *limit = &verdict->limit;
	if (limit->kind == LIMIT_UNKNOWN) {
		json_put_null(json, "limit");
		return;
	}
	json_open_object(json, "limit");
	json_text(json, "kind", limit_kind_names[limit->kind]);
	json_u64(json, "bytes", limit->bytes);
	json_u64(json, "left_bytes", limit->left_bytes);
	number_or_null(json, "bytes_per_second", verdict->leaking.slope);
	number_or_null(json, "bytes_per_second_low", verdict->leaking.low);
	number_or_null(json, "bytes_per_second_high", verdict->leaking.high);
	number_or_null(json, "seconds", verdict->forecast.seconds);
	number_or_null(json, "seconds_soonest", verdict->forecast.soonest);
	number_or_null(json, "seconds_latest", verdict->forecast.latest);
	number_or_null(json, "restart_marks", verdict->restart_marks);
	json_close(json);
}

static void write_row(struct json *json, const struct report *report, size_t index)
{
	const struct growth_row *row = &report->growth.rows[index];
	json_open_object(json, NULL);
	report_json_group(&row->group, json);
	write_figures(json, &row->figures);
	write_trend(json, report, row);
	report_json_freers(report, row, json);
	json_u64(json, "rank", index + 1);
	report_json_stack(&row->group, json);
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
		json_put_null(json, "signal");
	if (!report->running &&
	    (run->end == PROFILE_EXIT || run->end == PROFILE_UNDERSCORE_EXIT))
		json_i64(json, "status", run->end_status);
	else
		json_put_null(json, "status");
}

/* Numbers of 64 bits, which readers of JSON may round. 0: there is none. */
static void write_number_text(struct json *json, const char *key, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, number);
	json_text(json, key, number ? text : NULL);
}

static void write_process(struct json *json, const struct report *report)
{
	const struct profile *profile = report->profile;
	const struct profile_run *run = &profile->run;
	const uint64_t parent = lineage_parent_pid(profile);
	json_u64(json, "pid", run->pid);
	if (parent)
		json_u64(json, "parent_pid", parent);
	else
		json_put_null(json, "parent_pid");
	write_number_text(json, "run_id", run->run_id);
	write_number_text(json, "parent_run_id", lineage_parent_run(profile));
	json_text(json, "parent_file", profile_info(profile, "parent_file"));
	json_bool(json, "forked", profile_info(profile, "forked"));
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
	json_open_object(json, key);
	json_text(json, "name", moment->name);
	json_double(json, "seconds", moment->seconds, 6);
	if (moment->asked_seconds < 0)
		json_put_null(json, "asked_seconds");
	else
		json_double(json, "asked_seconds", moment->asked_seconds, 6);
	json_close(json);
}

static void write_free_lists(struct json *json, const struct profile *profile)
{
	const struct free_lists lists = free_lists_of(profile);
	json_open_object(json, "free_lists");
	if (lists.known)
		json_u64(json, "most_bytes", lists.most_bytes);
	else
		json_put_null(json, "most_bytes");
	json_bool(json, "tracked", lists.tracked);
	json_close(json);
}

static void write_marks(struct json *json, const struct profile *profile)
{
	json_open_array(json, "marks");
	for (size_t i = 0; i < profile->mark_count; i++) {
		const struct profile_mark *mark = &profile->marks[i];
		json_open_object(json, NULL);
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
	json_open_object(json, "peak");
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
	json_open_array(json, "doubts");
	doubts_of(profile, write_doubt, json);
	json_close(json);
}

static void write_growth(struct json *json, const struct report *report)
{
	json_text(json, "by", grouping_by_names[report->by]);
	json_open_array(json, "growth");
	for (size_t i = 0; i < report_rows(report); i++)
		write_row(json, report, i);
	json_close(json);
	json_open_object(json, "total");
	json_u64(json, "rows", report->growth.row_count);
	write_figures(json, &report->growth.total);
	json_close(json);
}

/* Where it stands, what it is, and what was live. */
static void write_place_in_tree(struct json *json, const struct report *parts,
				const struct lineage_place *place)
{
	const struct report *part = &parts[place->part];
	json_text(json, "file", part->profile->path);
	json_u64(json, "depth", place->depth);
	json_text(json, "how", lineage_words[place->how]);
	write_process(json, part);
	write_moment(json, "from", &part->from);
	write_moment(json, "to", &part->to);
	json_u64(json, "live_bytes", moment_live_bytes(part->profile, &part->to));
	json_u64(json, "live_blocks", moment_live_blocks(part->profile, &part->to));
}

void report_json_tree(const struct report *parts, const struct lineage *lineage,
		      struct json *json)
{
	json_open_array(json, "processes");
	for (size_t i = 0; i < lineage->count; i++) {
		json_open_object(json, NULL);
		write_place_in_tree(json, parts, &lineage->places[i]);
		json_close(json);
	}
	json_close(json);
}

static void write_part(struct json *json, const struct merge *merge,
		       const struct lineage_place *place)
{
	const struct report *part = &merge->parts[place->part];
	json_open_object(json, NULL);
	write_place_in_tree(json, merge->parts, place);
	report_json_verdict(part, json);
	report_json_arenas(part, json);
	report_json_heap(part, json);
	report_json_audit(part, json);
	write_doubts(json, part->profile);
	json_close(json);
}

static void write_merged(struct json *json, const struct report *report, enum units_kind units)
{
	const struct merge *merge = report->merge;
	json_open_object(json, NULL);
	json_text(json, "schema", "memtrace.merge/1");
	json_open_array(json, "processes");
	for (size_t i = 0; i < merge->lineage.count; i++)
		write_part(json, merge, &merge->lineage.places[i]);
	json_close(json);
	write_growth(json, report);
	report_json_pins(report, json);
	report_json_cycles(report, units, json);
	json_close(json);
}

void report_json(const struct report *report, enum units_kind units, struct json *json)
{
	if (report->merge) {
		write_merged(json, report, units);
		return;
	}
	json_open_object(json, NULL);
	json_text(json, "schema", "memtrace.report/1");
	json_text(json, "file", report->profile->path);
	json_open_object(json, "process");
	write_process(json, report);
	json_close(json);
	report_json_verdict(report, json);
	write_limit(json, &report->verdict);
	write_moment(json, "from", &report->from);
	write_moment(json, "to", &report->to);
	write_growth(json, report);
	write_course(json, &report->history);
	report_json_timeline(report, json);
	report_json_pins(report, json);
	report_json_arenas(report, json);
	report_json_heap(report, json);
	report_json_cycles(report, units, json);
	report_json_resident("resident", &report->resident, json);
	report_json_mapped(report, json);
	write_free_lists(json, report->profile);
	write_marks(json, report->profile);
	write_peak(json, &report->profile->run);
	report_json_audit(report, json);
	write_doubts(json, report->profile);
	json_close(json);
}
