#include "dump.h"
#include "record_fields.h"

#include <string.h>

#include "../collector/linetable.h"

static void dump_info(const struct profile *profile, struct fields *fields)
{
	const char *const end = profile->info + profile->info_bytes;
	for (const char *key = profile->info; key < end;) {
		const char *value = key + strlen(key) + 1;
		/* The section ends with a NUL, not surely with a value. */
		const bool has_value = value < end;
		fields_begin(fields, "INFO");
		fields_text(fields, "key", key);
		fields_text(fields, "value", has_value ? value : NULL);
		fields_end(fields);
		key = has_value ? value + strlen(value) + 1 : end;
	}
}

static void dump_run_counts(const struct profile_run *run, struct fields *fields)
{
	const struct {
		const char *key;
		uint64_t value;
	} counts[] = {
		{"duration_ms", run->duration_ms},
		{"live_bytes", run->live_bytes},
		{"live_blocks", run->live_blocks},
		{"peak_bytes", run->peak_bytes},
		{"peak_blocks", run->peak_blocks},
		{"peak_ms", run->peak_ms},
		{"peak_slack_bytes", run->peak_slack_bytes},
		{"arena_bytes", run->arena_bytes},
		{"arena_count", run->arena_count},
		{"most_arenas", run->most_arenas},
		{"records", run->records},
		{"allocations", run->allocations},
		{"frees", run->frees},
		{"cancelled_pairs", run->cancelled_pairs},
		{"unknown_frees", run->unknown_frees},
		{"replaced", run->replaced},
		{"misplaced", run->misplaced},
		{"lost_slots", run->lost_slots},
		{"bad_records", run->bad_records},
		{"dropped_events", run->dropped_events},
		{"waited_ns", run->waited_ns},
		{"checks", run->checks},
		{"checks_differing", run->checks_differing},
		{"block_count", run->block_count},
		{"pool_bytes", run->pool_bytes},
		{"merged_marks", run->merged_marks},
	};
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		fields_u64(fields, counts[i].key, counts[i].value);
}

static void dump_run(const struct profile *profile, struct fields *fields)
{
	const struct profile_run *run = &profile->run;
	fields_begin(fields, "RUN");
	fields_u64(fields, "run_id", run->run_id);
	fields_u64(fields, "process_start", run->process_start);
	fields_u64(fields, "start_real_ns", run->start_real_ns);
	fields_u64(fields, "pid", run->pid);
	fields_u64(fields, "uid", run->uid);
	fields_u64(fields, "end", run->end);
	fields_i64(fields, "end_status", run->end_status);
	fields_u64(fields, "flags", run->flags);
	dump_run_counts(run, fields);
	fields_u64s(fields, "domain_bytes", run->domain_bytes, 4);
	fields_u64s(fields, "domain_blocks", run->domain_blocks, 4);
	fields_u64s(fields, "collections", run->collections, 3);
	fields_u64s(fields, "collected", run->collected, 3);
	fields_u64s(fields, "program_collections", run->program_collections, 3);
	fields_u64s(fields, "program_collected", run->program_collected, 3);
	fields_u64s(fields, "garbage_bytes", run->garbage_bytes, 3);
	fields_u64s(fields, "garbage_blocks", run->garbage_blocks, 3);
	fields_u64s(fields, "collecting_ns", run->collecting_ns, 3);
	fields_u64s(fields, "longest_collecting_ns", run->longest_collecting_ns, 3);
	fields_u64s(fields, "timed_collections", run->timed_collections, 3);
	fields_known(fields, "crash_safe_until_ms", run->crash_safe_until_ms);
	fields_end(fields);
}

static void dump_threads(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->thread_count; i++) {
		const struct profile_thread *thread = &profile->threads[i];
		fields_begin(fields, "THRD");
		fields_u64(fields, "slot", thread->slot);
		fields_u64(fields, "tid", thread->tid);
		fields_u64(fields, "count", thread->count);
		fields_text(fields, "name", profile_text(profile, thread->name));
		fields_end(fields);
	}
}

static void dump_codes(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->code_count; i++) {
		const struct profile_code *code = &profile->codes[i];
		fields_begin(fields, "CODE");
		fields_u64(fields, "id", STREAM_CODE_FIRST + i);
		fields_text(fields, "file", profile_text(profile, code->file));
		fields_text(fields, "function", profile_text(profile, code->name));
		fields_i64(fields, "first_line", code->first_line);
		fields_u64(fields, "linetable_kind", code->linetable_kind);
		fields_u64(fields, "linetable_bytes", code->linetable_bytes);
		fields_u64(fields, "first_traced", code->first_traced);
		fields_end(fields);
	}
}

