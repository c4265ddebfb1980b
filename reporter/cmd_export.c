/* A profile in other tools' formats. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../collector/mem.h"

#include "command.h"
#include "doubts.h"
#include "export.h"
#include "filter.h"
#include "options.h"
#include "select.h"

struct arguments {
	const struct export_format *format;
	bool weighted; /* by one, which is: */
	enum weight_kind weight;
	const char *from, *to;
	const char *focus, *ignore;
	bool threads;
	const char *out;  /* NULL: standard output */
	const char *file; /* NULL: the newest */
};

enum key {
	KEY_FORMAT = 0x200,
	KEY_WEIGHT,
	KEY_FROM,
	KEY_TO,
	KEY_FOCUS,
	KEY_IGNORE,
	KEY_THREADS
};

static const struct argp_option option_table[] = {
	{"format", KEY_FORMAT, "FORMAT", 0,
	 "folded (stacks, one a line: flamegraph.pl, inferno) or speedscope (JSON)", 0},
	{"weight", KEY_WEIGHT, "WHAT", 0,
	 "How heavy a stack is: live (the default; speedscope: all of them, side by side),"
	 " growth, pinned, peak or total",
	 0},
	{"output", 'o', "OUT", 0, "Where to (standard output)", 0},
	{"from", KEY_FROM, "MARK|TIME", 0,
	 "Growth since this moment (start; of a forked process: fork)", 0},
	{"to", KEY_TO, "MARK|TIME", 0, "What is live at this moment (end)", 0},
	{"focus", KEY_FOCUS, "RE", 0,
	 "Only stacks with a frame that matches this extended regular expression, as"
	 " \"FILE:LINE FUNCTION\"",
	 0},
	{"ignore", KEY_IGNORE, "RE", 0, "No stacks with a frame that matches", 0},
	{"threads", KEY_THREADS, NULL, 0, "A stack's first frame is its thread", 0},
	{0},
};

static const struct export_format *parse_format(struct argp_state *state, const char *text)
{
	enum { MOST = 16 };
	const char *names[MOST] = {NULL};
	for (size_t i = 0; i < MOST - 1 && export_formats[i].name; i++)
		names[i] = export_formats[i].name;
	return &export_formats[options_word(state, "--format", text, names)];
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case KEY_FORMAT:
		arguments->format = parse_format(state, arg);
		return 0;
	case KEY_WEIGHT:
		arguments->weight = (enum weight_kind)options_word(state, "--weight", arg,
								   weight_names);
		arguments->weighted = true;
		return 0;
	case 'o':
		arguments->out = arg;
		return 0;
	case KEY_FROM:
		arguments->from = arg;
		return 0;
	case KEY_TO:
		arguments->to = arg;
		return 0;
	case KEY_FOCUS:
		arguments->focus = arg;
		return 0;
	case KEY_IGNORE:
		arguments->ignore = arg;
		return 0;
	case KEY_THREADS:
		arguments->threads = true;
		return 0;
	case ARGP_KEY_ARG:
		arguments->file = options_only(state, "FILE", arg);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->format)
			argp_error(state, "no --format: folded or speedscope");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What a picture can't show is said, so that its sum isn't taken for a report's. */
static void say_left_out(const struct weight *weight)
{
	if (weight->shrunk_count)
		command_say(
			"%zu stacks that shrank, by %llu bytes together, are left out of the"
			" %s",
			weight->shrunk_count, (unsigned long long)weight->shrunk_bytes,
			weight->caption);
}

/* How many there are; 0, and says why, where the one that was asked for isn't known. */
static size_t make_weights(const struct arguments *arguments, const struct weight_query *query,
			   struct weight *weights)
{
	const bool all = arguments->format->many && !arguments->weighted;
	size_t count = 0;
	for (enum weight_kind kind = 0; kind < WEIGHT_COUNT; kind++) {
		if (!all && kind != arguments->weight)
			continue;
		weight_compute(query, kind, &weights[count]);
		say_left_out(&weights[count]);
		if (weights[count].known)
			count++;
		else
			weight_release(&weights[count]);
	}
	if (!count)
		command_say("%s doesn't tell who holds the arenas at %s",
			    query->grouping->lines->profile->path, query->to.name);
	return count;
}

/* Nobody wants a profile replaced by a picture of it. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat first, second;
	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static int write_out(const struct arguments *arguments, const struct export *export)
{
	const char *path = arguments->out;
	if (!path) {
		arguments->format->write(export, stdout);
		return STATUS_FINE;
	}
	if (is_same_file(path, export->lines->profile->path)) {
		command_say("-o: '%s' is the profile itself", path);
		return STATUS_USAGE;
	}
	FILE *out = fopen(path, "we");
	bool failed = !out;
	if (out) {
		arguments->format->write(export, out);
		failed = ferror(out);
		failed |= fclose(out) != 0;
	}
	if (failed)
		command_say("can't write to %s: %s", path, strerror(errno));
	return failed ? STATUS_FAILED : STATUS_FINE;
}

static void say_doubt(void *user, const char *sentence)
{
	(void)user;
	command_say("%s", sentence);
}

static int export_profile(const struct arguments *arguments, const struct filter *filter,
			  const struct profile *profile)
{
	struct err err;
	struct weight weights[WEIGHT_COUNT];
	struct grouping grouping = {
		.by = GROUPING_BY_STACK, .focus = filter->focus, .ignore = filter->ignore};
	struct weight_query query = {.grouping = &grouping};
	if (moment_find_span(profile, arguments->from, arguments->to, &query.from, &query.to,
			     &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	struct lines *lines = lines_new(profile, arguments->threads);
	grouping.lines = lines;
	grouping_compute(&grouping);
	doubts_of(profile, say_doubt, NULL);
	const struct export export = {
		.lines = lines,
		.weights = weights,
		.weight_count = make_weights(arguments, &query, weights),
		.name = profile->path,
	};
	const int status = export.weight_count ? write_out(arguments, &export) : STATUS_FAILED;
	for (size_t i = 0; i < export.weight_count; i++)
		weight_release(&weights[i]);
	grouping_release(&grouping);
	lines_free(lines);
	return status;
}

static int open_and_export(const struct arguments *arguments, const struct filter *filter)
{
	__attribute__((cleanup(mem_scope))) char *newest = NULL;
	struct selected selected;
	struct err err;
	if ((!arguments->file && select_newest(&newest, &err)) ||
	    select_open(arguments->file ? arguments->file : newest, &selected, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	if (selected.running)
		command_say("the program still runs: this is its profile so far");
	const int status = export_profile(arguments, filter, selected.profile);
	profile_free(selected.profile);
	return status;
}

int cmd_export(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "[FILE]",
		.doc = "The stacks of a profile, for tools that draw them.\vWithout FILE it is"
		       " the newest run in this directory.",
	};
	struct arguments arguments = {.to = "end"};
	struct filter filter;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	if (filter_init(&filter, arguments.focus, arguments.ignore, &err)) {
		command_say("%s", err.text);
		return STATUS_USAGE;
	}
	const int status = open_and_export(&arguments, &filter);
	filter_release(&filter);
	return status;
}
