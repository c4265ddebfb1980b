/* Which lines memory grew from. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "../collector/mem.h"

#include "command.h"
#include "file_set.h"
#include "filter.h"
#include "lineage.h"
#include "merge.h"
#include "follow.h"
#include "options.h"
#include "page.h"
#include "report.h"
#include "report_make.h"

struct arguments {
	struct options options;
	const char *from, *to;
	const char *focus, *ignore; /* as given; NULL: none */
	enum grouping_by by;
	size_t limit;
	bool merge;
	bool frees;
	double live_seconds; /* between two reports of a running program; 0: one report */
	char **files;
	size_t file_count;
};

enum key {
	KEY_FROM = 0x200,
	KEY_TO,
	KEY_BY,
	KEY_FOCUS,
	KEY_IGNORE,
	KEY_MERGE,
	KEY_LIVE,
	KEY_FREES
};

static const struct argp_option option_table[] = {
	{"from", KEY_FROM, "MARK|TIME", 0,
	 "Growth since this moment (start; of a forked process: fork)", 0},
	{"to", KEY_TO, "MARK|TIME", 0, "What is live at this moment (end)", 0},
	{"by", KEY_BY, "WHAT", 0,
	 "line (the default), own (the innermost line of your own code), function, file,"
	 " module, stack or thread",
	 0},
	{NULL, 'n', "N", 0, "Rows to show (10); 0 is all", 0},
	{"focus", KEY_FOCUS, "RE", 0,
	 "Only stacks with a frame that matches this extended regular expression, as"
	 " \"FILE:LINE FUNCTION\"",
	 0},
	{"ignore", KEY_IGNORE, "RE", 0, "No stacks with a frame that matches", 0},
	{"merge", KEY_MERGE, NULL, 0,
	 "One report of all FILEs, such as those of a server's workers: their growth is added"
	 " up",
	 0},
	{"frees", KEY_FREES, NULL, 0,
	 "Who frees the blocks of each row, at length; of runs with MEMTRACE_FREES=1", 0},
	{"live", KEY_LIVE, "SECONDS", OPTION_ARG_OPTIONAL,
	 "Of a program that runs, PID or FILE: again and again, in place on a terminal, until "
	 "it"
	 " ends (every 2 seconds)",
	 0},
	{0},
};

/* Otherwise a usage error. */
static double parse_pause(struct argp_state *state, const char *text)
{
	char *end;
	const double seconds = strtod(text, &end);
	if (*end || !(seconds >= 0.1 && seconds <= 86400))
		argp_error(state, "--live takes seconds, 0.1 to 86400, not '%s'", text);
	return seconds;
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
		arguments->by = (enum grouping_by)options_word(state, "--by", arg,
							       grouping_by_names);
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
	case KEY_MERGE:
		arguments->merge = true;
		return 0;
	case KEY_FREES:
		arguments->frees = true;
		return 0;
	case KEY_LIVE:
		arguments->live_seconds = parse_pause(state, arg ? arg : "2");
		return 0;
	case ARGP_KEY_END:
		if (arguments->live_seconds > 0 && arguments->file_count != 1)
			argp_error(state, "--live wants one running program: PID or FILE");
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
	struct report_query query;
	struct term term;
	struct json json;
};

static void print_report(struct printing *printing, const struct report *report)
{
	if (printing->arguments->options.json)
		report_json(report, printing->arguments->options.units, &printing->json);
	else
		report_text(report, &printing->term, printing->arguments->options.units);
}

/* Opens FILE and computes; on failure says why. */
static int make_report(const struct printing *printing, const char *name,
		       struct report *ret_report)
{
	struct err err;
	const int result = report_open(&printing->query, name, ret_report, &err);
	if (result)
		command_say("%s", err.text);
	return result;
}

static int print_file(struct printing *printing, const char *name)
{
	struct report report;
	if (make_report(printing, name, &report))
		return STATUS_FAILED;
	print_report(printing, &report);
	report_release(&report);
	return STATUS_FINE;
}

/* What the moments of several processes have in common is what they were asked for by. */
static struct moment shared_moment(const char *asked, const char *unasked)
{
	struct moment moment = {.asked_seconds = -1};
	snprintf(moment.name, sizeof moment.name, "%s", asked ? asked : unasked);
	return moment;
}

static void print_sum(struct printing *printing, const struct report *parts, size_t count)
{
	const struct arguments *arguments = printing->arguments;
	struct merge merge;
	merge_init(&merge, parts, count);
	const struct report report = {
		.profile = parts[merge.lineage.places[0].part].profile,
		.merge = &merge,
		.growth = merge.growth,
		.pinning = merge.pinning,
		.by = arguments->by,
		.from = shared_moment(arguments->from, "each one's start or fork"),
		.to = shared_moment(arguments->to, "end"),
		.limit = arguments->limit,
		.filtered = printing->query.focus || printing->query.ignore,
		.frees = arguments->frees,
	};
	print_report(printing, &report);
	merge_release(&merge);
}

/* A sum that lacks a process would be taken for the whole: a bad FILE fails it. */
static int print_merged(struct printing *printing, char *const *files, size_t count)
{
	__attribute__((cleanup(mem_scope))) struct report *parts =
		mem_alloc(count * sizeof parts[0]);
	size_t made = 0;
	while (made < count && make_report(printing, files[made], &parts[made]) == 0)
		made++;
	if (made == count)
		print_sum(printing, parts, count);
	for (size_t i = 0; i < made; i++)
		report_release(&parts[i]);
	return made == count ? STATUS_FINE : STATUS_FAILED;
}