static void dump_node(const struct profile *profile, size_t index, struct fields *fields)
{
	const struct profile_node *node = &profile->nodes[index];
	const struct profile_code *code = profile_code_of(profile, node);
	const int32_t line = profile_line(profile, node);
	fields_begin(fields, "NODE");
	fields_u64(fields, "id", index + 1);
	fields_u64(fields, "parent", node->parent);
	fields_u64(fields, "code", node->code);
	fields_text(fields, "file", code ? profile_text(profile, code->file) : NULL);
	if (line == LINE_NONE)
		fields_null(fields, "line");
	else
		fields_i64(fields, "line", line);
	fields_text(fields, "function", code ? profile_text(profile, code->name) : NULL);
	if (node->code == STREAM_CODE_THREAD)
		fields_i64(fields, "thread", node->instr);
	else
		fields_i64(fields, "instr", node->instr);
	fields_u64(fields, "hidden", profile_hidden(profile, node));
	fields_end(fields);
}

static void dump_sites(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct profile_site *site = &profile->sites[i];
		fields_begin(fields, "SITE");
		fields_u64(fields, "stack", site->stack);
		fields_u64(fields, "live_bytes", site->live_bytes);
		fields_u64(fields, "live_blocks", site->live_blocks);
		fields_u64(fields, "total_bytes", site->total_bytes);
		fields_u64(fields, "total_blocks", site->total_blocks);
		fields_u64(fields, "freed_bytes", site->freed_bytes);
		fields_u64(fields, "freed_blocks", site->freed_blocks);
		fields_u64(fields, "temporary_bytes", site->temporary_bytes);
		fields_u64(fields, "temporary_blocks", site->temporary_blocks);
		fields_u64(fields, "gc_freed_bytes", site->gc_freed_bytes);
		fields_u64(fields, "gc_freed_blocks", site->gc_freed_blocks);
		fields_u64(fields, "peak_bytes", site->peak_bytes);
		fields_u64(fields, "peak_blocks", site->peak_blocks);
		fields_end(fields);
	}
}

static void dump_figures(const struct stream_mark *figures, struct fields *fields)
{
	fields_u64(fields, "time_ns", figures->time_ns);
	fields_known(fields, "rss_bytes", figures->rss_bytes);
	fields_known(fields, "pss_bytes", figures->pss_bytes);
	fields_known(fields, "anon_bytes", figures->anon_bytes);
	fields_known(fields, "swap_bytes", figures->swap_bytes);
	fields_known(fields, "locked_bytes", figures->locked_bytes);
	fields_known(fields, "file_bytes", figures->file_bytes);
	fields_known(fields, "heap_bytes", figures->heap_bytes);
	fields_known(fields, "heap_mapped_bytes", figures->heap_mapped_bytes);
	fields_known(fields, "heap_used_bytes", figures->heap_used_bytes);
	fields_known(fields, "heap_free_bytes", figures->heap_free_bytes);
	fields_known(fields, "heap_top_bytes", figures->heap_top_bytes);
	fields_known(fields, "pause_ns", figures->pause_ns);
	fields_u64(fields, "origin", figures->origin);
}

static void dump_lifetimes(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->lifetime_count; i++) {
		const struct profile_lifetime *item = &profile->lifetimes[i];
		uint64_t freed[PROFILE_AGES], live[PROFILE_AGES];
		for (size_t k = 0; k < PROFILE_AGES; k++) {
			freed[k] = item->freed[k];
			live[k] = item->live[k];
		}
		fields_begin(fields, "LIFE");
		fields_u64(fields, "stack", item->stack);
		fields_u64(fields, "freed_blocks", item->freed_blocks);
		fields_u64s(fields, "freed", freed, PROFILE_AGES);
		fields_u64s(fields, "live", live, PROFILE_AGES);
		fields_end(fields);
	}
}

static void dump_changes(const struct profile *profile, size_t mark, struct fields *fields)
{
	const struct profile_mark *owner = &profile->marks[mark];
	for (uint64_t i = 0; i < owner->change_count; i++) {
		const struct profile_change *change =
			&profile->changes[owner->change_start + i];
		fields_begin(fields, "CHNG");
		fields_u64(fields, "mark", mark);
		fields_u64(fields, "stack", change->stack);
		fields_u64(fields, "live_bytes", change->live_bytes);
		fields_u64(fields, "live_blocks", change->live_blocks);
		fields_end(fields);
	}
}

