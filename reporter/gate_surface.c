#include "gate_surface.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "characters.h"
#include "units.h"

const char *gate_surface_outcome(enum gate_outcome outcome)
{
	static const char *const words[] = {
		[GATE_PASSED] = "passed",
		[GATE_WARNED] = "warned",
		[GATE_FAILED] = "failed",
		[GATE_UNKNOWN] = "unknown",
	};
	return words[outcome];
}

const char *gate_surface_status(enum gate_status status)
{
	switch (status) {
	case GATE_FINE:
		return "fine";
	case GATE_REGRESSION:
		return "regression";
	case GATE_COMMAND_FAILED:
		return "command-failed";
	case GATE_NO_VERDICT:
		break;
	}
	return "no-verdict";
}

const char *gate_surface_kind(enum gate_check_kind kind)
{
	static const char *const words[] = {
		[GATE_CHECK_BUDGET] = "budget",
		[GATE_CHECK_NEW_SITE] = "new-site",
		[GATE_CHECK_LEAK] = "leak",
	};
	return words[kind];
}

bool gate_surface_is_finding(const struct gate_check *check)
{
	return check->outcome != GATE_PASSED;
}

const char *gate_surface_trouble(const struct gate_result *result)
{
	if (result->status == GATE_FINE || result->status == GATE_REGRESSION)
		return NULL;
	if (result->why)
		return result->why;
	return result->status == GATE_COMMAND_FAILED ? "the command failed"
						     : "there is no verdict";
}

struct gate_surface_text gate_surface_rule(const struct gate_check *check)
{
	struct gate_surface_text rule;
	const bool metric = check->kind == GATE_CHECK_BUDGET && check->metric < GATE_NO_METRIC;
	snprintf(rule.text, sizeof rule.text, "memtrace/%s%s%s", gate_surface_kind(check->kind),
		 metric ? "/" : "", metric ? gate_metrics[check->metric].key : "");
	return rule;
}

struct gate_surface_text gate_surface_bytes(double bytes)
{
	struct gate_surface_text text = {""};
	/* Beyond this a double has no place among the sizes of a machine. */
	const double most = 0x1p62;
	if (!isfinite(bytes) || fabs(bytes) > most)
		return text;
	const struct units_text size = units_size(UNITS_IEC, (uint64_t)llround(fabs(bytes)));
	snprintf(text.text, sizeof text.text, "%s%s", bytes <= -0.5 ? "-" : "", size.text);
	return text;
}

struct gate_surface_text gate_surface_figure(enum gate_metric metric, double value)
{
	const double most = 0x1p62;
	if (metric >= GATE_NO_METRIC || gate_metrics[metric].bytes)
		return gate_surface_bytes(value);
	struct gate_surface_text text = {""};
	if (isfinite(value) && fabs(value) <= most)
		snprintf(text.text, sizeof text.text, "%s%s %s", value <= -0.5 ? "-" : "",
			 units_count((uint64_t)llround(fabs(value))).text,
			 gate_metrics[metric].unit);
	return text;
}

const struct gate_frame *gate_surface_place(const struct gate_check *check)
{
	const struct gate_site *site = check->site;
	return site && site->frame_count && site->frames[0].file ? &site->frames[0] : NULL;
}

void gate_surface_put_name(struct buf *buf, const struct gate_check *check)
{
	if (check->kind == GATE_CHECK_BUDGET || !check->site || !check->site->key) {
		characters_put_line(buf, check->title ? check->title : "(no title)");
		return;
	}
	buf_printf(buf, "%s: ", check->kind == GATE_CHECK_LEAK ? "leak" : "new site");
	characters_put_line(buf, check->site->key);
}

void gate_surface_put_frame(struct buf *buf, const struct gate_frame *frame)
{
	if (frame->file) {
		characters_put_line(buf, frame->file);
		if (frame->line > 0)
			buf_printf(buf, ":%d", (int)frame->line);
		buf_printf(buf, " in ");
	}
	characters_put_line(buf, frame->function ? frame->function : "(unknown)");
}

static void put_figures(struct buf *buf, const struct gate_site *site)
{
	const struct gate_surface_text live = gate_surface_bytes(site->live_bytes.median);
	if (*live.text)
		buf_printf(buf, "live at the end: %s", live.text);
	if (*live.text && isfinite(site->live_blocks.median) && site->live_blocks.median >= 1)
		buf_printf(buf, " in %.0f block%s", site->live_blocks.median,
			   site->live_blocks.median < 1.5 ? "" : "s");
	if (*live.text)
		buf_u8(buf, '\n');
	if (isfinite(site->bytes_per_iteration) && site->bytes_per_iteration != 0)
		buf_printf(buf, "per iteration: %s\n",
			   gate_surface_bytes(site->bytes_per_iteration).text);
}

void gate_surface_put_stack(struct buf *buf, const struct gate_site *site)
{
	for (size_t i = 0; i < site->frame_count; i++) {
		gate_surface_put_frame(buf, &site->frames[i]);
		buf_u8(buf, '\n');
		if (i == 0 && site->source) {
			buf_printf(buf, "    ");
			characters_put_line(buf, site->source + strspn(site->source, " \t"));
			buf_u8(buf, '\n');
		}
	}
	put_figures(buf, site);
}
