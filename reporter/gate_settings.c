#include "gate_settings.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "gate_measure.h"
#include "settings.h"
#include "toml_file.h"
#include "units.h"

#define TOOL "tool.memtrace"
enum { REPEAT_MOST = 100, WINDOWS_MOST = 1000000 };

static int read_repeat(struct settings_place *place, const json_t *value, void *ret_value)
{
	return settings_read_whole(place, value, 1, REPEAT_MOST, ret_value);
}

static int read_warm_up(struct settings_place *place, const json_t *value, void *ret_value)
{
	return settings_read_whole(place, value, 0, WINDOWS_MOST, ret_value);
}

static int read_windows(struct settings_place *place, const json_t *value, void *ret_value)
{
	return settings_read_whole(place, value, GATE_FEWEST_WINDOWS, WINDOWS_MOST, ret_value);
}

static int read_max_sites(struct settings_place *place, const json_t *value, void *ret_value)
{
	return settings_read_whole(place, value, 0, WINDOWS_MOST, ret_value);
}

static int read_p(struct settings_place *place, const json_t *value, void *ret_value)
{
	double *ret_p = ret_value;
	const double p = json_number_value(value);
	if (!json_is_number(value) || !(p > 0 && p < 1))
		return settings_wrong(place, "isn't a probability: a number between 0 and 1");
	*ret_p = p;
	return 0;
}

static int read_metric(struct settings_place *place, const json_t *value, void *ret_value)
{
	enum gate_metric *ret_metric = ret_value;
	struct buf what;
	*ret_metric = gate_metric_find(settings_text(value));
	if (*ret_metric != GATE_NO_METRIC)
		return 0;
	buf_init(&what);
	buf_printf(&what, "isn't a metric; there are");
	for (int i = 0; i < GATE_METRIC_COUNT; i++)
		buf_printf(&what, "%s %s", i ? "," : "", gate_metrics[i].key);
	buf_u8(&what, '\0');
	settings_wrong(place, (const char *)what.data);
	buf_release(&what);
	return -1;
}

static int read_on_noise(struct settings_place *place, const json_t *value, void *ret_value)
{
	enum gate_on_noise *ret_on_noise = ret_value;
	const char *text = settings_text(value);
	if (!text || (strcmp(text, "fail") != 0 && strcmp(text, "warn") != 0))
		return settings_wrong(place, "is neither \"fail\" nor \"warn\"");
	*ret_on_noise = *text == 'f' ? GATE_ON_NOISE_FAIL : GATE_ON_NOISE_WARN;
	return 0;
}

/* "+2%" or "+256KiB"; of the metric's unit, where it has none. */
static int parse_part(const char *part, struct gate_tolerance *tolerance)
{
	const size_t len = strlen(part);
	char number[64];
	if (*part != '+' || len < 2 || len >= sizeof number)
		return -1;
	memcpy(number, part + 1, len);
	if (number[len - 2] != '%')
		return units_parse_size(number, &tolerance->absolute);
	number[len - 2] = '\0';
	if (number[strspn(number, "0123456789.")] ||
	    units_parse_size(number, &tolerance->relative))
		return -1;
	tolerance->relative /= 100;
	return 0;
}

static int parse_tolerance(const char *text, struct gate_tolerance *ret_tolerance)
{
	struct gate_tolerance tolerance = {0};
	for (const char *at = text, *end; at; at = end ? end + strlen(" or ") : NULL) {
		char part[64];
		end = strstr(at, " or ");
		const size_t len = end ? (size_t)(end - at) : strlen(at);
		if (!len || len >= sizeof part)
			return -1;
		memcpy(part, at, len);
		part[len] = '\0';
		if (parse_part(part, &tolerance))
			return -1;
	}
	*ret_tolerance = tolerance;
	return 0;
}

static int read_tolerance(struct settings_place *place, const json_t *value, void *ret_value)
{
	struct gate_budget *budget = ret_value;
	const char *text = settings_text(value);
	if (!text || parse_tolerance(text, &budget->tolerance))
		return settings_wrong(place,
				      "isn't what may be more than in the baseline, such as"
				      " \"+2% or +256KiB\"");
	budget->has_tolerance = true;
	return 0;
}

static int read_budget(struct settings_place *place, const json_t *value, void *ret_value)
{
	static const struct settings_key keys[] = {
		{"metric", read_metric, offsetof(struct gate_budget, metric), .needed = true},
		{"max", settings_read_amount, offsetof(struct gate_budget, max), false},
		{"baseline", read_tolerance, 0, false},
		{"on_noise", read_on_noise, offsetof(struct gate_budget, on_noise), false},
		{0},
	};
	struct gate_budget *budget = ret_value;
	*budget = (struct gate_budget){.max = NAN};
	if (settings_read_table(place, value, keys, budget))
		return -1;
	if (isnan(budget->max) && !budget->has_tolerance)
		return settings_wrong(place,
				      "needs max, baseline or both, or it judges nothing");
	return 0;
}

static int read_budgets(struct settings_place *place, const json_t *value, void *ret_value)
{
	struct gate_settings *settings = ret_value;
	settings->has_budgets = true;
	if (settings_read_items(place, value, sizeof settings->budgets[0], read_budget,
				&settings->budgets, &settings->budget_count))
		return -1;
	for (size_t i = 0; i < settings->budget_count; i++) {
		const enum gate_metric metric = settings->budgets[i].metric;
		for (size_t j = 0; j < i; j++)
			if (settings->budgets[j].metric == metric)
				return err_set(
					place->err, "%s: %s has two for %s: put them into one",
					place->path, place->key, gate_metrics[metric].key);
	}
	return 0;
}

