#include "profile_write.h"

#include <string.h>

#include "mem.h"
#include "profile_file.h"
#include "profile_write_map.h"
#include "section_write.h"
#include "text_pool.h"

/* What one call of profile_write hands around. */
struct draft {
	struct profile_file file;
	const struct heap *heap;
	const struct snapshot *snapshot; /* what is told as live */
	struct snapshot own;             /* where the caller had none */
	struct text_pool texts;          /* filled by the sections that name something */
	struct err *err;
};

enum { SECTION_COUNT = 30 };

_Static_assert((int)HEAP_DIED == (int)PROFILE_DIED && (int)HEAP_EXEC == (int)PROFILE_EXEC,
	       "the profile's numbers are the heap's");

#define SECTION __attribute__((cleanup(section_write_release))) struct section_write

static int write_info(struct draft *draft)
{
	const struct stacks *stacks = &draft->heap->stacks;
	SECTION section;

	section_write_init(&section, "INFO", 1);
	for (size_t i = 0; i < stacks->info_count; i++) {
		const struct info *info = &stacks->infos[i];

		section_write_add(&section, info->key, strlen(info->key) + 1);
		section_write_add(&section, info->value, strlen(info->value) + 1);
	}
	return profile_file_add(&draft->file, &section, draft->err);
}

/* A table for which there is no room is left out: its lines are lost, the rest is not. */
static void put_code(struct draft *draft, struct section_write *codes,
		     struct section_write *tables, const struct code *code)
{
	struct profile_code item = {
		.file = text_pool_add(&draft->texts, code->file),
		.name = text_pool_add(&draft->texts, code->name),
		.first_line = code->first_line,
		.linetable_kind = code->linetable_kind,
		.linetable_offset = tables->entry.raw_bytes,
		.linetable_bytes = code->linetable_bytes,
		.first_traced = code->first_traced,
	};

	if (item.linetable_offset + item.linetable_bytes > PROFILE_MAX_SECTION_BYTES)
		item.linetable_bytes = 0;
	section_write_add(codes, &item, sizeof(item));
	section_write_add(tables, code->linetable, item.linetable_bytes);
}

static int write_codes(struct draft *draft)
{
	const struct stacks *stacks = &draft->heap->stacks;
	SECTION codes, tables;

	section_write_init(&codes, "CODE", sizeof(struct profile_code));
	section_write_init(&tables, "LTAB", 1);
	for (size_t i = 0; i < stacks->code_count; i++)
		put_code(draft, &codes, &tables, &stacks->codes[i]);
	if (profile_file_add(&draft->file, &codes, draft->err))
		return -1;
	return profile_file_add(&draft->file, &tables, draft->err);
}

static int write_nodes(struct draft *draft)
{
	const struct stacks *stacks = &draft->heap->stacks;
	SECTION section;

	section_write_init(&section, "NODE", sizeof(struct profile_node));
	for (size_t i = 0; i < stacks->node_count; i++) {
		const struct stack_node *node = &stacks->nodes[i];
		struct profile_node item = {node->parent, node->code, node->instr};

		section_write_add(&section, &item, sizeof(item));
	}
	return profile_file_add(&draft->file, &section, draft->err);
}

static int write_threads(struct draft *draft)
{
	const struct stacks *stacks = &draft->heap->stacks;
	SECTION section;

	section_write_init(&section, "THRD", sizeof(struct profile_thread));
	for (size_t i = 0; i < stacks->thread_count; i++) {
		const struct thread *thread = &stacks->threads[i];
		struct profile_thread item = {thread->slot, thread->tid, thread->count,
					      text_pool_add(&draft->texts, thread->name)};

		section_write_add(&section, &item, sizeof(item));
	}
	return profile_file_add(&draft->file, &section, draft->err);
}

