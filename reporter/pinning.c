#include "pinning.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

/* A row while it is added up; rows come into being in the order of groups. */
struct sum {
	struct pinning_figures figures;
	uint32_t oldest, newest; /* windows */
	uint64_t trace_pinned;   /* of the trace that stands for it so far */
	uint32_t trace;
	uint32_t arena; /* the last one it was met in, counted from 1 */
	uint32_t row;
};

struct adding {
	const struct arenas *arenas;
	const struct grouping *grouping;
	struct pinning *pinning;
	struct sum *sums;             /* by group */
	uint64_t *trace_pinned;       /* by trace */
	uint64_t *bytes, *free_bytes; /* of the arenas that rows alone hold */
	size_t *starts;
	uint32_t *groups;         /* that hold them */
	size_t kept, kept_groups; /* of those */
};

void pinning_add(struct pinning_figures *sum, const struct pinning_figures *more)
{
	sum->blocks += more->blocks;
	sum->live_bytes += more->live_bytes;
	sum->rounding_bytes += more->rounding_bytes;
	sum->pinned_bytes += more->pinned_bytes;
	sum->arenas += more->arenas;
	sum->exclusive_arenas += more->exclusive_arenas;
	sum->exclusive_bytes += more->exclusive_bytes;
}

/* How much of `bytes` falls to the first `blocks` out of `all`: differences of it add up. */
static uint64_t share(uint64_t bytes, uint64_t blocks, uint64_t all)
{
	return (uint64_t)((unsigned __int128)bytes * blocks / all);
}

static struct pinning_figures holder_figures(const struct adding *adding,
					     const struct arena_holder *holder,
					     uint64_t pinned_bytes)
{
	const bool known = adding->arenas->requested_known &&
			   holder->bytes < holder->block_bytes;
	return (struct pinning_figures){
		.blocks = holder->blocks,
		.live_bytes = holder->block_bytes,
		.rounding_bytes = known ? holder->block_bytes - holder->bytes : 0,
		.pinned_bytes = pinned_bytes,
	};
}

static uint32_t trace_of(const struct adding *adding, const struct arena_holder *holder)
{
	return adding->grouping->lines->trace_of[holder->stack];
}

/* True: the group wasn't met in this arena before. */
static bool add_holder(struct adding *adding, const struct arena_holder *holder, uint32_t group,
		       uint64_t pinned_bytes, uint32_t arena)
{
	const struct pinning_figures figures = holder_figures(adding, holder, pinned_bytes);
	const uint32_t trace = trace_of(adding, holder);
	struct sum *sum = &adding->sums[group];
	adding->trace_pinned[trace] += pinned_bytes;
	if (!sum->figures.blocks || holder->oldest < sum->oldest)
		sum->oldest = holder->oldest;
	if (!sum->figures.blocks || holder->newest > sum->newest)
		sum->newest = holder->newest;
	if (!sum->figures.blocks || adding->trace_pinned[trace] > sum->trace_pinned) {
		sum->trace_pinned = adding->trace_pinned[trace];
		sum->trace = trace;
	}
	pinning_add(&sum->figures, &figures);
	pinning_add(&adding->pinning->total, &figures);
	const bool is_new = sum->arena != arena;
	sum->arena = arena;
	sum->figures.arenas += is_new;
	return is_new;
}

static void add_others(struct adding *adding, const struct held_arena *arena, uint64_t pinned)
{
	const struct pinning_figures figures = {
		.blocks = arena->other_blocks,
		.live_bytes = arena->other_block_bytes,
		.pinned_bytes = pinned,
	};
	pinning_add(&adding->pinning->others, &figures);
}

/* Nobody but rows holds this arena: the groups of which were noted last. */
static void keep_arena(struct adding *adding, const struct held_arena *arena, size_t groups)
{
	adding->bytes[adding->kept] = arena->bytes;
	adding->free_bytes[adding->kept] = arena->free_bytes;
	adding->kept_groups = groups;
	adding->starts[++adding->kept] = groups;
	if (groups - adding->starts[adding->kept - 1] != 1)
		return;
	struct sum *sum = &adding->sums[adding->groups[groups - 1]];
	sum->figures.exclusive_arenas++;
	sum->figures.exclusive_bytes += arena->bytes;
	adding->pinning->total.exclusive_arenas++;
	adding->pinning->total.exclusive_bytes += arena->bytes;
}

static void add_arena(struct adding *adding, size_t index)
{
	const struct held_arena *arena = &adding->arenas->items[index];
	size_t groups = adding->kept_groups;
	uint64_t blocks = 0, pinned = 0;
	bool others = arena->other_blocks || arena->other_stacks;
	for (size_t i = 0; i < arena->holder_count; i++) {
		const struct arena_holder *holder =
			&adding->arenas->holders[arena->holder_start + i];
		const uint32_t group = adding->grouping->of_trace[trace_of(adding, holder)];
		if (!holder->blocks)
			continue;
		blocks += holder->blocks;
		const uint64_t upto = share(arena->free_bytes, blocks, arena->live_blocks);
		const struct pinning_figures left_out = holder_figures(adding, holder,
								       upto - pinned);
		if (group == GROUPING_NONE)
			pinning_add(&adding->pinning->others, &left_out);
		else if (add_holder(adding, holder, group, upto - pinned, (uint32_t)index + 1))
			adding->groups[groups++] = group;
		others |= group == GROUPING_NONE;
		pinned = upto;
	}
	if (arena->live_blocks)
		add_others(adding, arena, arena->free_bytes - pinned);
	adding->pinning->total.arenas += groups != adding->kept_groups;
	if (!others && groups != adding->kept_groups)
		keep_arena(adding, arena, groups);
}