static int read_ignored_site(struct settings_place *place, const json_t *value, void *ret_value)
{
	static const struct settings_key keys[] = {
		{"site", settings_read_text, offsetof(struct gate_ignored, site),
		 .needed = true},
		{"reason", settings_read_text, offsetof(struct gate_ignored, reason),
		 .needed = true},
		{"max_bytes", settings_read_amount, offsetof(struct gate_ignored, max_bytes),
		 false},
		{0},
	};
	struct gate_ignored *ignored = ret_value;
	*ignored = (struct gate_ignored){.max_bytes = NAN};
	return settings_read_table(place, value, keys, ignored);
}

static int read_ignored(struct settings_place *place, const json_t *value, void *ret_value)
{
	struct gate_settings *settings = ret_value;
	return settings_read_items(place, value, sizeof settings->ignored[0], read_ignored_site,
				   &settings->ignored, &settings->ignored_count);
}

static int read_own(struct settings_place *place, const json_t *value, void *ret_value)
{
	struct gate_settings *settings = ret_value;
	return settings_read_items(place, value, sizeof settings->own[0], settings_read_text,
				   &settings->own, &settings->own_count);
}

static int read_leaks(struct settings_place *place, const json_t *value, void *ret_value)
{
	static const struct settings_key keys[] = {
		{"min_bytes_per_iteration", settings_read_amount,
		 offsetof(struct gate_leak_rule, min_bytes_per_iteration), false},
		{"p", read_p, offsetof(struct gate_leak_rule, p), false},
		{"max_sites", read_max_sites, offsetof(struct gate_leak_rule, max_sites),
		 false},
		{0},
	};
	struct gate_leak_rule *rule = ret_value;
	rule->asked = true;
	return settings_read_table(place, value, keys, rule);
}

static int read_settings(struct settings_place *place, const json_t *table, void *settings)
{
	static const struct settings_key keys[] = {
		{"baseline", settings_read_text, offsetof(struct gate_settings, baseline),
		 false},
		{"repeat", read_repeat, offsetof(struct gate_settings, repeat), false},
		{"warmup", read_warm_up, offsetof(struct gate_settings, warm_up), false},
		{"windows", read_windows, offsetof(struct gate_settings, windows), false},
		{"own", read_own, 0, false},
		{"ignore", read_ignored, 0, false},
		{"budgets", read_budgets, 0, false},
		{"leaks", read_leaks, offsetof(struct gate_settings, leaks), false},
		{0},
	};
	return settings_read_table(place, table, keys, settings);
}

/* false: the file has no such table. */
static int read_file(const char *path, struct gate_settings *settings, bool *ret_found,
		     struct err *err)
{
	static const struct settings_key keys[] = {{"gate", read_settings, 0, false}, {0}};
	struct settings_place place = {.path = path, .key = TOOL, .err = err};
	json_t *document = toml_file_read(path, err);
	if (!document)
		return -1;
	const json_t *tool = json_object_get(json_object_get(document, "tool"), "memtrace");
	*ret_found = json_object_get(tool, "gate") != NULL;
	const int failed = tool ? settings_read_table(&place, tool, keys, settings) : 0;
	json_decref(document);
	return failed;
}

static void take_path(const char *path, struct gate_settings *settings)
{
	char whole[PATH_MAX];
	free(settings->path);
	free(settings->folder);
	settings->path = mem_text(path);
	settings->folder = mem_text(realpath(path, whole) ? whole : path);
	char *slash = strrchr(settings->folder, '/');
	if (slash)
		slash[1] = '\0';
}

/* In the folder and those above it. */
static int search(char *folder, struct gate_settings *settings, struct err *err)
{
	for (bool here = true;; here = false) {
		char path[PATH_MAX + 32];
		bool found = false;
		snprintf(path, sizeof path, "%s%spyproject.toml", here ? "" : folder,
			 here || !folder[1] ? "" : "/");
		if (access(path, F_OK) == 0 && read_file(path, settings, &found, err))
			return -1;
		if (found) {
			take_path(path, settings);
			return 0;
		}
		char *slash = strrchr(folder, '/');
		if (!slash || !folder[1])
			return 0;
		slash[slash == folder] = '\0';
	}
}

int gate_settings_read(const char *path, struct gate_settings *ret_settings, struct err *err)
{
	struct gate_settings settings = {
		.warm_up = GATE_WARM_UP,
		.windows = GATE_FEWEST_WINDOWS,
		.leaks = {.min_bytes_per_iteration = 1, .p = 0.05},
	};
	char folder[PATH_MAX];
	bool found = false;
	int failed;
	if (!getcwd(folder, sizeof folder))
		return err_set(err, "the working directory can't be told: %s", strerror(errno));
	if (path) {
		failed = read_file(path, &settings, &found, err);
		if (!failed && !found)
			failed = err_set(err, "%s: has no [" TOOL ".gate]", path);
		take_path(path, &settings);
	} else {
		failed = search(folder, &settings, err);
	}
	if (failed)
		gate_settings_release(&settings);
	else
		*ret_settings = settings;
	return failed;
}

void gate_settings_release(struct gate_settings *settings)
{
	for (size_t i = 0; i < settings->own_count; i++)
		free(settings->own[i]);
	for (size_t i = 0; i < settings->ignored_count; i++) {
		free(settings->ignored[i].site);
		free(settings->ignored[i].reason);
	}
	free(settings->own);
	free(settings->ignored);
	free(settings->budgets);
	free(settings->baseline);
	free(settings->path);
	free(settings->folder);
	*settings = (struct gate_settings){.path = NULL};
}

bool gate_settings_stand_alone(const struct gate_settings *settings)
{
	for (size_t i = 0; i < settings->budget_count; i++)
		if (!isnan(settings->budgets[i].max))
			return true;
	return settings->leaks.asked;
}
