#include "gate_checks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "settings.h"

#define SCHEMA "memtrace.gate-checks/1"
enum { LINE_MOST = INT32_MAX };

struct test_check {
	char *test, *message, *source;
	enum gate_outcome outcome;
	enum gate_metric metric;
	double measured, limit;
	struct gate_frame *frames;
	size_t frame_count;
};

struct file_of_checks {
	struct test_check *checks;
	size_t count;
};

/* A text, or null where there is none. */
static int read_text(struct settings_place *place, const json_t *value, void *ret_value)
{
	return json_is_null(value) ? 0 : settings_read_text(place, value, ret_value);
}

static int read_figure(struct settings_place *place, const json_t *value, void *ret_value)
{
	double *ret_figure = ret_value;
	if (json_is_null(value))
		return 0;
	if (!json_is_number(value))
		return settings_wrong(place, "isn't a number");
	*ret_figure = json_number_value(value);
	return 0;
}

static int read_line(struct settings_place *place, const json_t *value, void *ret_value)
{
	int32_t *ret_line = ret_value;
	double line = 0;
	if (!json_is_null(value) && settings_read_whole(place, value, 0, LINE_MOST, &line))
		return -1;
	*ret_line = (int32_t)line;
	return 0;
}

static int read_outcome(struct settings_place *place, const json_t *value, void *ret_value)
{
	static const struct {
		const char *name;
		enum gate_outcome outcome;
	} outcomes[] = {
		{"passed", GATE_PASSED}, {"failed", GATE_FAILED}, {"unknown", GATE_UNKNOWN}};
	enum gate_outcome *ret_outcome = ret_value;
	const char *text = settings_text(value);
	for (size_t i = 0; text && i < sizeof outcomes / sizeof outcomes[0]; i++) {
		if (!strcmp(outcomes[i].name, text)) {
			*ret_outcome = outcomes[i].outcome;
			return 0;
		}
	}
	return settings_wrong(place, "is none of \"passed\", \"failed\" and \"unknown\"");
}

static int read_metric(struct settings_place *place, const json_t *value, void *ret_value)
{
	enum gate_metric *ret_metric = ret_value;
	*ret_metric = gate_metric_find(settings_text(value));
	return json_is_null(value) || *ret_metric != GATE_NO_METRIC
		       ? 0
		       : settings_wrong(place, "isn't a metric");
}

static int read_frame(struct settings_place *place, const json_t *value, void *ret_value)
{
	static const struct settings_key keys[] = {
		{"function", settings_read_text, offsetof(struct gate_frame, function), true},
		{"file", read_text, offsetof(struct gate_frame, file), true},
		{"line", read_line, offsetof(struct gate_frame, line), true},
		{0},
	};
	return settings_read_table(place, value, keys, ret_value);
}

static int read_frames(struct settings_place *place, const json_t *value, void *ret_value)
{
	struct test_check *check = ret_value;
	return settings_read_items(place, value, sizeof check->frames[0], read_frame,
				   &check->frames, &check->frame_count);
}

static int read_check(struct settings_place *place, const json_t *value, void *ret_value)
{
	static const struct settings_key keys[] = {
		{"test", settings_read_text, offsetof(struct test_check, test), true},
		{"outcome", read_outcome, offsetof(struct test_check, outcome), true},
		{"metric", read_metric, offsetof(struct test_check, metric), true},
		{"measured", read_figure, offsetof(struct test_check, measured), true},
		{"limit", read_figure, offsetof(struct test_check, limit), true},
		{"message", settings_read_text, offsetof(struct test_check, message), true},
		{"source", read_text, offsetof(struct test_check, source), true},
		{"frames", read_frames, 0, true},
		{0},
	};
	struct test_check *check = ret_value;
	*check = (struct test_check){.outcome = GATE_UNKNOWN,
				     .metric = GATE_NO_METRIC,
				     .measured = NAN,
				     .limit = NAN};
	if (settings_read_table(place, value, keys, check))
		return -1;
	if (check->outcome == GATE_UNKNOWN)
		return 0;
	if (check->metric == GATE_NO_METRIC || isnan(check->measured) || isnan(check->limit))
		return settings_wrong(place,
				      "has an outcome, and no metric, measured or limit");
	return 0;
}

