#include "gate_ratchet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "gate_baseline_keys.h"
#include "gate_compare_sites.h"
#include "gate_noise.h"
#include "gate_rename.h"

const struct gate_tolerance gate_ratchet_site = {
	.relative = 0.02,
	.absolute = GATE_BASELINE_LEAST_BYTES,
};

/* One update on its way. */
struct update {
	const struct gate_comparison *comparison;
	const struct gate_baseline *old;
	const struct gate_result *result;
	enum gate_update how;
	struct gate_baseline now; /* of the result, with all its sites */
	const struct gate_baseline_site **were;
	struct gate_baseline merged;
	bool changed;
};

/* The budget that a metric has, or else one that is as wide as the default ones. */
static struct gate_compare_budget budget_for(const struct gate_comparison *comparison,
					     enum gate_metric metric)
{
	for (size_t i = 0; i < comparison->budget_count; i++)
		if (comparison->budgets[i].metric == metric)
			return comparison->budgets[i];
	const bool is_size = gate_metrics[metric].bytes && !gate_metrics[metric].needs_windows;
	return (struct gate_compare_budget){
		.metric = metric,
		.tolerance = {.relative = 0.02, .absolute = is_size ? 256 << 10 : 1024},
	};
}

static bool tells_more(const struct gate_measure *now, const struct gate_measure *old)
{
	return now->runs >= GATE_NOISE_RUNS && old->runs < GATE_NOISE_RUNS;
}

/* Whether a figure is to be taken over; `allowed`: what it may differ by. */
static bool is_taken(enum gate_update how, const struct gate_measure *old,
		     const struct gate_measure *now, double allowed)
{
	const double lower = old->median - now->median;
	if (how == GATE_UPDATE_RATCHET)
		return lower > allowed;
	return fabs(lower) > allowed || tells_more(now, old);
}

static void update_metric(struct update *update, enum gate_metric metric)
{
	const struct gate_compare_budget budget = budget_for(update->comparison, metric);
	const struct gate_measure *old = &update->old->metrics[metric];
	const struct gate_measure *now = &update->now.metrics[metric];
	struct gate_measure *merged = &update->merged.metrics[metric];
	double noise;

	*merged = *old;
	if (now->runs == 0)
		return;
	if (old->runs == 0) {
		/* Not known is no figure that could be raised. */
		*merged = *now;
		update->changed = true;
		return;
	}
	const double tolerance = gate_compare_allowance(update->comparison, &budget,
							update->old, update->result, &noise);
	if (is_taken(update->how, old, now, fmax(tolerance, noise))) {
		*merged = *now;
		update->changed = true;
	}
}

static double site_allowance(const struct update *update, const struct gate_baseline_site *old,
			     const struct gate_baseline_site *now)
{
	const double variance =
		gate_noise_variance(old->live_bytes.median, old->live_blocks.median,
				    old->live_bytes.runs,
				    update->old->environment.sample_bytes) +
		gate_noise_variance(now->live_bytes.median, now->live_blocks.median,
				    now->live_bytes.runs, update->now.environment.sample_bytes);
	const double sampled = sqrt(variance) *
			       gate_noise_deviations(update->result->site_count);
	const double tolerance = fmax(gate_ratchet_site.absolute,
				      gate_ratchet_site.relative * old->live_bytes.median);
	const double runs = gate_noise_of_runs(&old->live_bytes, &now->live_bytes);
	return fmax(tolerance, fmax(runs, sampled));
}

static void keep(struct update *update, const char *key, const struct gate_baseline_site *from)
{
	update->merged.sites[update->merged.site_count++] = (struct gate_baseline_site){
		.key = mem_text(key),
		.live_bytes = from->live_bytes,
		.live_blocks = from->live_blocks,
	};
}

/* One that is there now; `was` may be NULL, or have another name. */
static void update_site(struct update *update, const struct gate_baseline_site *now,
			const struct gate_baseline_site *was)
{
	static const struct gate_baseline_site nothing;
	const struct gate_baseline_site *old = was ? was : &nothing;
	const double allowed = site_allowance(update, old, now);
	if (!was) {
		/* It may have been there, and not been kept. */
		const double light = fmax(GATE_BASELINE_LEAST_BYTES,
					  update->old->left_out_largest);
		if (update->how == GATE_UPDATE_RATCHET ||
		    now->live_bytes.median <= light + allowed)
			return;
		keep(update, now->key, now);
		update->changed = true;
		return;
	}
	const bool taken = is_taken(update->how, &old->live_bytes, &now->live_bytes, allowed);
	keep(update, now->key, taken ? now : old);
	update->changed |= taken || strcmp(was->key, now->key) != 0;
}

