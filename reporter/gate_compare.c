#include "gate_compare.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "gate_compare_sites.h"
#include "gate_noise.h"
#include "units.h"

static const struct gate_compare_budget default_budgets[] = {
	{.metric = GATE_LIVE_END, .tolerance = {.relative = 0.02, .absolute = 256 << 10}},
	{.metric = GATE_PEAK_LIVE, .tolerance = {.relative = 0.02, .absolute = 256 << 10}},
};

const struct gate_comparison gate_comparison_default = {
	.budgets = default_budgets,
	.budget_count = sizeof default_budgets / sizeof default_budgets[0],
	.new_site_bytes = 256 << 10,
};

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static const char *or_unknown(const char *text)
{
	return text ? text : "unknown";
}

static int refuse(const char *path, const char *what, const char *before, const char *now,
		  struct err *err)
{
	return err_set(err,
		       "%s: was made with the %s %s, and this run's is %s: run it likewise, or "
		       "write a baseline for it with --update-baseline",
		       path, what, before, now);
}

int gate_compare_environments(const struct gate_environment *before,
			      const struct gate_environment *now, const char *path,
			      struct err *err)
{
	if (!is_same(before->mode, now->mode))
		return refuse(path, "mode", or_unknown(before->mode), or_unknown(now->mode),
			      err);
	if (!is_same(before->allocator, now->allocator))
		return refuse(path, "allocator", or_unknown(before->allocator),
			      or_unknown(now->allocator), err);
	if (before->arena_bytes != now->arena_bytes)
		return refuse(path, "arena size",
			      units_size(UNITS_IEC, before->arena_bytes).text,
			      units_size(UNITS_IEC, now->arena_bytes).text, err);
	return 0;
}

/* "3.11" of "3.11.2": what is after it changes no figure that matters. */
static bool is_same_minor(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	const char *dot = strchr(a, '.');
	const size_t major_len = dot ? (size_t)(dot - a) + 1 : strlen(a);
	const size_t len = major_len + strspn(a + major_len, "0123456789");
	return strncmp(a, b, len) == 0 && (b[len] < '0' || b[len] > '9');
}

static void warn_of(struct gate_result *result, const char *what, const char *before,
		    const char *now)
{
	gate_result_add_warning(result, "%s: was made with the %s %s, and this run's is %s",
				result->baseline_path, what, or_unknown(before),
				or_unknown(now));
}

static void warn_of_environment(const struct gate_environment *before,
				struct gate_result *result)
{
	const struct gate_environment *now = &result->environment;
	if (!is_same_minor(before->python, now->python))
		warn_of(result, "Python", before->python, now->python);
	else if (!is_same(before->abi, now->abi))
		warn_of(result, "ABI", before->abi, now->abi);
	if (!is_same(before->arch, now->arch))
		warn_of(result, "architecture", before->arch, now->arch);
	if (!is_same(before->libc, now->libc))
		warn_of(result, "C library", before->libc, now->libc);
	if (!is_same(before->hash_seed, now->hash_seed))
		warn_of(result, "hash seed", before->hash_seed, now->hash_seed);
	if (before->sample_bytes != now->sample_bytes)
		warn_of(result, "sampling distance",
			units_size(UNITS_IEC, before->sample_bytes).text,
			units_size(UNITS_IEC, now->sample_bytes).text);
}

const struct gate_site *gate_compare_blame(const struct gate_baseline *baseline,
					   const struct gate_result *result,
					   enum gate_metric metric)
{
	const struct gate_site *most = NULL;
	double most_grown = 0;
	for (size_t i = 0; i < result->site_count; i++) {
		const struct gate_site *site = &result->sites[i];
		const double grown = metric == GATE_GROWTH_PER_ITERATION
					     ? site->bytes_per_iteration
					     : gate_compare_growth(baseline, site);
		/* What the interpreter needs to begin with nobody can change. */
		if (!(grown > most_grown) || (!baseline && !site->frame_count))
			continue;
		most = site;
		most_grown = grown;
	}
	return most;
}

