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
	const struct gate_measure_query *query;
	const struct report *report;
	struct gate_chains chains;
	struct history history; /* of the chains */
	size_t first_window;    /* into its slices */
	struct source source;
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

/* Without windows every slice is of the warm-up. */
static size_t find_windows(const struct history *history, unsigned warm_up)
{
	size_t slice = 0;
	if (!history->by_marks)
		return history->count;
	while (slice < history->count && history->marks[slice] <= warm_up)
		slice++;
	return slice;
}

/* Of a series of the history's from a window on. */
static bool find_trend(const struct measuring *measuring, const uint64_t *bytes, size_t from,
		       struct trend *ret_trend)
{
	double x[HISTORY_MOST_SLICES], y[HISTORY_MOST_SLICES];
	size_t count = 0;
	for (size_t i = from; i < measuring->history.count; i++) {
		x[count] = measuring->history.marks[i];
		y[count++] = (double)bytes[i];
	}
	return trend_find(x, y, count, ret_trend);
}

static double growth_of_all(const struct measuring *measuring)
{
	struct trend trend;
	return find_trend(measuring, measuring->history.total_bytes, measuring->first_window,
			  &trend)
		       ? trend.slope
		       : NAN;
}

static bool is_constant(const uint64_t *bytes, size_t from, size_t count)
{
	for (size_t i = from + 1; i < count; i++)
		if (bytes[i] != bytes[from])
			return false;
	return true;
}

/* The last half has as many slices as a trend wants; with fewer than twelve more than a half. */
static double late_growth(const struct measuring *measuring, const uint64_t *bytes)
{
	const size_t count = measuring->history.count - measuring->first_window;
	const size_t late = count / 2 < TREND_FEWEST ? TREND_FEWEST : count / 2;
	struct trend trend;
	return find_trend(measuring, bytes, measuring->history.count - late, &trend)
		       ? trend.slope
		       : NAN;
}

static void measure_growth(const struct measuring *measuring, uint32_t chain,
			   struct gate_site *site)
{
	const uint64_t *bytes = history_bytes(&measuring->history, chain);
	struct trend trend;
	site->bytes_per_iteration = site->growth_chance = NAN;
	if (!find_trend(measuring, bytes, measuring->first_window, &trend))
		return;
	site->bytes_per_iteration = fmin(trend.slope, late_growth(measuring, bytes));
	if (!is_constant(bytes, measuring->first_window, measuring->history.count))
		site->growth_chance = trend.p;
}

static void measure_metrics(const struct measuring *measuring, struct gate_measure *metrics)
{
	const struct profile *profile = measuring->report->profile;
	const struct fragmentation *fragmentation = &measuring->report->fragmentation;
	metrics[GATE_LIVE_END] = once((double)profile->run.live_bytes);
	metrics[GATE_PEAK_LIVE] = once((double)profile->run.peak_bytes);
	metrics[GATE_ALLOCATIONS] = once((double)profile->run.allocations);
	metrics[GATE_ALLOCATED_BYTES] = once(total_bytes(profile));
	metrics[GATE_GROWTH_PER_ITERATION] = once(growth_of_all(measuring));
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
	const char *folder = measuring->query->folder;
	const size_t len = strlen(folder);
	return (struct gate_frame){
		.function = copy_text(frame->function),
		.file = copy_text(strncmp(file, folder, len) ? file : file + len),
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
	const struct gate_chain *chain = &measuring->chains.items[index];
	struct gate_site *site = &measuring->result->sites[measuring->result->site_count++];
	struct buf key;
	buf_init(&key);
	gate_chains_key(&measuring->chains, index, &key);
	*site = (struct gate_site){
		.key = copy((const char *)key.data, key.len),
		.live_bytes = once((double)chain->live_bytes),
		.live_blocks = once((double)chain->live_blocks),
	};
	buf_release(&key);
	measure_growth(measuring, index, site);
	find_frames(measuring, chain, site);
}

/* Functions of one name in two files are one site; the heavier one's lines stand for it. */
static void join_namesakes(struct gate_result *result)
{
	size_t kept = 0;
	gate_sites_sort(result->sites, result->site_count, GATE_SITES_BY_KEY);
	for (size_t i = 0; i < result->site_count; i++) {
		struct gate_site *site = &result->sites[i], *last = &result->sites[kept - 1];
		if (!kept || strcmp(last->key, site->key) != 0) {
			result->sites[kept++] = *site;
			continue;
		}
		last->live_bytes.median += site->live_bytes.median;
		last->live_blocks.median += site->live_blocks.median;
		last->bytes_per_iteration += site->bytes_per_iteration;
		last->growth_chance = fmin(last->growth_chance, site->growth_chance);
		gate_site_release(site);
	}
	result->site_count = kept;
}

static void measure_history(struct measuring *measuring)
{
	const struct report *report = measuring->report;
	const struct grouping by_chain = {
		.lines = report->lines,
		.count = measuring->chains.count,
		.of_trace = measuring->chains.of_trace,
	};
	struct history *history = &measuring->history;
	history_compute(&by_chain, &report->from, &report->to, history);
	measuring->first_window = find_windows(history, measuring->query->warm_up);
	measuring->result->windows = measuring->first_window < history->count
					     ? (unsigned)history->marks[history->count - 1] -
						       measuring->query->warm_up
					     : 0;
}

static void measure_sites(struct measuring *measuring)
{
	struct gate_result *result = measuring->result;
	result->sites = mem_alloc(measuring->chains.count * sizeof result->sites[0]);
	for (size_t i = 0; i < measuring->chains.count; i++)
		if (measuring->chains.items[i].live_bytes)
			measure_site(measuring, (uint32_t)i);
	join_namesakes(result);
	gate_sites_sort(result->sites, result->site_count, GATE_SITES_BY_BYTES);
}

static void measure(const struct gate_measure_query *query, const struct report *report,
		    struct gate_result *result)
{
	struct measuring measuring = {.query = query, .report = report, .result = result};
	source_init(&measuring.source, report->profile->run.start_real_ns);
	gate_chains_compute(report->lines, &measuring.chains);
	measure_history(&measuring);
	measure_sites(&measuring);
	measure_metrics(&measuring, result->metrics);
	measure_environment(report->profile, &result->environment);
	history_release(&measuring.history);
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

int gate_measure_run(const struct gate_measure_query *query, const char *name,
		     struct gate_result *ret_result, struct err *err)
{
	const struct report_query asked = {
		.to = "end", .by = GROUPING_BY_OWN, .own = query->own};
	struct report report;
	if (report_open(&asked, name, &report, err))
		return -1;
	const struct err why = why_not(&report);
	if (why.text[0]) {
		report_release(&report);
		return err_set(err, "%s: %s", name, why.text);
	}
	*ret_result = (struct gate_result){.status = GATE_FINE};
	measure(query, &report, ret_result);
	report_release(&report);
	return 0;
}
