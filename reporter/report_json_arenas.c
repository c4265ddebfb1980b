/* The parts of report_json.c that tell of arenas. */
#include <inttypes.h>

#include "report.h"

static void write_sentences(struct json *json, const char *key, char *const *sentences)
{
	json_open_array(json, key);
	for (size_t i = 0; i < VERDICT_MAX_SENTENCES && sentences[i]; i++)
		json_text(json, NULL, sentences[i]);
	json_close(json);
}

void report_json_verdict(const struct report *report, struct json *json)
{
	const struct verdict *verdict = &report->verdict;
	if (verdict->kind == VERDICT_NONE) {
		json_put_null(json, "verdict");
		return;
	}
	json_open_object(json, "verdict");
	json_text(json, "kind", verdict_kind_names[verdict->kind]);
	json_text(json, "confidence", verdict_confidence_names[verdict->confidence]);
	write_sentences(json, "reasons", verdict->reasons);
	write_sentences(json, "advice", verdict->advice);
	json_u64(json, "returned_bytes", verdict->returned_bytes);
	json_close(json);
}

static void write_known(struct json *json, const char *key, bool known, uint64_t value)
{
	if (known)
		json_u64(json, key, value);
	else
		json_put_null(json, key);
}

static void write_figures(struct json *json, const struct pinning *pinning,
			  const struct pinning_figures *figures)
{
	json_u64(json, "blocks", figures->blocks);
	json_u64(json, "live_bytes", figures->live_bytes);
	write_known(json, "rounding_bytes", pinning->rounding_known, figures->rounding_bytes);
	json_u64(json, "pinned_bytes", figures->pinned_bytes);
	json_u64(json, "exclusive_bytes", figures->exclusive_bytes);
	json_u64(json, "exclusive_arenas", figures->exclusive_arenas);
	json_u64(json, "arenas", figures->arenas);
}

static void write_row(struct json *json, const struct pinning *pinning, size_t index)
{
	const struct pinning_row *row = &pinning->rows[index];
	json_open_object(json, NULL);
	report_json_group(&row->group, json);
	write_figures(json, pinning, &row->figures);
	json_double(json, "oldest_seconds", row->oldest_seconds, 3);
	json_double(json, "newest_seconds", row->newest_seconds, 3);
	json_u64(json, "rank", index + 1);
	report_json_stack(&row->group, json);
	json_close(json);
}

static void write_release(struct json *json, const struct pinning *pinning)
{
	const struct release *release = &pinning->release;
	size_t next = 0;
	json_open_array(json, "release");
	for (size_t i = 0; i < release->step_count; i++) {
		json_open_object(json, NULL);
		json_u64(json, "rows", release->steps[i].rows);
		json_u64(json, "arenas", release->steps[i].arenas);
		json_u64(json, "bytes", release->steps[i].bytes);
		json_u64(json, "free_bytes", release->steps[i].free_bytes);
		json_open_array(json, "ranks");
		for (; next < release->steps[i].rows; next++)
			json_u64(json, NULL, release->order[next] + 1);
		json_close(json);
		json_close(json);
	}
	json_close(json);
}

static void write_sum(struct json *json, const char *key, const struct pinning *pinning,
		      const struct pinning_figures *figures)
{
	json_open_object(json, key);
	json_u64(json, "blocks", figures->blocks);
	json_u64(json, "live_bytes", figures->live_bytes);
	json_u64(json, "pinned_bytes", figures->pinned_bytes);
	if (figures == &pinning->total) {
		json_u64(json, "rows", pinning->row_count);
		json_u64(json, "exclusive_bytes", figures->exclusive_bytes);
		json_u64(json, "arenas", figures->arenas);
	}
	json_close(json);
}

void report_json_pins(const struct report *report, struct json *json)
{
	const struct pinning *pinning = &report->pinning;
	if (!pinning->known) {
		json_put_null(json, "pins");
		json_put_null(json, "pins_total");
		json_put_null(json, "pins_others");
		json_put_null(json, "release");
		return;
	}
	json_open_array(json, "pins");
	for (size_t i = 0; i < pinning->row_count && (!report->limit || i < report->limit); i++)
		write_row(json, pinning, i);
	json_close(json);
	write_sum(json, "pins_total", pinning, &pinning->total);
	write_sum(json, "pins_others", pinning, &pinning->others);
	if (report->merge)
		json_put_null(json, "release");
	else
		write_release(json, pinning);
}

static void write_classes(struct json *json, const struct arenas *arenas, bool known)
{
	if (!known) {
		json_put_null(json, "classes");
		return;
	}
	json_open_array(json, "classes");
	for (uint32_t i = 1; i <= ARENAS_CLASSES; i++) {
		const struct arenas_class *class = &arenas->classes[i];
		const uint64_t fit = class->pools *
				     (uint64_t)arenas_pool_blocks(arenas->pool_bytes, i);
		if (!class->pools)
			continue;
		json_open_object(json, NULL);
		json_u64(json, "size", arenas_class_bytes(i));
		json_u64(json, "pools", class->pools);
		json_u64(json, "blocks", class->blocks);
		json_u64(json, "available", fit > class->blocks ? fit - class->blocks : 0);
		json_close(json);
	}
	json_close(json);
}