static void print_figure(struct buf *text, enum gate_metric metric, double value)
{
	const uint64_t size = gate_compare_whole(fabs(value));
	const struct gate_metric_info *info = &gate_metrics[metric];
	buf_printf(text, "%s%s%s", value < 0 && size ? "-" : "",
		   info->bytes ? units_size(UNITS_IEC, size).text : units_count(size).text,
		   metric == GATE_GROWTH_PER_ITERATION ? " per iteration"
		   : info->bytes                       ? ""
						       : " blocks");
}

/* A budget against its baseline. */
struct judged {
	const struct gate_compare_budget *budget;
	const struct gate_measure *before, *now;
	double tolerance; /* above the baseline, in the metric's unit */
	double noise;     /* likewise; NAN: not known */
};

static double tolerance_of(const struct gate_tolerance *tolerance, double before)
{
	return fmax(tolerance->absolute, tolerance->relative * fabs(before));
}

/* Of the metric's one side, as its sites tell how large blocks are; NAN: that isn't enough. */
static double variance_of(enum gate_metric metric, const struct gate_measure *measure,
			  double sites_bytes, double sites_variance, uint64_t sample_bytes)
{
	switch (metric) {
	case GATE_LIVE_END:
	case GATE_PEAK_LIVE:
		return sites_variance + gate_noise_variance(measure->median - sites_bytes, NAN,
							    measure->runs, sample_bytes);
	case GATE_ALLOCATED_BYTES:
		return gate_noise_variance(measure->median, NAN, measure->runs, sample_bytes);
	case GATE_ARENAS_PEAK:
	case GATE_RSS_PEAK:
		return 0;
	default:
		return sample_bytes ? NAN : 0;
	}
}

static double variance_before(const struct gate_baseline *baseline, enum gate_metric metric)
{
	const uint64_t distance = baseline->environment.sample_bytes;
	double bytes = 0, variance = 0;
	for (size_t i = 0; i < baseline->site_count; i++) {
		const struct gate_baseline_site *site = &baseline->sites[i];
		bytes += site->live_bytes.median;
		variance += gate_noise_variance(site->live_bytes.median,
						site->live_blocks.median, site->live_bytes.runs,
						distance);
	}
	return variance_of(metric, &baseline->metrics[metric], bytes, variance, distance);
}

static double variance_now(const struct gate_result *result, enum gate_metric metric)
{
	const uint64_t distance = result->environment.sample_bytes;
	double bytes = 0, variance = 0;
	for (size_t i = 0; i < result->site_count; i++) {
		const struct gate_site *site = &result->sites[i];
		bytes += site->live_bytes.median;
		variance += gate_noise_variance(site->live_bytes.median,
						site->live_blocks.median, site->live_bytes.runs,
						distance);
	}
	return variance_of(metric, &result->metrics[metric], bytes, variance, distance);
}

double gate_compare_allowance(const struct gate_comparison *comparison,
			      const struct gate_compare_budget *budget,
			      const struct gate_baseline *baseline,
			      const struct gate_result *result, double *ret_noise)
{
	const struct gate_measure *before = &baseline->metrics[budget->metric];
	const struct gate_measure *now = &result->metrics[budget->metric];
	const double variance = variance_before(baseline, budget->metric) +
				variance_now(result, budget->metric);
	const double sampled = sqrt(variance) * gate_noise_deviations(comparison->budget_count);
	const double runs = gate_noise_of_runs(before, now);
	/* Three runs tell what samples do as well. */
	*ret_noise = isnan(sampled) && runs == 0 ? NAN : fmax(runs, sampled);
	return tolerance_of(&budget->tolerance, before->median);
}

static enum gate_outcome outcome_of(const struct judged *judged)
{
	const double grown = judged->now->median - judged->before->median;
	const enum gate_on_noise on_noise = judged->budget->on_noise;
	const bool sure = gate_metrics[judged->budget->metric].counted && !isnan(judged->noise);
	if (!(grown > judged->tolerance))
		return GATE_PASSED;
	if (grown <= judged->noise)
		return GATE_WARNED;
	if (on_noise == GATE_ON_NOISE_DEFAULT)
		return sure ? GATE_FAILED : GATE_WARNED;
	return on_noise == GATE_ON_NOISE_FAIL ? GATE_FAILED : GATE_WARNED;
}

