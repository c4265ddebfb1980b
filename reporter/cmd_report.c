/* Which lines memory grew from. */
#include <stdlib.h>

#include "../collector/mem.h"

#include "command.h"
#include "options.h"
#include "report.h"
#include "select.h"

struct arguments {
	struct options options;
	const char *from, *to;
	const char *focus, *ignore; /* as given; NULL: none */
	enum growth_by by;
	size_t limit;
	char **files;
	size_t file_count;
};

enum key { KEY_FROM = 0x200, KEY_TO, KEY_BY, KEY_FOCUS, KEY_IGNORE };

static const struct argp_option option_table[] = {
	{"from", KEY_FROM, "MARK|TIME", 0, "Growth since this moment (start; of a forked process: fork)", 0},
	{"to", KEY_TO, "MARK|TIME", 0, "What is live at this moment (end)", 0},
	{"by", KEY_BY, "WHAT", 0,
	 "line (the default), own (the innermost line of your own code), function, file, "
	 "module,"
	 " stack or thread",
	 0},
	{NULL, 'n', "N", 0, "Rows to show (10); 0 is all", 0},
	{"focus", KEY_FOCUS, "RE", 0,
	 "Only stacks with a frame that matches this extended regular expression, as"
	 " \"FILE:LINE FUNCTION\"",
	 0},
	{"ignore", KEY_IGNORE, "RE", 0, "No stacks with a frame that matches", 0},
	{0},
};

static size_t parse_limit(struct argp_state *state, const char *text)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end)
		argp_error(state, "-n: '%s' is not a number of rows", text);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case KEY_FROM:
		arguments->from = arg;
		return 0;
	case KEY_TO:
		arguments->to = arg;
		return 0;
	case KEY_BY:
		arguments->by = (enum growth_by)options_word(state, "--by", arg,
							     growth_by_names);
		return 0;
	case 'n':
		arguments->limit = parse_limit(state, arg);
		return 0;
	case KEY_FOCUS:
		arguments->focus = arg;
		return 0;
	case KEY_IGNORE:
		arguments->ignore = arg;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->files = state->argv + state->next;
		arguments->file_count = (size_t)(state->argc - state->next);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What stays the same from FILE to FILE. */
struct printing {
	const struct arguments *arguments;
	const regex_t *focus, *ignore;
	struct term term;
	struct json json;
};

static int find_moments(const struct arguments *arguments, struct report *report,
			struct err *err)
{
	const char *from = arguments->from ? arguments->from : moment_beginning(report->profile);
	if (moment_find(report->profile, from, &report->from, err) ||
	    moment_find(report->profile, arguments->to, &report->to, err))
		return -1;
	if (report->from.seconds > report->to.seconds)
		return err_set(err, "%s: --from %s (%s) is after --to %s (%s)",
			       report->profile->path, from,
			       units_seconds(report->from.seconds).text, arguments->to,
			       units_seconds(report->to.seconds).text);
	return 0;
}

static int print_profile(struct printing *printing, const struct selected *selected,
			 struct err *err)
{
	const struct arguments *arguments = printing->arguments;
	struct report report = {
		.profile = selected->profile,
		.by = arguments->by,
		.limit = arguments->limit,
		.running = selected->running,
		.recovered_now = selected->recovered_now,
		.filtered = printing->focus || printing->ignore,
	};
	if (find_moments(arguments, &report, err))
		return -1;
	profile_check_blocks(selected->profile);
	struct lines *lines = lines_new(selected->profile, arguments->by == GROWTH_BY_THREAD);
	const struct growth_query query = {
		.lines = lines,
		.from = report.from,
		.to = report.to,
		.by = report.by,
		.focus = printing->focus,
		.ignore = printing->ignore,
	};
	report.lines = lines;
	growth_compute(&query, &report.growth);
	if (arguments->options.json)
		report_json(&report, &printing->json);
	else
		report_text(&report, &printing->term, arguments->options.units);
	growth_release(&report.growth);
	lines_free(lines);
	return 0;
}

static int print_file(struct printing *printing, const char *name)
{
	struct selected selected;
	struct err err;
	if (select_open(name, &selected, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	const int failed = print_profile(printing, &selected, &err);
	profile_free(selected.profile);
	if (failed)
		command_say("%s", err.text);
	return failed ? STATUS_FAILED : STATUS_FINE;
}

static int print_set(struct printing *printing)
{
	const struct arguments *arguments = printing->arguments;
	int status = STATUS_FINE;
	if (arguments->options.json) {
		json_object(&printing->json, NULL);
		json_text(&printing->json, "schema", "memtrace.set/1");
		json_array(&printing->json, "reports");
	}
	for (size_t i = 0; i < arguments->file_count; i++) {
		if (!arguments->options.json)
			printf("%s== %s ==\n", i ? "\n" : "", arguments->files[i]);
		const int one = print_file(printing, arguments->files[i]);
		status = one ? one : status;
	}
	if (arguments->options.json) {
		json_close(&printing->json);
		json_close(&printing->json);
	}
	return status;
}

static int print_all(struct printing *printing)
{
	const struct arguments *arguments = printing->arguments;
	__attribute__((cleanup(mem_scope))) char *newest = NULL;
	struct err err;
	term_init(&printing->term, stdout, arguments->options.color);
	json_init(&printing->json, stdout, 2);
	if (arguments->file_count > 1)
		return print_set(printing);
	if (arguments->file_count == 1)
		return print_file(printing, arguments->files[0]);
	if (select_newest(&newest, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	return print_file(printing, newest);
}

/* NULL, and *ret_failed, where it is no regular expression. */
static const regex_t *compile(const char *option, const char *text, regex_t *pattern,
			      bool *ret_failed)
{
	char reason[200];
	if (!text)
		return NULL;
	const int error = regcomp(pattern, text, REG_EXTENDED | REG_NOSUB);
	if (!error)
		return pattern;
	regerror(error, pattern, reason, sizeof reason);
	command_say("%s: '%s' is no regular expression: %s", option, text, reason);
	*ret_failed = true;
	return NULL;
}

int cmd_report(int argc, char **argv)
{
	static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "[FILE...]",
		.doc = "Which lines memory grew from, between two moments of a run.\v"
		       "Without FILE it is the newest run in this directory. FILE may be any "
		       "of a"
		       " run's files. A MARK that was set several times is MARK#1, MARK#2, ...;"
		       " MARK alone is the last. A TIME such as 12.5s counts from the start.",
		.children = children,
	};
	struct arguments arguments = {.to = "end", .limit = 10};
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	regex_t focus, ignore;
	bool failed = false;
	struct printing printing = {.arguments = &arguments};
	printing.focus = compile("--focus", arguments.focus, &focus, &failed);
	printing.ignore = compile("--ignore", arguments.ignore, &ignore, &failed);
	const int status = failed ? STATUS_USAGE : print_all(&printing);
	if (printing.focus)
		regfree(&focus);
	if (printing.ignore)
		regfree(&ignore);
	return status;
}
