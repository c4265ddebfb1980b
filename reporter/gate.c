#include "gate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

const struct gate_metric_info gate_metrics[GATE_METRIC_COUNT] = {
	[GATE_LIVE_END] = {"live_end", "bytes", .bytes = true, .counted = true},
	[GATE_PEAK_LIVE] = {"peak_live", "bytes", .bytes = true, .counted = true},
	[GATE_ALLOCATIONS] = {"allocations", "blocks", .counted = true},
	[GATE_ALLOCATED_BYTES] = {"allocated_bytes", "bytes", .bytes = true, .counted = true},
	[GATE_GROWTH_PER_ITERATION] = {"growth_per_iteration", "bytes per iteration",
				       .bytes = true, .counted = true, .needs_windows = true},
	[GATE_PINNED_BYTES] = {"pinned_bytes", "bytes", .bytes = true, .counted = true},
	[GATE_ARENAS_PEAK] = {"arenas_peak", "bytes", .bytes = true, .counted = true},
	[GATE_RSS_PEAK] = {"rss_peak", "bytes", .bytes = true},
};

enum gate_metric gate_metric_find(const char *key)
{
	int metric = 0;
	while (metric < GATE_METRIC_COUNT && (!key || strcmp(gate_metrics[metric].key, key)))
		metric++;
	return metric;
}

void gate_site_release(struct gate_site *site)
{
	for (size_t i = 0; i < site->frame_count; i++) {
		free(site->frames[i].function);
		free(site->frames[i].file);
	}
	free(site->frames);
	free(site->key);
	free(site->source);
}

void gate_environment_release(struct gate_environment *environment)
{
	free(environment->python);
	free(environment->abi);
	free(environment->arch);
	free(environment->libc);
	free(environment->allocator);
	free(environment->mode);
	free(environment->hash_seed);
	*environment = (struct gate_environment){0};
}

void gate_result_release(struct gate_result *result)
{
	for (size_t i = 0; i < result->check_count; i++) {
		free(result->checks[i].title);
		free(result->checks[i].message);
		if (result->checks[i].own_site) {
			gate_site_release(result->checks[i].own_site);
			free(result->checks[i].own_site);
		}
	}
	free(result->checks);
	for (size_t i = 0; i < result->site_count; i++)
		gate_site_release(&result->sites[i]);
	free(result->sites);
	for (size_t i = 0; i < result->warning_count; i++)
		free(result->warnings[i]);
	free(result->warnings);
	gate_environment_release(&result->environment);
	free(result->why);
	free(result->command);
	free(result->baseline_path);
	*result = (struct gate_result){.status = GATE_NO_VERDICT};
}

void gate_result_add_check(struct gate_result *result, struct gate_check check)
{
	result->checks = mem_resize(result->checks,
				    (result->check_count + 1) * sizeof result->checks[0]);
	result->checks[result->check_count++] = check;
	if (check.outcome == GATE_FAILED && result->status == GATE_FINE)
		result->status = GATE_REGRESSION;
}

static char *sentence(const char *format, va_list args)
{
	char *text;
	return vasprintf(&text, format, args) < 0 ? mem_text(format) : text;
}

void gate_result_add_warning(struct gate_result *result, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	result->warnings = mem_resize(result->warnings,
				      (result->warning_count + 1) * sizeof result->warnings[0]);
	result->warnings[result->warning_count++] = sentence(format, args);
	va_end(args);
}

void gate_result_no_verdict(struct gate_result *result, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (result->status == GATE_FINE || result->status == GATE_REGRESSION) {
		result->status = GATE_NO_VERDICT;
		free(result->why);
		result->why = sentence(format, args);
	}
	va_end(args);
}

static double excess(const struct gate_check *check)
{
	const double over = check->measured - check->limit;
	return isnan(over) ? 0 : over;
}

static int compare_checks(const void *left, const void *right)
{
	static const int ranks[] = {
		[GATE_FAILED] = 0, [GATE_WARNED] = 1, [GATE_UNKNOWN] = 2, [GATE_PASSED] = 3};
	const struct gate_check *a = left, *b = right;
	if (a->outcome != b->outcome)
		return ranks[a->outcome] - ranks[b->outcome];
	if (excess(a) != excess(b))
		return excess(a) > excess(b) ? -1 : 1;
	return strcmp(a->title ? a->title : "", b->title ? b->title : "");
}

void gate_result_sort(struct gate_result *result)
{
	if (result->check_count)
		qsort(result->checks, result->check_count, sizeof result->checks[0],
		      compare_checks);
}

size_t gate_result_count(const struct gate_result *result, enum gate_outcome outcome)
{
	size_t count = 0;
	for (size_t i = 0; i < result->check_count; i++)
		count += result->checks[i].outcome == outcome;
	return count;
}

static int by_key(const void *left, const void *right)
{
	const struct gate_site *a = left, *b = right;
	const int order = strcmp(a->key, b->key);
	if (order)
		return order;
	return a->live_bytes.median > b->live_bytes.median   ? -1
	       : a->live_bytes.median < b->live_bytes.median ? 1
							     : 0;
}

static int by_bytes(const void *left, const void *right)
{
	const struct gate_site *a = left, *b = right;
	if (a->live_bytes.median != b->live_bytes.median)
		return a->live_bytes.median > b->live_bytes.median ? -1 : 1;
	return strcmp(a->key, b->key);
}

void gate_sites_sort(struct gate_site *sites, size_t count, enum gate_sites_by by)
{
	if (count)
		qsort(sites, count, sizeof sites[0],
		      by == GATE_SITES_BY_KEY ? by_key : by_bytes);
}
