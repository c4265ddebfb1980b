#include "gate_openmetrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "gate_surface.h"

/*
 * Three digits, and whole but where it is less than 100; through text, whose rounding is
 * decimal.
 */
static void put_value(struct buf *text, double value)
{
	char rounded[32];
	snprintf(rounded, sizeof rounded, "%.2e", value);
	const double plain = strtod(rounded, NULL);
	if (plain == floor(plain) && fabs(plain) < 1e18)
		buf_printf(text, " %.0f\n", plain + 0.0);
	else
		buf_printf(text, " %.3g\n", plain);
}

/* "unit" is NULL or what the name ends with. */
static void put_family(struct buf *text, const char *name, const char *unit, const char *help)
{
	buf_printf(text, "# HELP memtrace_gate_%s %s\n# TYPE memtrace_gate_%s gauge\n", name,
		   help, name);
	if (unit)
		buf_printf(text, "# UNIT memtrace_gate_%s %s\n", name, unit);
}

/* A quote ends a label's value, a line's end its series. */
static void put_label(struct buf *text, const char *name, const char *value)
{
	buf_printf(text, "%s=\"", name);
	for (uint32_t character; (character = characters_next(&value));) {
		if (character == '"' || character == '\\')
			buf_printf(text, "\\%c", (int)character);
		else
			characters_put(text, characters_is_control(character)
						     ? CHARACTERS_REPLACEMENT
						     : character);
	}
	buf_u8(text, '"');
}

static void put_environment(struct buf *text, const struct gate_environment *environment)
{
	const struct {
		const char *name, *value;
	} labels[] = {
		{"python", environment->python},       {"arch", environment->arch},
		{"libc", environment->libc},           {"mode", environment->mode},
		{"allocator", environment->allocator},
	};
	put_family(text, "environment", NULL, "In which the figures were made; always 1.");
	buf_printf(text, "memtrace_gate_environment{");
	bool some = false;
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		if (!labels[i].value)
			continue;
		if (some)
			buf_u8(text, ',');
		put_label(text, labels[i].name, labels[i].value);
		some = true;
	}
	buf_printf(text, "} 1\n");
}

static void put_counts(struct buf *text, const struct gate_result *result)
{
	put_family(text, "status", NULL,
		   "What the gate ended with: 0 fine, 1 a regression, 3 no verdict, "
		   "4 the command failed.");
	buf_printf(text, "memtrace_gate_status %d\n", (int)result->status);
	put_family(text, "checks", NULL, "Checks by outcome.");
	for (enum gate_outcome outcome = GATE_PASSED; outcome <= GATE_UNKNOWN; outcome++)
		buf_printf(text, "memtrace_gate_checks{outcome=\"%s\"} %zu\n",
			   gate_surface_outcome(outcome), gate_result_count(result, outcome));
}

static bool is_known(const struct gate_measure *measure)
{
	return measure->runs && isfinite(measure->median);
}

static void put_metric(struct buf *text, enum gate_metric metric, double median)
{
	static const char *const help[GATE_METRIC_COUNT] = {
		[GATE_LIVE_END] = "Bytes live at the end, median of all runs.",
		[GATE_PEAK_LIVE] = "Most bytes that were live at once, median of all runs.",
		[GATE_ALLOCATIONS] = "Blocks ever allocated, median of all runs.",
		[GATE_ALLOCATED_BYTES] = "Bytes ever allocated, median of all runs.",
		[GATE_GROWTH_PER_ITERATION] =
			"Bytes from one iteration to the next, median of all runs.",
		[GATE_PINNED_BYTES] = "Free bytes in arenas that can't be given back at the "
				      "end, median of all runs.",
		[GATE_ARENAS_PEAK] = "Most bytes in arenas at once, median of all runs.",
		[GATE_RSS_PEAK] = "Most bytes resident at once, median of all runs.",
	};
	const char *const key = gate_metrics[metric].key;
	const char *const unit = gate_metrics[metric].bytes ? "bytes" : "blocks";
	char name[64];
	const bool named = strlen(key) > strlen(unit) &&
			   !strcmp(key + strlen(key) - strlen(unit), unit);
	snprintf(name, sizeof name, "%s%s%s", key, named ? "" : "_", named ? "" : unit);
	put_family(text, name, unit, help[metric]);
	buf_printf(text, "memtrace_gate_%s", name);
	put_value(text, median);
}

/* The lowest of several budgets of a metric, NAN: none. */
static double limit_of(const struct gate_result *result, enum gate_metric metric)
{
	double limit = NAN;
	for (size_t i = 0; i < result->check_count; i++) {
		const struct gate_check *check = &result->checks[i];
		if (check->kind == GATE_CHECK_BUDGET && check->metric == metric &&
		    isfinite(check->limit))
			limit = fmin(limit, check->limit);
	}
	return limit;
}

static void put_limits(struct buf *text, const struct gate_result *result)
{
	put_family(text, "limit", NULL,
		   "The lowest limit of a metric, in the metric's own unit.");
	for (enum gate_metric metric = 0; metric < GATE_METRIC_COUNT; metric++) {
		const double limit = limit_of(result, metric);
		if (isnan(limit))
			continue;
		buf_printf(text, "memtrace_gate_limit{metric=\"%s\"}",
			   gate_metrics[metric].key);
		put_value(text, limit);
	}
}

static char *label_of(const struct gate_site *site)
{
	struct buf label;
	buf_init(&label);
	put_label(&label, "site", site->key ? site->key : "");
	buf_u8(&label, '\0');
	return (char *)label.data;
}

/* Keys that differ in what can't be written would be the same series twice: an error. */
static bool is_taken(char *const *labels, size_t count, const char *label)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(labels[i], label))
			return true;
	return false;
}

static void put_sites(struct buf *text, const struct gate_result *result, bool growth)
{
	const char *const name = growth ? "site_growth_per_iteration_bytes" : "site_live_bytes";
	char *labels[GATE_OPENMETRICS_SITES];
	size_t count = 0;
	put_family(text, name, "bytes",
		   growth ? "Bytes from one iteration to the next by site, of the heaviest."
			  : "Bytes live at the end by site, the heaviest alone.");
	for (size_t i = 0; i < result->site_count && i < GATE_OPENMETRICS_SITES; i++) {
		const struct gate_site *site = &result->sites[i];
		const double value = growth ? site->bytes_per_iteration
					    : site->live_bytes.median;
		char *label = label_of(site);
		if (!isfinite(value) || is_taken(labels, count, label)) {
			free(label);
			continue;
		}
		labels[count++] = label;
		buf_printf(text, "memtrace_gate_%s{%s}", name, label);
		put_value(text, value);
	}
	for (size_t i = 0; i < count; i++)
		free(labels[i]);
}

void gate_openmetrics_write(const struct gate_result *result, FILE *out)
{
	struct buf text;
	buf_init(&text);
	put_counts(&text, result);
	put_environment(&text, &result->environment);
	for (enum gate_metric metric = 0; metric < GATE_METRIC_COUNT; metric++)
		if (is_known(&result->metrics[metric]))
			put_metric(&text, metric, result->metrics[metric].median);
	put_limits(&text, result);
	put_sites(&text, result, false);
	put_sites(&text, result, true);
	buf_printf(&text, "# EOF\n");
	fwrite(text.data, 1, text.len, out);
	buf_release(&text);
}
