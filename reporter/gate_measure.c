#include "gate_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "doubts.h"
#include "gate_chains.h"
#include "report_make.h"
#include "source.h"

/* One run while it is measured. */
struct measuring {
	const struct report *report;
	struct gate_chains chains;
	struct source source;
	const char *folder;
	struct gate_result *result;
};

static char *copy(const char *text, size_t len)
{
	char *copied = mem_alloc(len + 1);
	memcpy(copied, text, len);
	return copied;
}

static char *copy_text(const char *text)
{
	return copy(text, strlen(text));
}

static struct gate_measure once(double value)
{
	return (struct gate_measure){.median = value, .runs = isnan(value) ? 0 : 1};
}

static double total_bytes(const struct profile *profile)
{
	double bytes = 0;
	for (size_t i = 0; i < profile->site_count; i++)
		bytes += (double)profile->sites[i].total_bytes;
	return bytes;
}

static uint64_t arena_size(const struct profile *profile)
{
	const struct profile_run *run = &profile->run;
	return run->arena_count ? run->arena_bytes / run->arena_count : 0;
}

/* Where none is left nobody knows how large they were. */
static double arenas_peak(const struct profile *profile)
{
	if (!profile->run.most_arenas)
		return 0;
	return arena_size(profile)
		       ? (double)profile->run.most_arenas * (double)arena_size(profile)
		       : NAN;
}

static double rss_peak(const struct profile *profile)
{
	uint64_t most = 0;
	for (size_t i = 0; i < profile->resident_count; i++)
		if (profile->residents[i].rss_bytes > most)
			most = profile->residents[i].rss_bytes;
	for (size_t i = 0; i < profile->mark_count; i++) {
		const uint64_t bytes = profile->marks[i].figures.rss_bytes;
		if (bytes != UINT64_MAX && bytes > most)
			most = bytes;
	}
	return most ? (double)most : NAN;
}

/* Slope by marks of a series that the history has. */
static double per_iteration(const struct history *history, const uint64_t *bytes)
{
	double x[HISTORY_MOST_SLICES], y[HISTORY_MOST_SLICES];
	size_t count = 0;
	for (size_t i = 0; history->by_marks && i < history->count; i++) {
		if (history->marks[i] <= GATE_WARM_UP)
			continue;
		x[count] = history->marks[i];
		y[count++] = (double)bytes[i];
	}
	return count < TREND_FEWEST ? NAN : trend_slope(x, y, count);
}

static void measure_metrics(const struct report *report, struct gate_measure *metrics)
{
	const struct profile *profile = report->profile;
	const struct fragmentation *fragmentation = &report->fragmentation;
	const double growth = per_iteration(&report->history, report->history.total_bytes);
	metrics[GATE_LIVE_END] = once((double)profile->run.live_bytes);
	metrics[GATE_PEAK_LIVE] = once((double)profile->run.peak_bytes);
	metrics[GATE_ALLOCATIONS] = once((double)profile->run.allocations);
	metrics[GATE_ALLOCATED_BYTES] = once(total_bytes(profile));
	metrics[GATE_GROWTH_PER_ITERATION] = once(growth);
	metrics[GATE_PINNED_BYTES] =
		once(fragmentation->known ? (double)fragmentation->pinned_bytes : NAN);
	metrics[GATE_ARENAS_PEAK] = once(arenas_peak(profile));
	metrics[GATE_RSS_PEAK] = once(rss_peak(profile));
}

static char *copy_info(const struct profile *profile, const char *key)
{
	const char *value = profile_info(profile, key);
	return value ? copy_text(value) : NULL;
}

static void measure_environment(const struct profile *profile,
				struct gate_environment *environment)
{
	/* Only builds without a GIL have none (facts.c). */
	const bool free_threaded = profile_info(profile, "pools") != NULL;
	*environment = (struct gate_environment){
		.python = copy_info(profile, "python"),
		.abi = copy_text(free_threaded ? "t" : ""),
		.arch = copy_info(profile, "arch"),
		.libc = copy_info(profile, "libc"),
		.allocator = copy_info(profile, "allocator"),
		.mode = copy_info(profile, "mode"),
		.arena_bytes = arena_size(profile),
	};
}

static struct gate_frame frame_of(const struct measuring *measuring, const struct frame *frame)
{
	const struct lines *lines = measuring->report->lines;
	const char *file = lines_file(lines, frame);
	const size_t len = strlen(measuring->folder);
	return (struct gate_frame){
		.function = copy_text(frame->function),
		.file = copy_text(strncmp(file, measuring->folder, len) ? file : file + len),
		.line = frame->line > 0 ? frame->line : 0,
	};
}

/* The own frames of the chain's heaviest trace, and the text of its innermost line. */
static void find_frames(struct measuring *measuring, const struct gate_chain *chain,
			struct gate_site *site)
{
	const struct lines *lines = measuring->report->lines;
	size_t capacity = 0;
	for (uint32_t at = chain->trace; at; at = lines->traces[at].parent) {
		const struct frame *frame = lines_frame(lines, at);
		if (frame->kind != FRAME_CODE || !lines->places[frame->place].own)
			continue;
		if (!site->frame_count) {
			bool changed;
			size_t len;
			const char *text = source_line(&measuring->source,
						       lines_file(lines, frame), frame->line,
						       &len, &changed);
			site->source = text ? copy(text, len) : NULL;
		}
		if (site->frame_count == GATE_CHAIN_MOST)
			break;
		site->frames = mem_grow(site->frames, &capacity, site->frame_count + 1,
					sizeof site->frames[0]);
		site->frames[site->frame_count++] = frame_of(measuring, frame);
	}
}