static void dump_marks(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->mark_count; i++) {
		const struct profile_mark *mark = &profile->marks[i];
		fields_begin(fields, "MARK");
		fields_u64(fields, "index", i);
		fields_text(fields, "name", profile_text(profile, mark->name));
		fields_text(fields, "base", profile_text(profile, mark->base));
		dump_figures(&mark->figures, fields);
		fields_u64(fields, "live_bytes", mark->live_bytes);
		fields_u64(fields, "live_blocks", mark->live_blocks);
		fields_u64(fields, "arena_bytes", mark->arena_bytes);
		fields_u64(fields, "arena_count", mark->arena_count);
		fields_u64(fields, "rolled", mark->rolled);
		fields_end(fields);
		dump_changes(profile, i, fields);
	}
}

static void dump_windows(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->window_count; i++) {
		const struct profile_window *window = &profile->windows[i];
		fields_begin(fields, "WIND");
		fields_u64(fields, "index", i);
		fields_u64(fields, "start_ms", window->start_ms);
		fields_u64(fields, "rss_bytes", window->rss_bytes);
		fields_u64(fields, "live_bytes", window->live_bytes);
		fields_u64(fields, "live_blocks", window->live_blocks);
		fields_u64(fields, "arena_bytes", window->arena_bytes);
		fields_end(fields);
	}
}

static void dump_point_changes(const struct profile *profile, size_t point,
			       struct fields *fields)
{
	const struct profile_point *owner = &profile->points[point];
	for (uint64_t i = 0; i < owner->change_count; i++) {
		const struct profile_point_change *change =
			&profile->point_changes[owner->change_start + i];
		fields_begin(fields, "PCHG");
		fields_u64(fields, "point", point);
		fields_u64(fields, "stack", change->stack);
		fields_u64(fields, "live_bytes", change->live_bytes);
		fields_u64(fields, "live_blocks", change->live_blocks);
		fields_u64(fields, "total_blocks", change->total_blocks);
		fields_end(fields);
	}
}

static void dump_points(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->point_count; i++) {
		const struct profile_point *point = &profile->points[i];
		fields_begin(fields, "PNTS");
		fields_u64(fields, "index", i);
		fields_u64(fields, "time_ms", point->time_ms);
		fields_u64(fields, "rss_bytes", point->rss_bytes);
		fields_u64(fields, "live_bytes", point->live_bytes);
		fields_u64(fields, "live_blocks", point->live_blocks);
		fields_u64(fields, "arena_bytes", point->arena_bytes);
		fields_u64(fields, "allocations", point->allocations);
		fields_u64s(fields, "collections", point->collections, 3);
		fields_end(fields);
		dump_point_changes(profile, i, fields);
	}
}

static void dump_residents(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->resident_count; i++) {
		fields_begin(fields, "RSET");
		fields_u64(fields, "index", i);
		record_resident_fields(&profile->residents[i], fields);
		fields_end(fields);
	}
	for (size_t i = 0; i < profile->mapped_count; i++) {
		fields_begin(fields, "RMAP");
		record_mapped_fields(&profile->mapped[i], fields);
		fields_end(fields);
	}
}

static void dump_frees(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->freed_count; i++) {
		const struct profile_freed *item = &profile->frees[i];
		fields_begin(fields, "FREE");
		fields_u64(fields, "stack", item->stack);
		fields_u64(fields, "by", item->by);
		fields_u64(fields, "blocks", item->blocks);
		fields_u64(fields, "bytes", item->bytes);
		fields_u64(fields, "gc_blocks", item->gc_blocks);
		fields_u64(fields, "gc_bytes", item->gc_bytes);
		fields_u64(fields, "moved_blocks", item->moved_blocks);
		fields_u64(fields, "moved_bytes", item->moved_bytes);
		fields_end(fields);
	}
}

static void dump_problems(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->problem_count; i++) {
		fields_begin(fields, "PROBLEM");
		fields_text(fields, "text", profile->problems[i]);
		fields_end(fields);
	}
}

int dump_profile(struct profile *profile, struct fields *fields, struct err *err)
{
	const int failed = profile_load_blocks(profile, err);
	dump_info(profile, fields);
	dump_run(profile, fields);
	dump_threads(profile, fields);
	dump_codes(profile, fields);
	for (size_t i = 0; i < profile->node_count; i++)
		dump_node(profile, i, fields);
	dump_sites(profile, fields);
	dump_marks(profile, fields);
	dump_lifetimes(profile, fields);
	dump_frees(profile, fields);
	dump_windows(profile, fields);
	dump_points(profile, fields);
	dump_residents(profile, fields);
	dump_profile_map(profile, fields);
	dump_problems(profile, fields);
	return failed;
}