static int write_sites(struct draft *draft)
{
	const struct sites *sites = &draft->heap->sites;
	SECTION section;

	section_write_init(&section, "SITE", sizeof(struct profile_site));
	for (size_t i = 0; i < sites->count; i++) {
		const struct site *site = &sites->site[i];
		struct live_figures live = snapshot_live(draft->snapshot, (uint32_t)i);
		struct profile_site item = {
			.stack = (uint32_t)i,
			.live_bytes = live.bytes,
			.live_blocks = live.blocks,
			.total_bytes = site->total_bytes,
			.total_blocks = site->total_blocks,
			.freed_bytes = site->freed_bytes,
			.freed_blocks = site->freed_blocks,
			.temporary_bytes = site->temporary_bytes,
			.temporary_blocks = site->temporary_blocks,
			.gc_freed_bytes = site->gc_freed_bytes,
			.gc_freed_blocks = site->gc_freed_blocks,
		};

		if (!site->total_blocks)
			continue;
		sites_at_peak(sites, item.stack, &item.peak_bytes, &item.peak_blocks);
		section_write_add(&section, &item, sizeof(item));
	}
	return profile_file_add(&draft->file, &section, draft->err);
}

static void put_changes(struct section_write *section, const struct mark *mark)
{
	for (size_t i = 0; i < mark->changes.count; i++) {
		const struct change *change = &mark->changes.items[i];
		struct profile_change item = {.stack = change->stack,
					      .live_bytes = change->live_bytes,
					      .live_blocks = change->live_blocks};

		section_write_add(section, &item, sizeof(item));
	}
}

static int write_marks(struct draft *draft)
{
	const struct marks *all = &draft->heap->marks;
	SECTION marks, changes;

	section_write_init(&marks, "MARK", sizeof(struct profile_mark));
	section_write_init(&changes, "CHNG", sizeof(struct profile_change));
	for (size_t i = 0; i < all->count; i++) {
		const struct mark *mark = &all->items[i];
		struct profile_mark item = {
			.figures = mark->figures,
			.name = text_pool_add(&draft->texts, mark->name),
			.base = text_pool_add(&draft->texts, mark->base),
			.live_bytes = mark->live_bytes,
			.live_blocks = mark->live_blocks,
			.arena_bytes = mark->arenas.arena_bytes,
			.arena_count = mark->arenas.arena_count,
			.rolled = mark->rolled,
			.change_start = changes.entry.raw_bytes / sizeof(struct profile_change),
			.change_count = mark->changes.count,
		};

		section_write_add(&marks, &item, sizeof(item));
		put_changes(&changes, mark);
	}
	if (profile_file_add(&draft->file, &marks, draft->err))
		return -1;
	return profile_file_add(&draft->file, &changes, draft->err);
}

static int write_windows(struct draft *draft)
{
	const struct windows *windows = &draft->heap->windows;
	SECTION section;

	section_write_init(&section, "WIND", sizeof(struct profile_window));
	for (size_t i = 0; i < windows->count; i++) {
		const struct window *window = &windows->items[i];
		struct profile_window item = {window->start_ms, window->rss_bytes,
					      window->live_bytes, window->live_blocks,
					      window->arena_bytes};

		section_write_add(&section, &item, sizeof(item));
	}
	return profile_file_add(&draft->file, &section, draft->err);
}

static void put_point_changes(struct section_write *section, const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		const struct profile_point_change item = {
			.stack = change->stack,
			.live_bytes = change->live_bytes,
			.live_blocks = change->live_blocks,
			.total_blocks = change->total_blocks,
		};

		section_write_add(section, &item, sizeof(item));
	}
}

static int write_course(struct draft *draft)
{
	const struct course *course = &draft->heap->course;
	SECTION points, changes;
	uint64_t start = 0;

	section_write_init(&points, "PNTS", sizeof(struct profile_point));
	section_write_init(&changes, "PCHG", sizeof(struct profile_point_change));
	for (size_t i = 0; i < course->count; i++) {
		const struct course_point *point = &course->points[i];
		const struct course_figures *figures = &point->figures;
		struct profile_point item = {
			.time_ms = figures->time_ms,
			.rss_bytes = figures->rss_bytes,
			.live_bytes = figures->live_bytes,
			.live_blocks = figures->live_blocks,
			.arena_bytes = figures->arena_bytes,
			.allocations = figures->allocations,
			.change_start = start,
			.change_count = point->changes.count,
		};

		memcpy(item.collections, figures->collections, sizeof(item.collections));
		section_write_add(&points, &item, sizeof(item));
		put_point_changes(&changes, &point->changes);
		start += point->changes.count;
	}
	if (profile_file_add(&draft->file, &points, draft->err))
		return -1;
	return profile_file_add(&draft->file, &changes, draft->err);
}