static void measure_site(struct measuring *measuring, uint32_t index)
{
	const struct report *report = measuring->report;
	const struct gate_chain *chain = &measuring->chains.items[index];
	struct gate_site *site = &measuring->result->sites[measuring->result->site_count++];
	const uint32_t group = report->grouping.of_trace[chain->trace];
	struct buf key;
	buf_init(&key);
	gate_chains_key(&measuring->chains, index, &key);
	*site = (struct gate_site){
		.key = copy((const char *)key.data, key.len),
		.live_bytes = once((double)chain->live_bytes),
		.live_blocks = once((double)chain->live_blocks),
		.bytes_per_iteration = NAN,
	};
	buf_release(&key);
	if (group != GROUPING_NONE && report->history.by_marks)
		site->bytes_per_iteration =
			per_iteration(&report->history, history_bytes(&report->history, group));
	find_frames(measuring, chain, site);
}

static void release_site(struct gate_site *site)
{
	struct gate_result of_one = {.sites = mem_alloc(sizeof *site), .site_count = 1};
	*of_one.sites = *site;
	gate_result_release(&of_one);
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

/* Functions of one name in two files are one site; the heavier one's lines stand for it. */
static void join_namesakes(struct gate_result *result)
{
	size_t kept = 0;
	if (result->site_count)
		qsort(result->sites, result->site_count, sizeof result->sites[0], by_key);
	for (size_t i = 0; i < result->site_count; i++) {
		struct gate_site *site = &result->sites[i], *last = &result->sites[kept - 1];
		if (!kept || strcmp(last->key, site->key) != 0) {
			result->sites[kept++] = *site;
			continue;
		}
		last->live_bytes.median += site->live_bytes.median;
		last->live_blocks.median += site->live_blocks.median;
		release_site(site);
	}
	result->site_count = kept;
}

static void measure(const struct report *report, const char *folder, struct gate_result *result)
{
	struct measuring measuring = {.report = report, .folder = folder, .result = result};
	source_init(&measuring.source, report->profile->run.start_real_ns);
	gate_chains_compute(report->lines, &measuring.chains);
	result->sites = mem_alloc(measuring.chains.count * sizeof result->sites[0]);
	for (size_t i = 0; i < measuring.chains.count; i++)
		if (measuring.chains.items[i].live_bytes)
			measure_site(&measuring, (uint32_t)i);
	join_namesakes(result);
	if (result->site_count)
		qsort(result->sites, result->site_count, sizeof result->sites[0], by_bytes);
	measure_metrics(report, result->metrics);
	measure_environment(report->profile, &result->environment);
	gate_chains_release(&measuring.chains);
	source_release(&measuring.source);
}

static void note_doubt(void *user, const char *sentence)
{
	struct err *err = user;
	if (!err->text[0])
		err_set(err, "%s", sentence);
}

/* A sentence that says why this can't be relied on, or "". */
static struct err why_not(const struct report *report)
{
	struct err why = {.text = ""};
	const struct profile_run *run = &report->profile->run;
	if (report->running || run->end == PROFILE_RUNNING)
		err_set(&why, "the program still runs: wait for its end");
	else if (report->recovered_now || run->flags & PROFILE_REPLAYED)
		err_set(&why, "the profile was recovered after a kill: run the program to its"
			      " end");
	else if (run->end != PROFILE_EXIT && run->end != PROFILE_UNDERSCORE_EXIT)
		err_set(&why, "the program didn't come to its end: see why, and run it again");
	else
		doubts_of(report->profile, note_doubt, &why);
	return why;
}

int gate_measure_run(const char *name, const char *folder, struct gate_result *ret_result,
		     struct err *err)
{
	const struct report_query query = {.to = "end", .by = GROUPING_BY_OWN};
	struct report report;
	if (report_open(&query, name, &report, err))
		return -1;
	const struct err why = why_not(&report);
	if (why.text[0]) {
		report_release(&report);
		return err_set(err, "%s: %s", name, why.text);
	}
	*ret_result = (struct gate_result){.status = GATE_FINE};
	measure(&report, folder, ret_result);
	report_release(&report);
	return 0;
}

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
	if (all)
		qsort(sites, all, sizeof sites[0], by_key);
	for (size_t i = 0, end; i < all; i = end) {
		for (end = i + 1; end < all && !strcmp(sites[i].key, sites[end].key);)
			end++;
		join_site(sites, i, end, count, values);
		for (size_t more = i + 1; more < end; more++)
			release_site(&sites[more]);
		sites[kept++] = sites[i];
	}
	for (size_t i = 0; i < count; i++)
		runs[i].site_count = 0;
	if (kept)
		qsort(sites, kept, sizeof sites[0], by_bytes);
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

int gate_measure_all(struct gate_result *runs, size_t count, struct gate_result *ret_result,
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
	result.environment = runs[0].environment;
	runs[0].environment = (struct gate_environment){.python = NULL};
	*ret_result = result;
	return 0;
}
