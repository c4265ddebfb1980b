#include "gate_judge.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "gate_compare_sites.h"
#include "gate_surface.h"
#include "leak_test.h"

static char *finish(struct buf *text)
{
	buf_u8(text, '\0');
	return (char *)text->data;
}

static const char *site_name(const struct gate_site *site)
{
	return site->frame_count ? site->frames[0].function : site->key;
}

static char *titled(const char *kind, const struct gate_site *site)
{
	struct buf title = {0};
	buf_printf(&title, "%s: %s", kind, site_name(site));
	return finish(&title);
}

static void fail_ignored(const struct gate_ignored *entry, const struct gate_site *site,
			 struct gate_result *result)
{
	struct buf message = {0};
	gate_compare_print_site(&message, site);
	buf_printf(&message, " holds %s at the end, and is ignored only up to %s (%s)",
		   gate_surface_bytes(site->live_bytes.median).text,
		   gate_surface_bytes(entry->max_bytes).text, entry->reason);
	gate_result_add_check(result, (struct gate_check){
					      .kind = GATE_CHECK_NEW_SITE,
					      .outcome = GATE_FAILED,
					      .metric = GATE_NO_METRIC,
					      .measured = site->live_bytes.median,
					      .limit = entry->max_bytes,
					      .baseline = NAN,
					      .title = titled("ignored site", site),
					      .message = finish(&message),
					      .site = site,
				      });
}

bool *gate_judge_ignored(const struct gate_settings *settings, struct gate_result *result)
{
	bool *ignored = mem_alloc((result->site_count + 1) * sizeof ignored[0]);
	for (size_t i = 0; i < settings->ignored_count; i++) {
		const struct gate_ignored *entry = &settings->ignored[i];
		bool found = false;
		for (size_t j = 0; j < result->site_count; j++) {
			const struct gate_site *site = &result->sites[j];
			if (fnmatch(entry->site, site->key, 0))
				continue;
			found = ignored[j] = true;
			if (site->live_bytes.median > entry->max_bytes)
				fail_ignored(entry, site, result);
		}
		if (!found)
			gate_result_add_warning(
				result,
				"%s: ignore[%zu]: no site is '%s': take it out, or"
				" write it as the baseline does",
				settings->path, i, entry->site);
	}
	return ignored;
}

struct gate_comparison gate_judge_comparison(const struct gate_settings *settings,
					     const bool *ignored,
					     struct gate_compare_budget *ret_budgets)
{
	struct gate_comparison comparison = gate_comparison_default;
	comparison.ignored = ignored;
	if (!settings->has_budgets)
		return comparison;
	comparison.budgets = ret_budgets;
	comparison.budget_count = 0;
	for (size_t i = 0; i < settings->budget_count; i++) {
		const struct gate_budget *budget = &settings->budgets[i];
		if (budget->has_tolerance)
			ret_budgets[comparison.budget_count++] = (struct gate_compare_budget){
				budget->metric, budget->tolerance, budget->on_noise};
	}
	return comparison;
}

static bool has_windows(const struct gate_settings *settings, const char *what,
			struct gate_result *result)
{
	if (result->windows >= settings->windows)
		return true;
	gate_result_no_verdict(
		result,
		"%s needs %.0f windows: marks named \"iter...\", behind the %.0f of the "
		"warm-up; this"
		" run has %u: let it call memtrace.mark(\"iteration\") more often, or change"
		" windows or warmup in %s",
		what, settings->windows, settings->warm_up, result->windows, settings->path);
	return false;
}

static enum gate_outcome outcome_of(const struct gate_budget *budget, double measured)
{
	const bool fails = budget->on_noise == GATE_ON_NOISE_DEFAULT
				   ? gate_metrics[budget->metric].counted
				   : budget->on_noise == GATE_ON_NOISE_FAIL;
	if (!(measured > budget->max))
		return GATE_PASSED;
	return fails ? GATE_FAILED : GATE_WARNED;
}

static void print_blamed(struct buf *text, enum gate_metric metric,
			 const struct gate_site *site)
{
	const bool growth = metric == GATE_GROWTH_PER_ITERATION;
	buf_printf(text, "; most of it %s ", growth ? "grows in" : "is held at the end by");
	gate_compare_print_site(text, site);
	buf_printf(
		text, ": %s",
		gate_surface_bytes(growth ? site->bytes_per_iteration : site->live_bytes.median)
			.text);
}

static void judge_limit(const struct gate_budget *budget, const struct gate_baseline *baseline,
			struct gate_result *result)
{
	const struct gate_metric_info *info = &gate_metrics[budget->metric];
	const double measured = result->metrics[budget->metric].median;
	const enum gate_outcome outcome = outcome_of(budget, measured);
	const struct gate_site *site =
		outcome == GATE_PASSED ? NULL
				       : gate_compare_blame(baseline, result, budget->metric);
	struct buf message = {0}, title = {0};
	buf_printf(&title, "%s against its maximum", info->key);
	buf_printf(&message, "%s is %s; at most %s is allowed", info->key,
		   gate_surface_figure(budget->metric, measured).text,
		   gate_surface_figure(budget->metric, budget->max).text);
	if (site)
		print_blamed(&message, budget->metric, site);
	gate_result_add_check(result, (struct gate_check){
					      .kind = GATE_CHECK_BUDGET,
					      .outcome = outcome,
					      .metric = budget->metric,
					      .measured = measured,
					      .limit = budget->max,
					      .baseline = NAN,
					      .title = finish(&title),
					      .message = finish(&message),
					      .site = site,
				      });
}