static void print_growth(struct buf *text, const struct judged *judged)
{
	const enum gate_metric metric = judged->budget->metric;
	const double before = judged->before->median, grown = judged->now->median - before;
	buf_printf(text, "%s is ", gate_metrics[metric].key);
	print_figure(text, metric, judged->now->median);
	buf_printf(text, ", ");
	print_figure(text, metric, fabs(grown));
	if (before > 0)
		buf_printf(text, " (%.1f %%)", fabs(grown) / before * 100);
	buf_printf(text, " %s than the baseline's ", grown < 0 ? "less" : "more");
	print_figure(text, metric, before);
}

static char *message_of(const struct judged *judged, enum gate_outcome outcome,
			const struct gate_site *site, double site_grown)
{
	const enum gate_metric metric = judged->budget->metric;
	struct buf text = {0};
	print_growth(&text, judged);
	buf_printf(&text, "; at most ");
	print_figure(&text, metric, fmax(judged->tolerance, judged->noise));
	buf_printf(&text, " more is allowed");
	if (outcome == GATE_WARNED &&
	    judged->now->median - judged->before->median <= judged->noise) {
		buf_printf(&text, ", for that much is noise: beyond ");
		print_figure(&text, metric, judged->tolerance);
		buf_printf(&text, " more runs (--repeat) would tell");
	}
	if (site) {
		buf_printf(&text, "; most of it grew in ");
		gate_compare_print_site(&text, site);
		buf_printf(&text, ": ");
		print_figure(&text,
			     metric == GATE_GROWTH_PER_ITERATION ? metric : GATE_LIVE_END,
			     site_grown);
	}
	buf_u8(&text, 0);
	return (char *)text.data;
}

static bool is_known(const struct gate_baseline *baseline, enum gate_metric metric,
		     struct gate_result *result)
{
	if (result->metrics[metric].runs == 0) {
		gate_result_no_verdict(result,
				       "%s isn't known of this run, and is to be compared with "
				       "%s: take it out of the budgets, or measure it",
				       gate_metrics[metric].key, result->baseline_path);
		return false;
	}
	if (baseline->metrics[metric].runs == 0) {
		gate_result_no_verdict(result,
				       "%s: has no %s to compare with: write it anew with "
				       "--update-baseline",
				       result->baseline_path, gate_metrics[metric].key);
		return false;
	}
	return true;
}

static void compare_metric(const struct gate_comparison *comparison,
			   const struct gate_compare_budget *budget,
			   const struct gate_baseline *baseline, struct gate_result *result)
{
	const enum gate_metric metric = budget->metric;
	struct judged judged = {budget, &baseline->metrics[metric], &result->metrics[metric], 0,
				0};
	struct buf title = {0};
	const struct gate_site *site;

	if (!is_known(baseline, metric, result))
		return;
	judged.tolerance = gate_compare_allowance(comparison, budget, baseline, result,
						  &judged.noise);
	const enum gate_outcome outcome = outcome_of(&judged);
	site = outcome == GATE_PASSED ? NULL : gate_compare_blame(baseline, result, metric);
	const double site_grown = !site ? 0
				  : metric == GATE_GROWTH_PER_ITERATION
					  ? site->bytes_per_iteration
					  : gate_compare_growth(baseline, site);
	buf_format(&title, "%s against the baseline", gate_metrics[metric].key);
	gate_result_add_check(
		result,
		(struct gate_check){
			.kind = GATE_CHECK_BUDGET,
			.outcome = outcome,
			.metric = metric,
			.measured = judged.now->median,
			.limit = judged.before->median + fmax(judged.tolerance, judged.noise),
			.baseline = judged.before->median,
			.title = (char *)title.data,
			.message = message_of(&judged, outcome, site, site_grown),
			.site = site,
		});
}

void gate_compare(const struct gate_comparison *comparison,
		  const struct gate_baseline *baseline, struct gate_result *result)
{
	struct err err;
	if (!result->baseline_path)
		result->baseline_path = mem_text("the baseline");
	if (gate_compare_environments(&baseline->environment, &result->environment,
				      result->baseline_path, &err)) {
		gate_result_no_verdict(result, "%s", err.text);
		return;
	}
	warn_of_environment(&baseline->environment, result);
	for (size_t i = 0; i < comparison->budget_count; i++)
		compare_metric(comparison, &comparison->budgets[i], baseline, result);
	gate_compare_sites(comparison, baseline, result);
}
