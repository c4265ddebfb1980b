#include "gate_compare_sites.h"

#include <math.h>
#include <stdlib.h>

#include "../collector/mem.h"
#include "gate_baseline_keys.h"
#include "gate_noise.h"
#include "gate_rename.h"
#include "units.h"

static double largest_left_out(const struct gate_baseline *baseline)
{
	return baseline && baseline->left_out_sites ? baseline->left_out_largest : 0;
}

double gate_compare_growth(const struct gate_baseline *baseline, const struct gate_site *site)
{
	const struct gate_baseline_site *before =
		baseline ? gate_baseline_find(baseline, site->key) : NULL;
	return site->live_bytes.median -
	       (before ? before->live_bytes.median : largest_left_out(baseline));
}

uint64_t gate_compare_whole(double figure)
{
	return figure > 0 ? (uint64_t)llround(fmin(figure, 1e18)) : 0;
}

void gate_compare_print_site(struct buf *text, const struct gate_site *site)
{
	const struct gate_frame *frame = site->frame_count ? &site->frames[0] : NULL;
	if (!frame || !frame->file)
		buf_printf(text, "%s", frame ? frame->function : site->key);
	else if (frame->line)
		buf_printf(text, "%s (%s:%d)", frame->function, frame->file, frame->line);
	else
		buf_printf(text, "%s (%s)", frame->function, frame->file);
}

/* What a site may hold that the baseline hasn't, before it is one that wasn't there. */
static double allowance(const struct gate_comparison *comparison,
			const struct gate_baseline *baseline, const struct gate_result *result,
			const struct gate_site *site)
{
	const struct gate_measure nothing = {0};
	const double distance = (double)fmax((double)baseline->environment.sample_bytes,
					     (double)result->environment.sample_bytes);
	const double variance =
		gate_noise_variance(site->live_bytes.median, site->live_blocks.median,
				    site->live_bytes.runs, result->environment.sample_bytes) +
		distance * distance;
	const double sampled = sqrt(variance) * gate_noise_deviations(result->site_count);
	const double runs = gate_noise_of_runs(&site->live_bytes, &nothing);
	return fmax(fmax(comparison->new_site_bytes, largest_left_out(baseline)),
		    fmax(runs, distance > 0 ? sampled : 0));
}

static char *message_of(const struct gate_site *site, double limit,
			const struct gate_baseline_site *was)
{
	struct buf text = {0};
	gate_compare_print_site(&text, site);
	buf_printf(&text, " holds %s at the end",
		   units_size(UNITS_IEC, gate_compare_whole(site->live_bytes.median)).text);
	if (was)
		buf_printf(
			&text,
			", as \"%s\" did in the baseline (%s): it was renamed, most likely; "
			"--update-baseline takes the new name over",
			was->key,
			units_size(UNITS_IEC, gate_compare_whole(was->live_bytes.median)).text);
	else
		buf_printf(&text, ", and the baseline doesn't have it; at most %s may be new",
			   units_size(UNITS_IEC, gate_compare_whole(limit)).text);
	buf_u8(&text, 0);
	return (char *)text.data;
}

static void add_check(struct gate_result *result, const struct gate_site *site, double limit,
		      const struct gate_baseline_site *was)
{
	struct buf title = {0};
	buf_format(&title, "%s site: %s", was ? "renamed" : "new",
		   site->frame_count ? site->frames[0].function : site->key);
	gate_result_add_check(result, (struct gate_check){
					      .kind = GATE_CHECK_NEW_SITE,
					      .outcome = was ? GATE_WARNED : GATE_FAILED,
					      .metric = GATE_NO_METRIC,
					      .measured = site->live_bytes.median,
					      .limit = limit,
					      .baseline = was ? was->live_bytes.median : NAN,
					      .title = (char *)title.data,
					      .message = message_of(site, limit, was),
					      .site = site,
				      });
}

/* That there is none was judged too. */
static void add_passed(struct gate_result *result, double limit)
{
	struct buf message = {0};
	buf_format(&message, "no site holds more than %s that the baseline doesn't have",
		   units_size(UNITS_IEC, gate_compare_whole(limit)).text);
	gate_result_add_check(result, (struct gate_check){
					      .kind = GATE_CHECK_NEW_SITE,
					      .outcome = GATE_PASSED,
					      .metric = GATE_NO_METRIC,
					      .measured = NAN,
					      .limit = limit,
					      .baseline = NAN,
					      .title = mem_text("new sites"),
					      .message = (char *)message.data,
				      });
}

void gate_compare_sites(const struct gate_comparison *comparison,
			const struct gate_baseline *baseline, struct gate_result *result)
{
	struct gate_baseline now;
	size_t found = 0;
	gate_baseline_of_all(result, &now);
	__attribute__((cleanup(mem_scope)))
	const struct gate_baseline_site **were = gate_rename_find(baseline, &now);

	for (size_t i = 0; i < result->site_count; i++) {
		const struct gate_site *site = &result->sites[i];
		if ((comparison->ignored && comparison->ignored[i]) ||
		    !(site->live_bytes.median > comparison->new_site_bytes) ||
		    gate_baseline_find(baseline, site->key))
			continue;
		const double limit = allowance(comparison, baseline, result, site);
		const struct gate_baseline_site *same = gate_baseline_find(&now, site->key);
		if (!(site->live_bytes.median > limit))
			continue;
		add_check(result, site, limit, were[same - now.sites]);
		found++;
	}
	if (!found)
		add_passed(result,
			   fmax(comparison->new_site_bytes, largest_left_out(baseline)));
	gate_baseline_release(&now);
}