void gate_judge_limits(const struct gate_settings *settings,
		       const struct gate_baseline *baseline, struct gate_result *result)
{
	for (size_t i = 0; i < settings->budget_count; i++) {
		const struct gate_budget *budget = &settings->budgets[i];
		const struct gate_metric_info *info = &gate_metrics[budget->metric];
		if (info->needs_windows && !has_windows(settings, info->key, result))
			return;
		if (isnan(budget->max))
			continue;
		if (!result->metrics[budget->metric].runs) {
			gate_result_no_verdict(result,
					       "%s isn't known of this run: take it out of the"
					       " budgets in %s, or see 'memtrace report' why",
					       info->key, settings->path);
			return;
		}
		judge_limit(budget, baseline, result);
	}
}

/* By index of the sites: those that leak. */
static bool *find_leaks(const struct gate_leak_rule *rule, const bool *ignored,
			const struct gate_result *result)
{
	const size_t count = result->site_count;
	bool *leaks = mem_alloc((count + 1) * sizeof leaks[0]);
	__attribute__((cleanup(mem_scope))) double *chances =
		mem_alloc((count + 1) * sizeof chances[0]);
	__attribute__((cleanup(mem_scope)))
	size_t *tested = mem_alloc((count + 1) * sizeof tested[0]);
	__attribute__((cleanup(mem_scope))) bool *believed =
		mem_alloc((count + 1) * sizeof believed[0]);
	size_t test_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (isnan(result->sites[i].growth_chance) || ignored[i])
			continue;
		tested[test_count] = i;
		chances[test_count++] = result->sites[i].growth_chance;
	}
	leak_tests_believe(chances, test_count, rule->p, believed);
	for (size_t i = 0; i < test_count; i++) {
		const double growth = result->sites[tested[i]].bytes_per_iteration;
		leaks[tested[i]] = believed[i] && growth > 0 &&
				   growth >= rule->min_bytes_per_iteration;
	}
	return leaks;
}

static void add_leak(const struct gate_leak_rule *rule, const struct gate_site *site,
		     bool fails, struct gate_result *result)
{
	struct buf message = {0};
	gate_compare_print_site(&message, site);
	buf_printf(&message,
		   " grows by %s per iteration, over %u iterations, and holds %s at the end",
		   gate_surface_bytes(site->bytes_per_iteration).text, result->windows,
		   gate_surface_bytes(site->live_bytes.median).text);
	if (!fails)
		buf_printf(&message, "; up to %.0f sites may", rule->max_sites);
	gate_result_add_check(result, (struct gate_check){
					      .kind = GATE_CHECK_LEAK,
					      .outcome = fails ? GATE_FAILED : GATE_WARNED,
					      .metric = GATE_GROWTH_PER_ITERATION,
					      .measured = site->bytes_per_iteration,
					      .limit = rule->min_bytes_per_iteration,
					      .baseline = NAN,
					      .title = titled("leak", site),
					      .message = finish(&message),
					      .site = site,
				      });
}

/* That there is none was judged too. */
static void add_no_leak(const struct gate_leak_rule *rule, struct gate_result *result)
{
	struct buf message = {0};
	buf_printf(&message, "no site grows by %s or more per iteration, over %u iterations",
		   gate_surface_bytes(rule->min_bytes_per_iteration).text, result->windows);
	gate_result_add_check(result, (struct gate_check){
					      .kind = GATE_CHECK_LEAK,
					      .outcome = GATE_PASSED,
					      .metric = GATE_GROWTH_PER_ITERATION,
					      .measured = NAN,
					      .limit = rule->min_bytes_per_iteration,
					      .baseline = NAN,
					      .title = mem_text("leaks"),
					      .message = finish(&message),
				      });
}

void gate_judge_leaks(const struct gate_settings *settings, const bool *ignored,
		      struct gate_result *result)
{
	const struct gate_leak_rule *rule = &settings->leaks;
	size_t found = 0;
	if (!rule->asked || !has_windows(settings, "leaks", result))
		return;
	__attribute__((cleanup(mem_scope))) bool *leaks = find_leaks(rule, ignored, result);
	for (size_t i = 0; i < result->site_count; i++)
		found += leaks[i];
	for (size_t i = 0; i < result->site_count; i++)
		if (leaks[i])
			add_leak(rule, &result->sites[i], (double)found > rule->max_sites,
				 result);
	if (!found)
		add_no_leak(rule, result);
}
