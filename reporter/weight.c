#include "weight.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "../collector/mem.h"
#include "growth.h"
#include "pinning.h"

const char *const weight_names[WEIGHT_COUNT + 1] = {"live", "growth", "pinned",
						    "peak", "total",  NULL};

static void add(struct weight *weight, uint32_t trace, uint64_t bytes)
{
	if (!bytes)
		return;
	weight->stacks[weight->count++] = (struct weight_stack){trace, bytes};
	weight->total_bytes += bytes;
}

static void add_growth(struct weight *weight, uint32_t trace, int64_t bytes)
{
	if (bytes >= 0) {
		add(weight, trace, (uint64_t)bytes);
		return;
	}
	weight->shrunk_count++;
	weight->shrunk_bytes += 0 - (uint64_t)bytes;
}

static void add_rows(const struct growth *growth, struct weight *weight)
{
	weight->stacks = mem_alloc(growth->row_count * sizeof weight->stacks[0]);
	for (size_t i = 0; i < growth->row_count; i++) {
		const struct growth_figures *figures = &growth->rows[i].figures;
		const uint32_t trace = growth->rows[i].group.trace;
		if (weight->kind == WEIGHT_GROWTH)
			add_growth(weight, trace, figures->size_diff_bytes);
		else
			add(weight, trace,
			    weight->kind == WEIGHT_LIVE   ? figures->size_bytes
			    : weight->kind == WEIGHT_PEAK ? figures->peak_bytes
							  : figures->total_bytes);
	}
}

static void add_pins(const struct weight_query *query, struct weight *weight)
{
	struct arenas arenas;
	struct pinning pinning;
	arenas_at(query->grouping->lines->profile, &query->to, &arenas);
	pinning_compute(&arenas, query->grouping, query->to.seconds, &pinning);
	weight->known = pinning.known;
	weight->stacks = mem_alloc(pinning.row_count * sizeof weight->stacks[0]);
	for (size_t i = 0; i < pinning.row_count; i++)
		add(weight, pinning.rows[i].group.trace, pinning.rows[i].figures.pinned_bytes);
	pinning_release(&pinning);
	arenas_release(&arenas);
}

static int by_trace(const void *left, const void *right)
{
	const struct weight_stack *a = left, *b = right;
	return (a->trace > b->trace) - (a->trace < b->trace);
}

static void write_caption(const struct weight_query *query, struct weight *weight)
{
	char *text = weight->caption;
	const size_t size = sizeof weight->caption;
	switch (weight->kind) {
	case WEIGHT_GROWTH:
		snprintf(text, size, "growth from %s to %s", query->from.name, query->to.name);
		return;
	case WEIGHT_PEAK:
		snprintf(text, size, "live at the peak");
		return;
	case WEIGHT_TOTAL:
		snprintf(text, size, "allocated in the whole run");
		return;
	default:
		snprintf(text, size, "%s at %s", weight_names[weight->kind], query->to.name);
		return;
	}
}

void weight_compute(const struct weight_query *query, enum weight_kind kind,
		    struct weight *ret_weight)
{
	struct weight weight = {.kind = kind, .known = true};
	assert(query->grouping->by == GROUPING_BY_STACK);
	write_caption(query, &weight);
	if (kind == WEIGHT_PINNED) {
		add_pins(query, &weight);
	} else {
		const struct growth_query grown = {query->grouping, query->from, query->to};
		struct growth growth;
		growth_compute(&grown, &growth);
		add_rows(&growth, &weight);
		growth_release(&growth);
	}
	if (weight.count)
		qsort(weight.stacks, weight.count, sizeof weight.stacks[0], by_trace);
	*ret_weight = weight;
}

void weight_release(struct weight *weight)
{
	free(weight->stacks);
	*weight = (struct weight){.count = 0};
}
