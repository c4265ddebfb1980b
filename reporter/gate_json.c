/*
 * The schema memtrace.gate/1. Sizes are bytes; null is "not known" or "none". A key is never
 * left out.
 *
 *	status       "fine", "regression", "no-verdict" or "command-failed"; exit_code: what the
 *	             command ends with, 0, 1, 3 or 4
 *	why          no verdict, or the command failed: a sentence that says how to mend it
 *	command      to run it all again, as for a shell
 *	baseline_file
 *	environment  python, abi, arch, libc, allocator, mode, hash_seed, arena_bytes, sample_bytes
 *	             (mean distance of two samples; 0: every block is recorded)
 *	counts       checks by outcome: passed, warned, failed, unknown
 *	metrics      all there are: key, unit ("bytes", "blocks", "bytes per iteration"), median,
 *	             mad (median absolute deviation) and runs, the number they are over; 0: not
 *	             known, and median and mad are null
 *	checks       failed ones first, then warnings, worst first in each: kind ("budget",
 *	             "new-site", "leak"), rule ("memtrace/budget/live_end"), outcome, metric (of
 *	             a budget) and its unit, measured, limit, baseline, title, message, and site,
 *	             most to blame, null: none:
 *	             key (own functions, outermost first), file, line and function of frames[0],
 *	             source (the line's text), frames (innermost first: function, file, line),
 *	             live_bytes and live_blocks at the end, bytes_per_iteration
 *	warnings     sentences about what isn't judged but should be known
 */
#include "gate_json.h"

#include <math.h>

#include "gate_surface.h"
#include "json.h"

/* Medians of an even number of runs and growth have fractions, all else is whole. */
static void write_number(struct json *json, const char *key, double value)
{
	json_double(json, key, value, value == floor(value) ? 0 : 3);
}

static void write_environment(struct json *json, const struct gate_environment *environment)
{
	json_open_object(json, "environment");
	json_text(json, "python", environment->python);
	json_text(json, "abi", environment->abi);
	json_text(json, "arch", environment->arch);
	json_text(json, "libc", environment->libc);
	json_text(json, "allocator", environment->allocator);
	json_text(json, "mode", environment->mode);
	json_text(json, "hash_seed", environment->hash_seed);
	json_u64(json, "arena_bytes", environment->arena_bytes);
	json_u64(json, "sample_bytes", environment->sample_bytes);
	json_close(json);
}

static void write_counts(struct json *json, const struct gate_result *result)
{
	json_open_object(json, "counts");
	for (enum gate_outcome outcome = GATE_PASSED; outcome <= GATE_UNKNOWN; outcome++)
		json_u64(json, gate_surface_outcome(outcome),
			 gate_result_count(result, outcome));
	json_close(json);
}

static void write_metrics(struct json *json, const struct gate_result *result)
{
	json_open_array(json, "metrics");
	for (size_t i = 0; i < GATE_METRIC_COUNT; i++) {
		const struct gate_measure *measure = &result->metrics[i];
		json_open_object(json, NULL);
		json_text(json, "key", gate_metrics[i].key);
		json_text(json, "unit", gate_metrics[i].unit);
		write_number(json, "median", measure->runs ? measure->median : NAN);
		write_number(json, "mad", measure->runs ? measure->mad : NAN);
		json_u64(json, "runs", measure->runs);
		json_close(json);
	}
	json_close(json);
}

/* Its keys, into the object that is open. */
static void write_frame(struct json *json, const struct gate_frame *frame)
{
	json_text(json, "file", frame ? frame->file : NULL);
	if (frame && frame->line > 0)
		json_i64(json, "line", frame->line);
	else
		json_put_null(json, "line");
	json_text(json, "function", frame ? frame->function : NULL);
}

static void write_site(struct json *json, const struct gate_site *site)
{
	if (!site) {
		json_put_null(json, "site");
		return;
	}
	json_open_object(json, "site");
	json_text(json, "key", site->key);
	write_frame(json, site->frame_count ? &site->frames[0] : NULL);
	json_text(json, "source", site->source);
	json_open_array(json, "frames");
	for (size_t i = 0; i < site->frame_count; i++) {
		json_open_object(json, NULL);
		write_frame(json, &site->frames[i]);
		json_close(json);
	}
	json_close(json);
	write_number(json, "live_bytes", site->live_bytes.median);
	write_number(json, "live_blocks", site->live_blocks.median);
	write_number(json, "bytes_per_iteration", site->bytes_per_iteration);
	json_close(json);
}

static void write_check(struct json *json, const struct gate_check *check)
{
	const bool metric = check->kind == GATE_CHECK_BUDGET && check->metric < GATE_NO_METRIC;
	json_open_object(json, NULL);
	json_text(json, "kind", gate_surface_kind(check->kind));
	json_text(json, "rule", gate_surface_rule(check).text);
	json_text(json, "outcome", gate_surface_outcome(check->outcome));
	json_text(json, "metric", metric ? gate_metrics[check->metric].key : NULL);
	json_text(json, "unit", metric ? gate_metrics[check->metric].unit : NULL);
	write_number(json, "measured", check->measured);
	write_number(json, "limit", check->limit);
	write_number(json, "baseline", check->baseline);
	json_text(json, "title", check->title);
	json_text(json, "message", check->message);
	write_site(json, check->site);
	json_close(json);
}

void gate_json_write(const struct gate_result *result, FILE *out)
{
	struct json json;
	json_init(&json, out, 2);
	json_open_object(&json, NULL);
	json_text(&json, "schema", "memtrace.gate/1");
	json_text(&json, "status", gate_surface_status(result->status));
	json_u64(&json, "exit_code", (uint64_t)result->status);
	json_text(&json, "why", gate_surface_trouble(result));
	json_text(&json, "command", result->command);
	json_text(&json, "baseline_file", result->baseline_path);
	write_environment(&json, &result->environment);
	write_counts(&json, result);
	write_metrics(&json, result);
	json_open_array(&json, "checks");
	for (size_t i = 0; i < result->check_count; i++)
		write_check(&json, &result->checks[i]);
	json_close(&json);
	json_open_array(&json, "warnings");
	for (size_t i = 0; i < result->warning_count; i++)
		json_text(&json, NULL, result->warnings[i]);
	json_close(&json);
	json_close(&json);
}