static void write_pools(struct json *json, const struct fragmentation *figures, bool known)
{
	write_known(json, "pools", known, figures->pools);
	write_known(json, "unused_pools", known, figures->unused_pools);
	write_known(json, "unused_pool_bytes", known, figures->unused_pool_bytes);
	write_known(json, "available_blocks", known, figures->available_blocks);
	write_known(json, "available_bytes", known, figures->available_bytes);
	write_known(json, "quantization_bytes", known, figures->quantization_bytes);
	write_known(json, "alignment_bytes", known, figures->alignment_bytes);
}

static void count_arenas(const struct report *report, uint64_t *ret_count, uint64_t *ret_bytes)
{
	const struct profile_run *run = &report->profile->run;
	*ret_count = report->to.kind == MOMENT_LAST ? run->arena_count : 0;
	*ret_bytes = report->to.kind == MOMENT_LAST ? run->arena_bytes : 0;
	if (report->to.kind == MOMENT_POINT) {
		*ret_count = UINT64_MAX;
		*ret_bytes = report->profile->points[report->to.point].arena_bytes;
	}
	if (report->to.kind != MOMENT_MARK)
		return;
	*ret_count = report->profile->marks[report->to.mark].arena_count;
	*ret_bytes = report->profile->marks[report->to.mark].arena_bytes;
}

/*
 * How many there were is known at each mark, also where nothing else is; at points how
 * large.
 */
void report_json_arenas(const struct report *report, struct json *json)
{
	const struct fragmentation *figures = &report->fragmentation;
	const bool known = figures->known;
	uint64_t count = figures->arenas, bytes = figures->bytes;
	if (!known)
		count_arenas(report, &count, &bytes);
	json_open_object(json, "arenas");
	json_u64_or_null(json, "count", count);
	json_u64(json, "bytes", bytes);
	json_u64(json, "most", report->profile->run.most_arenas);
	json_text(json, "why_none", figures->why_none);
	write_known(json, "blocks", known, figures->blocks);
	write_known(json, "live_bytes", known, figures->block_bytes);
	write_known(json, "requested_bytes", known, figures->requested_bytes);
	write_known(json, "free_bytes", known, figures->free_bytes);
	write_known(json, "pinned_bytes", known, figures->pinned_bytes);
	write_known(json, "pool_header_bytes", known, figures->header_bytes);
	write_pools(json, figures, figures->pools_known);
	write_known(json, "large_blocks", figures->large_known, figures->large_blocks);
	write_known(json, "large_bytes", figures->large_known, figures->large_bytes);
	write_classes(json, &report->arenas, figures->pools_known);
	json_close(json);
}

void report_json_heap(const struct report *report, struct json *json)
{
	const struct c_heap *heap = &report->heap;
	json_open_object(json, "c_heap");
	json_text(json, "allocator", heap->allocator);
	write_known(json, "bytes", heap->known, heap->bytes);
	write_known(json, "mapped_bytes", heap->known, heap->mapped_bytes);
	write_known(json, "used_bytes", heap->known, heap->used_bytes);
	write_known(json, "free_bytes", heap->known, heap->free_bytes);
	write_known(json, "top_bytes", heap->known, heap->top_bytes);
	write_known(json, "arenas", heap->detailed, heap->arenas);
	write_known(json, "free_chunks", heap->detailed, heap->free_chunks);
	write_known(json, "fast_bytes", heap->detailed, heap->fast_bytes);
	write_known(json, "trim_bytes", heap->detailed, heap->trim_bytes);
	json_close(json);
}

static void write_address(struct json *json, const char *key, uint64_t address)
{
	char text[24];
	snprintf(text, sizeof text, "0x%" PRIx64, address);
	json_text(json, key, text);
}

static void write_difference(struct json *json,
			     const struct profile_audit_difference *difference)
{
	json_open_object(json, NULL);
	write_address(json, "arena", difference->arena);
	write_address(json, "pool", difference->pool);
	json_u64(json, "map_size", arenas_class_bytes(difference->map_class));
	json_u64(json, "header_size", arenas_class_bytes(difference->header_class));
	json_u64(json, "map_blocks", difference->map_blocks);
	json_u64(json, "header_blocks", difference->header_blocks);
	json_u64(json, "differing", difference->differing_blocks);
	json_close(json);
}

void report_json_audit(const struct report *report, struct json *json)
{
	const struct profile *profile = report->profile;
	const struct profile_audit *audit = report_audit(report);
	json_text(json, "why_no_audit", report_why_no_audit(report));
	if (!audit) {
		json_put_null(json, "audit");
		return;
	}
	json_open_object(json, "audit");
	json_double(json, "seconds", (double)audit->time_ms / 1000, 3);
	json_u64(json, "interpreters", audit->interpreters);
	json_u64(json, "blocks", audit->blocks);
	json_u64(json, "differing", audit->differing_blocks);
	json_u64(json, "pools", audit->pools);
	json_u64(json, "differing_pools", audit->differing_pools);
	json_u64(json, "arenas", audit->arenas);
	json_u64(json, "differing_arenas", audit->differing_arenas);
	json_double(json, "pause_seconds", (double)audit->pause_ns / 1e9, 6);
	json_open_array(json, "differences");
	for (size_t i = 0; i < profile->difference_count; i++)
		if (&profile->audits[profile->differences[i].audit] == audit)
			write_difference(json, &profile->differences[i]);
	json_close(json);
	json_close(json);
}