/* A window's start in seconds before the moment. */
static double age(const struct adding *adding, uint32_t window, double seconds)
{
	const struct profile *profile = adding->grouping->lines->profile;
	if (window >= profile->window_count)
		return 0;
	const double start = (double)profile->windows[window].start_ms / 1000;
	return start < seconds ? seconds - start : 0;
}

static void make_rows(struct adding *adding, double seconds)
{
	const struct grouping *grouping = adding->grouping;
	struct pinning *pinning = adding->pinning;
	pinning->rows = mem_alloc(grouping->count * sizeof pinning->rows[0]);
	for (uint32_t i = 0; i < grouping->count; i++) {
		const struct sum *sum = &adding->sums[i];
		if (!sum->figures.blocks)
			continue;
		struct pinning_row *row = &pinning->rows[pinning->row_count++];
		row->group = grouping->groups[i];
		row->figures = sum->figures;
		row->oldest_seconds = age(adding, sum->oldest, seconds);
		row->newest_seconds = age(adding, sum->newest, seconds);
		grouping_choose(grouping, &row->group, sum->trace);
	}
	if (pinning->row_count)
		qsort(pinning->rows, pinning->row_count, sizeof pinning->rows[0],
		      pinning_compare);
}

/* Groups become the rows that they are, now that those are in order. */
static void find_release(struct adding *adding)
{
	const struct grouping *grouping = adding->grouping;
	struct pinning *pinning = adding->pinning;
	for (size_t i = 0; i < pinning->row_count; i++)
		adding->sums[grouping->of_trace[pinning->rows[i].group.trace]].row =
			(uint32_t)i;
	for (size_t i = 0; i < adding->kept_groups; i++)
		adding->groups[i] = adding->sums[adding->groups[i]].row;
	const struct release_arenas arenas = {
		.bytes = adding->bytes,
		.free_bytes = adding->free_bytes,
		.starts = adding->starts,
		.rows = adding->groups,
		.count = adding->kept,
		.row_count = pinning->row_count,
	};
	release_compute(&arenas, &pinning->release);
}

void pinning_compute(const struct arenas *arenas, const struct grouping *grouping,
		     double seconds, struct pinning *ret_pinning)
{
	__attribute__((cleanup(mem_scope))) struct sum *sums =
		mem_alloc(grouping->count * sizeof sums[0]);
	__attribute__((cleanup(mem_scope))) uint64_t *trace_pinned =
		mem_alloc(grouping->lines->trace_count * sizeof trace_pinned[0]);
	__attribute__((cleanup(mem_scope)))
	uint64_t *bytes = mem_alloc(arenas->count * sizeof bytes[0]);
	__attribute__((cleanup(mem_scope)))
	uint64_t *free_bytes = mem_alloc(arenas->count * sizeof free_bytes[0]);
	__attribute__((cleanup(mem_scope)))
	size_t *starts = mem_alloc((arenas->count + 1) * sizeof starts[0]);
	__attribute__((cleanup(mem_scope)))
	uint32_t *groups = mem_alloc(arenas->holder_count * sizeof groups[0]);
	struct pinning pinning = {
		.known = arenas->known && arenas->holders_known,
		.rounding_known = arenas->requested_known,
	};
	struct adding adding = {
		.arenas = arenas,
		.grouping = grouping,
		.pinning = &pinning,
		.sums = sums,
		.trace_pinned = trace_pinned,
		.bytes = bytes,
		.free_bytes = free_bytes,
		.starts = starts,
		.groups = groups,
	};
	for (size_t i = 0; i < arenas->count; i++)
		add_arena(&adding, i);
	make_rows(&adding, seconds);
	find_release(&adding);
	*ret_pinning = pinning;
}

void pinning_release(struct pinning *pinning)
{
	free(pinning->rows);
	*pinning = (struct pinning){.known = false};
}

int pinning_compare(const void *left, const void *right)
{
	const struct pinning_row *a = left, *b = right;
	const struct pinning_figures *x = &a->figures, *y = &b->figures;
	if (x->exclusive_bytes != y->exclusive_bytes)
		return x->exclusive_bytes > y->exclusive_bytes ? -1 : 1;
	if (x->pinned_bytes != y->pinned_bytes)
		return x->pinned_bytes > y->pinned_bytes ? -1 : 1;
	if (x->live_bytes != y->live_bytes)
		return x->live_bytes > y->live_bytes ? -1 : 1;
	return group_compare(&a->group, &b->group);
}

void pinning_join(struct pinning_row *row, const struct pinning_row *more)
{
	pinning_add(&row->figures, &more->figures);
	if (more->oldest_seconds > row->oldest_seconds)
		row->oldest_seconds = more->oldest_seconds;
	if (more->newest_seconds < row->newest_seconds)
		row->newest_seconds = more->newest_seconds;
}