static int write_residents(struct draft *draft)
{
	const struct residents *residents = &draft->heap->residents;
	SECTION looks, mapped;

	section_write_init(&looks, "RSET", sizeof(struct stream_resident));
	for (size_t i = 0; i < residents->count; i++)
		section_write_add(&looks, &residents->items[i], sizeof(residents->items[i]));
	section_write_init(&mapped, "RMAP", sizeof(struct stream_mapped));
	for (size_t i = 0; i < residents->mapped_count; i++)
		section_write_add(&mapped, &residents->mapped[i], sizeof(residents->mapped[i]));
	if (profile_file_add(&draft->file, &looks, draft->err))
		return -1;
	return profile_file_add(&draft->file, &mapped, draft->err);
}

static int write_frees(struct draft *draft)
{
	const struct frees *frees = &draft->heap->frees;
	__attribute__((cleanup(mem_scope))) struct profile_freed *items = frees_sorted(frees);
	SECTION section;

	section_write_init(&section, "FREE", sizeof(*items));
	for (size_t i = 0; i < frees->count; i++)
		if (items[i].blocks || items[i].bytes)
			section_write_add(&section, &items[i], sizeof(*items));
	return profile_file_add(&draft->file, &section, draft->err);
}

static int write_summaries(struct draft *draft)
{
	SECTION arenas, holders, classes;

	section_write_init(&arenas, "AMRK", sizeof(struct profile_arena_mark));
	section_write_init(&holders, "HOLD", sizeof(struct profile_holder));
	section_write_init(&classes, "MCLS", sizeof(struct profile_mark_class));
	profile_put_summaries(draft->heap, &arenas, &holders, &classes);
	if (profile_file_add(&draft->file, &arenas, draft->err) ||
	    profile_file_add(&draft->file, &holders, draft->err))
		return -1;
	return profile_file_add(&draft->file, &classes, draft->err);
}

static int write_audits(struct draft *draft)
{
	SECTION audits, differences;

	section_write_init(&audits, "AUDT", sizeof(struct profile_audit));
	section_write_init(&differences, "AUDD", sizeof(struct profile_audit_difference));
	profile_put_audits(draft->heap, &audits, &differences);
	if (profile_file_add(&draft->file, &audits, draft->err))
		return -1;
	return profile_file_add(&draft->file, &differences, draft->err);
}

static int write_snapshot(struct draft *draft)
{
	for (size_t i = 0; i < SNAPSHOT_SECTIONS; i++)
		if (profile_file_put(&draft->file, &draft->snapshot->sections[i], draft->err))
			return -1;
	return 0;
}

static void run_from_snapshot(struct profile_run *run, const struct snapshot *snapshot)
{
	run->live_bytes = snapshot->live.bytes;
	run->live_blocks = snapshot->live.blocks;
	memcpy(run->domain_bytes, snapshot->domain_bytes, sizeof(run->domain_bytes));
	memcpy(run->domain_blocks, snapshot->domain_blocks, sizeof(run->domain_blocks));
	run->arena_bytes = snapshot->arena_bytes;
	run->arena_count = snapshot->arena_count;
	run->block_count = snapshot->block_count;
}

