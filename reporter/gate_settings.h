/*
 * gate_settings.h - what a gate is told by [tool.memtrace.gate] of a pyproject.toml, or of a file
 * of that form.
 *
 * Nothing is passed over: a key that isn't known, a value of another kind, a text that means
 * nothing is an error whose sentence has the file, the key, and what would be right.
 *
 * Memory: gate_settings_release.
 */
#ifndef MEMTRACE_GATE_SETTINGS_H
#define MEMTRACE_GATE_SETTINGS_H

#include "../collector/err.h"
#include "gate_compare.h"
#include "path_globs.h"

/* At least one of a maximum and a tolerance against the baseline. */
struct gate_budget {
	enum gate_metric metric;
	double max; /* in the metric's unit; NAN: none */
	bool has_tolerance;
	struct gate_tolerance tolerance;
	enum gate_on_noise on_noise;
};

/* A site that is known, and not to be judged by itself. */
struct gate_ignored {
	char *site; /* a pattern (fnmatch) of its key */
	char *reason;
	double max_bytes; /* up to so many at the end; NAN: any */
};

struct gate_leak_rule {
	bool asked;
	double min_bytes_per_iteration;
	double p;         /* of the sites that are called leaks a part that isn't, at most */
	double max_sites; /* so many may leak */
};

struct gate_settings {
	char *path;     /* NULL: there is no such file */
	char *folder;   /* that it is in, with a slash at its end; the working directory's */
	char *baseline; /* NULL: not said */
	double repeat;  /* 0: not said */
	double warm_up, windows;
	char **own;
	size_t own_count; /* 0: neither Python's library nor packages */
	struct gate_ignored *ignored;
	size_t ignored_count;
	struct gate_budget *budgets;
	size_t budget_count;
	bool has_budgets; /* otherwise the default ones are meant */
	struct gate_leak_rule leaks;
};

/*
 * Of `path`, or, where it is NULL, of the first pyproject.toml that has such a table, in the
 * working directory or above it. Where there is none everything is as without any.
 */
int gate_settings_read(const char *path, struct gate_settings *ret_settings, struct err *err);
void gate_settings_release(struct gate_settings *settings);

/* Whether anything is judged without a baseline. */
bool gate_settings_stand_alone(const struct gate_settings *settings);

#endif