static void print_parts(struct printing *printing, const struct report *parts,
			char *const *names, const struct lineage *lineage)
{
	const struct options *options = &printing->arguments->options;
	struct json *json = &printing->json;
	if (options->json) {
		json_open_object(json, NULL);
		json_text(json, "schema", "memtrace.set/1");
		report_json_tree(parts, lineage, json);
		json_open_array(json, "reports");
	} else if (lineage->count) {
		report_tree(parts, lineage, &printing->term, options->units);
	}
	for (size_t i = 0; i < lineage->count; i++) {
		if (!options->json)
			printf("\n== %s ==\n", names[i]);
		print_report(printing, &parts[i]);
	}
	if (options->json) {
		json_close(json);
		json_close(json);
	}
}

/* One report after the other; a bad FILE costs its own. */
static int print_set(struct printing *printing, char *const *files, size_t count)
{
	__attribute__((cleanup(mem_scope))) struct report *parts =
		mem_alloc(count * sizeof parts[0]);
	__attribute__((cleanup(mem_scope))) char **names = mem_alloc(count * sizeof names[0]);
	__attribute__((cleanup(mem_scope)))
	const struct profile **profiles = mem_alloc(count * sizeof profiles[0]);
	struct lineage lineage;
	size_t made = 0;
	for (size_t i = 0; i < count; i++) {
		if (make_report(printing, files[i], &parts[made]))
			continue;
		names[made] = files[i];
		profiles[made] = parts[made].profile;
		made++;
	}
	lineage_init(&lineage, profiles, made);
	print_parts(printing, parts, names, &lineage);
	lineage_release(&lineage);
	for (size_t i = 0; i < made; i++)
		report_release(&parts[i]);
	return made == count ? STATUS_FINE : STATUS_FAILED;
}

static int print_files(struct printing *printing, const struct file_set *set)
{
	const struct arguments *arguments = printing->arguments;
	if (arguments->merge)
		return print_merged(printing, set->names, set->count);
	/* Whoever reads JSON knows what was asked for, and not how many there were. */
	if (set->count > 1 || (set->several && arguments->options.json))
		return print_set(printing, set->names, set->count);
	return print_file(printing, set->names[0]);
}

static int print_page(struct printing *printing, struct profile *profile)
{
	const struct selected selected = {.profile = profile, .running = true};
	struct report report;
	struct page page;
	struct err err;
	if (report_make(&printing->query, &selected, &report, &err)) {
		command_say("%s", err.text);
		return -1;
	}
	page_begin(&page, &printing->term);
	print_report(printing, &report);
	page_end(&page, &printing->term);
	report_release(&report);
	return 0;
}

/* What they cost the machine is a tenth of a processor at most. */
static void pause_after(double worked_seconds, double asked_seconds)
{
	const double seconds = worked_seconds * 9 > asked_seconds ? worked_seconds * 9
								  : asked_seconds;
	nanosleep(&(struct timespec){.tv_sec = (time_t)seconds,
				     .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)},
		  NULL);
}

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int print_pages(struct printing *printing, struct follow *follow)
{
	struct profile *profile;
	struct err err;
	int got;
	for (;;) {
		const double start = now_seconds();
		got = follow_next(follow, &profile, &err);
		if (got <= 0)
			break;
		if (print_page(printing, profile))
			return STATUS_FAILED;
		pause_after(now_seconds() - start, printing->arguments->live_seconds);
	}
	if (got == 0)
		return print_file(printing, follow->ring.out);
	command_say("%s", err.text);
	return STATUS_FAILED;
}

static int print_live(struct printing *printing)
{
	struct follow follow;
	struct err err;
	term_init(&printing->term, stdout, printing->arguments->options.color);
	json_init(&printing->json, stdout, 2);
	if (follow_open(printing->arguments->files[0], &follow, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	const int status = print_pages(printing, &follow);
	follow_release(&follow);
	return status;
}

static int find_files(const struct arguments *arguments, struct file_set *set, struct err *err)
{
	__attribute__((cleanup(mem_scope))) char *newest = NULL;
	if (arguments->file_count)
		return file_set_init(set, arguments->files, arguments->file_count, err);
	return select_newest(&newest, err) ? -1 : file_set_init(set, &newest, 1, err);
}

static int print_all(struct printing *printing)
{
	const struct arguments *arguments = printing->arguments;
	__attribute__((cleanup(file_set_release))) struct file_set set = {.names = NULL};
	struct err err;
	term_init(&printing->term, stdout, arguments->options.color);
	json_init(&printing->json, stdout, 2);
	if (find_files(arguments, &set, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	return print_files(printing, &set);
}

int cmd_report(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "[FILE...]",
		.doc = "Which lines memory grew from, between two moments of a run.\vWithout"
		       " FILE it is the newest run in this directory. FILE may be any of a"
		       " run's files, a folder of runs or a pattern; several begin with a"
		       " tree of their processes. A MARK that was set several times is MARK#1, "
		       "MARK#2,"
		       " ...; MARK alone is the last. A TIME such as 12.5s counts from the"
		       " start.",
		.children = options_children,
	};
	struct arguments arguments = {.to = "end", .limit = 10};
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	struct filter filter;
	struct err err;
	if (filter_init(&filter, arguments.focus, arguments.ignore, &err)) {
		command_say("%s", err.text);
		return STATUS_USAGE;
	}
	struct printing printing = {
		.arguments = &arguments,
		.query =
			{
				.from = arguments.from,
				.to = arguments.to,
				.focus = filter.focus,
				.ignore = filter.ignore,
				.by = arguments.by,
				.limit = arguments.limit,
				.units = arguments.options.units,
				.frees = arguments.frees,
				.whole_paths = arguments.options.json,
				.births = arguments.options.json,
			},
	};
	const int status = arguments.live_seconds > 0 ? print_live(&printing)
						      : print_all(&printing);
	filter_release(&filter);
	return status;
}