static void run_from_heap(struct profile_run *run, const struct heap *heap)
{
	const struct heap_counts *counts = &heap->counts;

	run->end = heap->end;
	run->end_status = heap->end_status;
	run->duration_ms = heap->windows.now_ms;
	run->peak_bytes = heap->sites.peak_bytes;
	run->peak_blocks = heap->sites.peak_blocks;
	run->peak_ms = heap->sites.peak_ms;
	run->most_arenas = heap->arenas.most_arenas;
	run->pool_bytes = heap->arenas.pool_bytes;
	run->merged_marks = (uint32_t)heap->marks.merged;
	run->misplaced = heap->arenas.misplaced;
	run->records = counts->records;
	run->allocations = counts->allocations;
	run->frees = counts->frees;
	run->cancelled_pairs = counts->cancelled_pairs;
	run->unknown_frees = counts->unknown_frees;
	run->replaced = counts->replaced;
	run->lost_slots = counts->lost_slots;
	run->dropped_events = counts->dropped_events;
	run->waited_ns = counts->waited_ns;
	run->checks = heap->stacks.checks;
	run->checks_differing = heap->stacks.checks_differing;
	memcpy(run->collections, counts->collections, sizeof(run->collections));
	memcpy(run->collected, counts->collected, sizeof(run->collected));
	for (size_t i = 0; i < GARBAGE_GENERATIONS; i++) {
		const struct garbage_sum *sum = &heap->garbage.sums[i];

		run->program_collections[i] = sum->collections;
		run->program_collected[i] = sum->objects;
		run->garbage_bytes[i] = sum->freed.bytes;
		run->garbage_blocks[i] = sum->freed.blocks;
		run->timed_collections[i] = sum->timed;
		run->collecting_ns[i] = sum->took_ns;
		run->longest_collecting_ns[i] = sum->longest_ns;
	}
}

static int write_run(struct draft *draft, const struct run_identity *identity,
		     const struct run_result *result)
{
	struct profile_run run = {
		.run_id = identity->run_id,
		.process_start = identity->process_start,
		.start_real_ns = identity->start_real_ns,
		.pid = identity->pid,
		.uid = identity->uid,
		.flags = result->flags | (result->end ? PROFILE_AT_END : 0),
		.peak_slack_bytes = identity->slack_bytes,
		.bad_records = result->bad_records,
		.crash_safe_until_ms = result->crash_safe_until_ms,
	};
	SECTION section;

	run_from_heap(&run, draft->heap);
	run_from_snapshot(&run, draft->snapshot);
	section_write_init(&section, "RUN_", sizeof(run));
	section_write_add(&section, &run, sizeof(run));
	return profile_file_add(&draft->file, &section, draft->err);
}

static int write_texts(struct draft *draft)
{
	SECTION section;

	section_write_init(&section, "STRS", 1);
	section_write_add(&section, draft->texts.bytes.data, draft->texts.bytes.len);
	return profile_file_add(&draft->file, &section, draft->err);
}

static void draft_init(struct draft *draft, const struct heap *heap, struct err *err)
{
	*draft = (struct draft){.file.fd = -1, .heap = heap, .err = err};
	text_pool_init(&draft->texts);
}

static void draft_release(struct draft *draft)
{
	snapshot_release(&draft->own);
	text_pool_release(&draft->texts);
	profile_file_release(&draft->file);
}

/* The blocks come last: of a file that was cut off, what matters most is still there. */
static int write_sections(struct draft *draft, const struct run_identity *identity,
			  const struct run_result *result)
{
	if (write_run(draft, identity, result) || write_info(draft) || write_codes(draft) ||
	    write_nodes(draft) || write_threads(draft) || write_sites(draft) ||
	    write_marks(draft) || write_texts(draft) || write_windows(draft) ||
	    write_course(draft) || write_residents(draft) || write_frees(draft) ||
	    write_audits(draft) || write_summaries(draft))
		return -1;
	return write_snapshot(draft);
}

/* Without a moment that was kept, what is live is what the stream's last record leaves. */
static int find_snapshot(struct draft *draft, const char *path, const struct snapshot *end)
{
	draft->snapshot = end ? end : &draft->own;
	return end ? 0 : snapshot_take(draft->heap, NULL, path, &draft->own, draft->err);
}

int profile_write(const char *path, const struct heap *heap,
		  const struct run_identity *identity, const struct run_result *result,
		  struct err *err)
{
	__attribute__((cleanup(draft_release))) struct draft draft;

	draft_init(&draft, heap, err);
	if (find_snapshot(&draft, path, result->end) ||
	    profile_file_create(&draft.file, path, SECTION_COUNT, err) ||
	    write_sections(&draft, identity, result))
		return -1;
	return profile_file_commit(&draft.file, err);
}
