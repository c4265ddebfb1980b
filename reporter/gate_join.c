#include "gate_join.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

static int by_value(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof values[0], by_value);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static struct gate_measure measure_of(double *values, size_t count)
{
	struct gate_measure measured = {.runs = (unsigned)count};
	if (!count)
		return measured;
	measured.median = median(values, count);
	for (size_t i = 0; i < count; i++)
		values[i] = fabs(values[i] - measured.median);
	measured.mad = median(values, count);
	return measured;
}

/* One that isn't known of each run isn't known of all. */
static void join_metrics(const struct gate_result *runs, size_t count, double *values,
			 struct gate_measure *ret_metrics)
{
	for (size_t metric = 0; metric < GATE_METRIC_COUNT; metric++) {
		size_t known = 0;
		for (size_t i = 0; i < count; i++)
			if (runs[i].metrics[metric].runs)
				values[known++] = runs[i].metrics[metric].median;
		ret_metrics[metric] = measure_of(values, known == count ? count : 0);
	}
}

/* In `end - first` runs it was there, in the others nothing of it. */
static void join_site(struct gate_site *sites, size_t first, size_t end, size_t runs,
		      double *values)
{
	struct gate_site *site = &sites[first];
	for (size_t i = 0; i < runs; i++)
		values[i] = first + i < end ? sites[first + i].live_blocks.median : 0;
	const struct gate_measure blocks = measure_of(values, runs);
	for (size_t i = 0; i < runs; i++)
		values[i] = first + i < end ? sites[first + i].live_bytes.median : 0;
	site->live_bytes = measure_of(values, runs);
	site->live_blocks = blocks;
	size_t known = 0;
	for (size_t i = first; i < end; i++)
		if (!isnan(sites[i].bytes_per_iteration))
			values[known++] = sites[i].bytes_per_iteration;
	site->bytes_per_iteration = known ? median(values, known) : NAN;
	known = 0;
	for (size_t i = first; i < end; i++)
		if (!isnan(sites[i].growth_chance))
			values[known++] = sites[i].growth_chance;
	site->growth_chance = known == runs ? median(values, known) : NAN;
}

static void join_sites(struct gate_result *runs, size_t count, double *values,
		       struct gate_result *result)
{
	size_t all = 0, kept = 0;
	for (size_t i = 0; i < count; i++)
		all += runs[i].site_count;
	struct gate_site *sites = mem_alloc(all * sizeof sites[0]);
	for (size_t i = 0, at = 0; i < count; at += runs[i].site_count, i++) {
		if (runs[i].site_count)
			memcpy(&sites[at], runs[i].sites, runs[i].site_count * sizeof sites[0]);
		free(runs[i].sites);
		runs[i].sites = NULL;
	}
	gate_sites_sort(sites, all, GATE_SITES_BY_KEY);
	for (size_t i = 0, end; i < all; i = end) {
		for (end = i + 1; end < all && !strcmp(sites[i].key, sites[end].key);)
			end++;
		join_site(sites, i, end, count, values);
		for (size_t more = i + 1; more < end; more++)
			gate_site_release(&sites[more]);
		sites[kept++] = sites[i];
	}
	for (size_t i = 0; i < count; i++)
		runs[i].site_count = 0;
	gate_sites_sort(sites, kept, GATE_SITES_BY_BYTES);
	result->sites = sites;
	result->site_count = kept;
}

static bool is_other(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

static bool is_other_environment(const struct gate_environment *a,
				 const struct gate_environment *b)
{
	return is_other(a->python, b->python) || is_other(a->abi, b->abi) ||
	       is_other(a->mode, b->mode) || is_other(a->allocator, b->allocator) ||
	       a->sample_bytes != b->sample_bytes;
}

int gate_join(struct gate_result *runs, size_t count, struct gate_result *ret_result,
	      struct err *err)
{
	for (size_t i = 1; i < count; i++)
		if (is_other_environment(&runs[0].environment, &runs[i].environment))
			return err_set(err, "the runs aren't of one interpreter, mode and"
					    " allocator: give profiles of the same program,"
					    " run the same way");
	__attribute__((cleanup(mem_scope))) double *values =
		mem_alloc((count + 1) * sizeof values[0]);
	struct gate_result result = {.status = GATE_FINE};
	join_metrics(runs, count, values, result.metrics);
	join_sites(runs, count, values, &result);
	result.windows = runs[0].windows;
	for (size_t i = 1; i < count; i++)
		if (runs[i].windows < result.windows)
			result.windows = runs[i].windows;
	result.environment = runs[0].environment;
	runs[0].environment = (struct gate_environment){.python = NULL};
	*ret_result = result;
	return 0;
}