static int read_checks(struct settings_place *place, const json_t *value, void *ret_value)
{
	struct file_of_checks *file = ret_value;
	return settings_read_items(place, value, sizeof file->checks[0], read_check,
				   &file->checks, &file->count);
}

static int read_schema(struct settings_place *place, const json_t *value, void *ret_value)
{
	(void)ret_value;
	const char *text = settings_text(value);
	return text && !strcmp(text, SCHEMA)
		       ? 0
		       : settings_wrong(place,
					"isn't \"" SCHEMA "\", which this memtrace knows");
}

static void release(struct file_of_checks *file)
{
	for (size_t i = 0; i < file->count; i++) {
		struct test_check *check = &file->checks[i];
		for (size_t j = 0; j < check->frame_count; j++) {
			free(check->frames[j].function);
			free(check->frames[j].file);
		}
		free(check->frames);
		free(check->test);
		free(check->message);
		free(check->source);
	}
	free(file->checks);
}

/* What it points at becomes the check's; NULL: nothing. */
static struct gate_site *take_site(struct test_check *check)
{
	const bool growth = check->metric == GATE_GROWTH_PER_ITERATION;
	if (!check->frame_count)
		return NULL;
	struct gate_site *site = mem_alloc(sizeof *site);
	*site = (struct gate_site){
		.key = mem_text(check->test),
		.source = check->source,
		.frames = check->frames,
		.frame_count = check->frame_count,
		.live_bytes = {.median = NAN},
		.live_blocks = {.median = NAN},
		.bytes_per_iteration = growth ? check->measured : NAN,
		.growth_chance = NAN,
	};
	check->source = NULL;
	check->frames = NULL;
	check->frame_count = 0;
	return site;
}

static void add(struct test_check *check, struct gate_result *result)
{
	if (check->outcome == GATE_UNKNOWN) {
		gate_result_no_verdict(result, "%s: %s", check->test, check->message);
		return;
	}
	struct buf title = {0}, message = {0};
	buf_printf(&title, "%s: %s", check->test, gate_metrics[check->metric].key);
	buf_u8(&title, '\0');
	buf_printf(&message, "%s", check->message);
	buf_u8(&message, '\0');
	struct gate_site *site = take_site(check);
	gate_result_add_check(result, (struct gate_check){
					      .kind = GATE_CHECK_BUDGET,
					      .outcome = check->outcome,
					      .metric = check->metric,
					      .measured = check->measured,
					      .limit = check->limit,
					      .baseline = NAN,
					      .title = (char *)title.data,
					      .message = (char *)message.data,
					      .site = site,
					      .own_site = site,
				      });
}

bool gate_checks_are_in(const char *path)
{
	FILE *file = fopen(path, "re");
	const bool json = file && fgetc(file) == '{';
	if (file)
		fclose(file);
	return json;
}

int gate_checks_read(const char *path, struct gate_result *result, struct err *err)
{
	static const struct settings_key keys[] = {
		{"schema", read_schema, 0, true}, {"checks", read_checks, 0, true}, {0}};
	struct settings_place place = {.path = path, .key = "", .err = err};
	struct file_of_checks file = {.checks = NULL};
	json_error_t at;
	json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &at);
	if (!document)
		return err_set(err, "%s:%d: isn't JSON: %s", path, at.line, at.text);
	int failed = settings_read_table(&place, document, keys, &file);
	json_decref(document);
	if (!failed && !file.count)
		failed = err_set(err, "%s: has no check: no test with a budget was run", path);
	for (size_t i = 0; !failed && i < file.count; i++)
		add(&file.checks[i], result);
	release(&file);
	return failed;
}
