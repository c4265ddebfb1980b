/* Two profiles compared. */
#include "command.h"
#include "diff_print.h"
#include "filter.h"
#include "options.h"
#include "select.h"

struct arguments {
	struct options options;
	const char *from, *to;
	const char *focus, *ignore;
	enum grouping_by by;
	enum diff_weight weight;
	bool weighted;
	size_t limit;
	const char *before, *after;
};

enum key { KEY_BY = 0x200, KEY_WEIGHT, KEY_FROM, KEY_TO, KEY_FOCUS, KEY_IGNORE };

static const struct argp_option option_table[] = {
	{"by", KEY_BY, "WHAT", 0,
	 "line (the default), own (the innermost line of your own code), function, file or"
	 " module",
	 0},
	{"weight", KEY_WEIGHT, "WHAT", 0,
	 "What is compared: live (the default), growth (where --from is given), peak or total",
	 0},
	{"from", KEY_FROM, "MARK|TIME", 0, "What grew since this moment of each", 0},
	{"to", KEY_TO, "MARK|TIME", 0, "What is live at this moment of each (end)", 0},
	{NULL, 'n', "N", 0, "Rows to show that grew, and that shrank (10); 0 is all", 0},
	{"focus", KEY_FOCUS, "RE", 0,
	 "Only stacks with a frame that matches this extended regular expression, as"
	 " \"FILE:LINE FUNCTION\"",
	 0},
	{"ignore", KEY_IGNORE, "RE", 0, "No stacks with a frame that matches", 0},
	{0},
};

static enum grouping_by parse_by(struct argp_state *state, const char *text)
{
	static const char *const names[] = {"line", "own", "function", "file", "module", NULL};
	return (enum grouping_by)options_word(state, "--by", text, names);
}

static void add_file(struct arguments *arguments, struct argp_state *state, const char *file)
{
	if (!arguments->before)
		arguments->before = file;
	else if (!arguments->after)
		arguments->after = file;
	else
		argp_error(state, "two FILEs only, not '%s' as well", file);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case KEY_BY:
		arguments->by = parse_by(state, arg);
		return 0;
	case KEY_WEIGHT:
		arguments->weight = (enum diff_weight)options_word(state, "--weight", arg,
								   diff_weight_names);
		arguments->weighted = true;
		return 0;
	case KEY_FROM:
		arguments->from = arg;
		return 0;
	case KEY_TO:
		arguments->to = arg;
		return 0;
	case 'n':
		arguments->limit = options_rows(state, arg);
		return 0;
	case KEY_FOCUS:
		arguments->focus = arg;
		return 0;
	case KEY_IGNORE:
		arguments->ignore = arg;
		return 0;
	case ARGP_KEY_ARG:
		add_file(arguments, state, arg);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->after)
			argp_error(state, "two FILEs are compared: BEFORE and AFTER");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_diff(const struct arguments *arguments, const struct diff_query *query)
{
	struct diff diff;
	diff_init(&diff, query);
	if (arguments->options.json) {
		struct json json;
		json_init(&json, stdout, 2);
		diff_json(&diff, arguments->limit, &json);
	} else {
		struct term term;
		term_init(&term, stdout, arguments->options.color);
		diff_text(&diff, arguments->limit, &term, arguments->options.units);
	}
	diff_release(&diff);
}

static int compare(const struct arguments *arguments, const struct filter *filter,
		   const struct selected *before, const struct selected *after)
{
	struct diff_query query = {
		.before = before->profile,
		.after = after->profile,
		.before_running = before->running,
		.after_running = after->running,
		.by = arguments->by,
		.weight = arguments->weight,
		.focus = filter->focus,
		.ignore = filter->ignore,
	};
	struct err err;
	if (moment_find_span(before->profile, arguments->from, arguments->to,
			     &query.before_from, &query.before_to, &err) ||
	    moment_find_span(after->profile, arguments->from, arguments->to, &query.after_from,
			     &query.after_to, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	if (!arguments->weighted && arguments->from)
		query.weight = DIFF_GROWTH;
	print_diff(arguments, &query);
	return STATUS_FINE;
}

static int open_and_compare(const struct arguments *arguments, const struct filter *filter)
{
	struct selected before, after;
	struct err err;
	if (select_open(arguments->before, &before, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	if (select_open(arguments->after, &after, &err)) {
		command_say("%s", err.text);
		profile_free(before.profile);
		return STATUS_FAILED;
	}
	const int status = compare(arguments, filter, &before, &after);
	profile_free(before.profile);
	profile_free(after.profile);
	return status;
}

int cmd_diff(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "BEFORE AFTER",
		.doc = "Two runs compared, such as of two versions of a program: which lines"
		       " have more live than before, and which have less.\vLines, functions and"
		       " files are the same ones when they moved, and where it can be told,"
		       " when they were renamed.",
		.children = options_children,
	};
	struct arguments arguments = {.to = "end", .limit = 10};
	struct filter filter;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	if (filter_init(&filter, arguments.focus, arguments.ignore, &err)) {
		command_say("%s", err.text);
		return STATUS_USAGE;
	}
	const int status = open_and_compare(&arguments, &filter);
	filter_release(&filter);
	return status;
}