/* One that isn't there now, by no name. Where it held little, that is within its tolerance. */
static void update_gone(struct update *update, const struct gate_baseline_site *old)
{
	static const struct gate_baseline_site nothing;
	if (old->live_bytes.median > site_allowance(update, old, &nothing))
		update->changed = true;
	else
		keep(update, old->key, old);
}

static void update_sites(struct update *update)
{
	const struct gate_baseline *old = update->old, *now = &update->now;
	__attribute__((cleanup(mem_scope))) bool *is_there = mem_alloc(old->site_count);
	update->merged.sites =
		mem_alloc((old->site_count + now->site_count) * sizeof update->merged.sites[0]);
	for (size_t i = 0; i < now->site_count; i++) {
		const struct gate_baseline_site *site = &now->sites[i];
		const struct gate_baseline_site *was = gate_baseline_find(old, site->key);
		if (!was)
			was = update->were[i];
		if (was)
			is_there[was - old->sites] = true;
		update_site(update, site, was);
	}
	for (size_t i = 0; i < old->site_count; i++)
		if (!is_there[i])
			update_gone(update, &old->sites[i]);
}

static bool is_same_environment(const struct gate_environment *a,
				const struct gate_environment *b)
{
	const char *const texts[][2] = {
		{a->python, b->python},       {a->abi, b->abi},   {a->arch, b->arch},
		{a->libc, b->libc},           {a->mode, b->mode}, {a->allocator, b->allocator},
		{a->hash_seed, b->hash_seed},
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (!texts[i][0] != !texts[i][1] ||
		    (texts[i][0] && strcmp(texts[i][0], texts[i][1]) != 0))
			return false;
	return a->arena_bytes == b->arena_bytes && a->sample_bytes == b->sample_bytes;
}

/* What isn't kept is as now; a ratchet doesn't let it become more. */
static void leave_out_as_now(struct update *update)
{
	struct gate_baseline now;
	const struct gate_baseline *from = &now;
	gate_baseline_of(update->result, &now);
	if (update->how == GATE_UPDATE_RATCHET &&
	    now.left_out_largest > update->old->left_out_largest)
		from = update->old;
	update->merged.left_out_sites = from->left_out_sites;
	update->merged.left_out_bytes = from->left_out_bytes;
	update->merged.left_out_largest = from->left_out_largest;
	gate_baseline_release(&now);
}

static void take_rest_of_now(struct update *update)
{
	struct gate_environment unused = update->merged.environment;
	update->merged.environment = update->now.environment;
	update->now.environment = unused;
	gate_baseline_trim(&update->merged);
	leave_out_as_now(update);
}

bool gate_ratchet_merge(const struct gate_comparison *comparison,
			const struct gate_baseline *old, const struct gate_result *result,
			enum gate_update how, struct gate_baseline *ret_merged)
{
	struct update update = {
		.comparison = comparison,
		.old = old,
		.result = result,
		.how = how,
	};
	gate_baseline_of_all(result, &update.now);
	update.were = gate_rename_find(old, &update.now);
	for (int i = 0; i < GATE_METRIC_COUNT; i++)
		update_metric(&update, i);
	update_sites(&update);
	if (how == GATE_UPDATE_ALL &&
	    !is_same_environment(&old->environment, &update.now.environment))
		update.changed = true;
	if (update.changed)
		take_rest_of_now(&update);
	gate_baseline_release(&update.now);
	free(update.were);
	if (update.changed)
		*ret_merged = update.merged;
	else
		gate_baseline_release(&update.merged);
	return update.changed;
}

static int write_anew(const char *path, const struct gate_result *result, struct err *err)
{
	struct gate_baseline baseline;
	gate_baseline_of(result, &baseline);
	const int failed = gate_baseline_write(&baseline, path, err);
	gate_baseline_release(&baseline);
	return failed;
}

static int read_comparable(const char *path, const struct gate_result *result,
			   struct gate_baseline *ret_old, struct err *err)
{
	if (gate_baseline_read(path, ret_old, err))
		return -1;
	if (gate_compare_environments(&ret_old->environment, &result->environment, path, err) ==
	    0)
		return 0;
	gate_baseline_release(ret_old);
	return -1;
}

int gate_ratchet_update(const char *path, const struct gate_comparison *comparison,
			const struct gate_result *result, enum gate_update how,
			bool *ret_written, struct err *err)
{
	struct gate_baseline old, merged;
	int failed = read_comparable(path, result, &old, err);
	if (failed && how == GATE_UPDATE_RATCHET)
		return -1;
	if (failed) {
		failed = write_anew(path, result, err);
		if (!failed)
			*ret_written = true;
		return failed;
	}
	const bool changed = gate_ratchet_merge(comparison, &old, result, how, &merged);
	if (changed) {
		failed = gate_baseline_write(&merged, path, err);
		gate_baseline_release(&merged);
	}
	gate_baseline_release(&old);
	if (!failed)
		*ret_written = changed;
	return failed;
}
