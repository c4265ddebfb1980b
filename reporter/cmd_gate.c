/* Fails a build whose memory got worse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "caption.h"
#include "characters.h"
#include "command.h"
#include "gate_checks.h"
#include "gate_join.h"
#include "gate_judge.h"
#include "gate_measure.h"
#include "gate_outputs.h"
#include "gate_ratchet.h"
#include "gate_run.h"
#include "options.h"
#include "shell_word.h"

enum { REPEAT_MOST = 100 };

struct arguments {
	const char *config;   /* NULL: to be looked for */
	const char *baseline; /* NULL: not given */
	struct gate_outputs outputs;
	bool update;
	enum gate_update how;
	size_t repeat; /* 0: not given */
	char **names;  /* profiles; the command, where there is one, stands behind `--` */
	size_t name_count;
	char **checks; /* FILEs with checks */
	size_t check_count;
	char **command;
};

/* What is judged, and by what. */
struct gating {
	const struct arguments *arguments;
	struct gate_settings settings;
	char *baseline; /* NULL: there is none */
	size_t repeat;
	struct gate_measure_query query;
	struct path_globs own;
	struct gate_result result;
};

enum key {
	KEY_CONFIG = 0x200,
	KEY_BASELINE,
	KEY_UPDATE,
	KEY_REPEAT,
	KEY_ANNOTATIONS,
	KEY_COLOR,
	KEY_SURFACE, /* and those behind it: enum gate_output */
};

static const struct argp_option option_table[] = {
	{"config", KEY_CONFIG, "FILE", 0,
	 "Settings: its [tool.memtrace.gate]; otherwise that of the nearest pyproject.toml that"
	 " has one",
	 0},
	{"baseline", KEY_BASELINE, "FILE", 0, "What to compare with: a file that you commit",
	 0},
	{"update-baseline", KEY_UPDATE, "ratchet", OPTION_ARG_OPTIONAL,
	 "Write the baseline as it is now; ratchet: only what became less", 0},
	{"repeat", KEY_REPEAT, "N", 0,
	 "Run COMMAND so many times; of three or more runs the medians count, and what is "
	 "within"
	 " their noise doesn't fail",
	 0},
	{"json", KEY_SURFACE + GATE_OUTPUT_JSON, "FILE", 0, "All of it, as JSON", 0},
	{"junit", KEY_SURFACE + GATE_OUTPUT_JUNIT, "FILE", 0, "A test case for each check", 0},
	{"sarif", KEY_SURFACE + GATE_OUTPUT_SARIF, "FILE", 0, "For code scanning, SARIF 2.1.0",
	 0},
	{"openmetrics", KEY_SURFACE + GATE_OUTPUT_OPENMETRICS, "FILE", 0, "Metrics, quantised",
	 0},
	{"markdown", KEY_SURFACE + GATE_OUTPUT_MARKDOWN, "FILE|auto", 0,
	 "For a comment of a merge request; auto: adds it to the job's summary, where"
	 " GITHUB_STEP_SUMMARY names one",
	 0},
	{"annotations", KEY_ANNOTATIONS, "github|none|auto", 0,
	 "Annotations on stdout; auto (the default): where GITHUB_ACTIONS is true", 0},
	{"color", KEY_COLOR, "auto|always|never", 0, "Colour (auto: on a terminal)", 0},
	{0},
};

static size_t parse_repeat(struct argp_state *state, const char *text)
{
	char *end;
	errno = 0;
	const unsigned long count = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !count || count > REPEAT_MOST)
		argp_error(state, "--repeat takes a number from 1 to %d, not '%s'", REPEAT_MOST,
			   text);
	return count;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const hows[] = {"ratchet", NULL};
	static const char *const annotations[] = {"auto", "github", "none", NULL};
	static const char *const colors[] = {"auto", "always", "never", NULL};
	struct arguments *arguments = state->input;
	struct gate_outputs *outputs = &arguments->outputs;
	if (key >= KEY_SURFACE && key < KEY_SURFACE + GATE_OUTPUT_COUNT) {
		outputs->files[key - KEY_SURFACE] = arg;
		return 0;
	}
	switch (key) {
	case KEY_CONFIG:
		arguments->config = arg;
		return 0;
	case KEY_BASELINE:
		arguments->baseline = arg;
		return 0;
	case KEY_UPDATE:
		arguments->update = true;
		if (arg) {
			options_word(state, "--update-baseline", arg, hows);
			arguments->how = GATE_UPDATE_RATCHET;
		}
		return 0;
	case KEY_REPEAT:
		arguments->repeat = parse_repeat(state, arg);
		return 0;
	case KEY_ANNOTATIONS:
		outputs->annotations = (enum gate_annotations)options_word(
			state, "--annotations", arg, annotations);
		return 0;
	case KEY_COLOR:
		outputs->color = (enum term_color)options_word(state, "--color", arg, colors);
		return 0;
	case ARGP_KEY_ARG:
		if (gate_checks_are_in(arg))
			arguments->checks[arguments->check_count++] = arg;
		else
			arguments->names[arguments->name_count++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void check_arguments(const struct argp *argp, const char *name,
			    const struct arguments *arguments)
{
	const char *wrong = NULL;
	if (!arguments->command && !arguments->name_count && !arguments->check_count)
		wrong = "no FILE and no COMMAND given: profiles to judge, or -- and a command";
	else if (arguments->command && arguments->name_count)
		wrong = "profiles and a COMMAND can't both be judged: give one of them";
	else if (arguments->repeat && !arguments->command)
		wrong = "--repeat is for a COMMAND; give the profile of each run as a FILE";
	if (!wrong)
		return;
	command_say("gate: %s", wrong);
	argp_help(argp, stderr, ARGP_HELP_SEE, (char *)(uintptr_t)name);
	exit(STATUS_USAGE);
}

/* So that a failed check can be had again, word for word. */
static char *command_line(int argc, char **argv)
{
	struct buf line;
	buf_init(&line);
	buf_printf(&line, "memtrace gate");
	for (int i = 1; i < argc; i++) {
		buf_u8(&line, ' ');
		shell_word_append(&line, argv[i]);
	}
	buf_u8(&line, '\0');
	return (char *)line.data;
}

/* Command line over file; the file's own paths are relative to it. */
static void settle(struct gating *gating)
{
	const struct arguments *arguments = gating->arguments;
	const struct gate_settings *settings = &gating->settings;
	struct buf path = {0};
	gating->repeat = arguments->repeat  ? arguments->repeat
			 : settings->repeat ? (size_t)settings->repeat
					    : 1;
	gating->own = (struct path_globs){settings->folder, settings->own, settings->own_count};
	gating->query.warm_up = (unsigned)settings->warm_up;
	gating->query.own = settings->own_count ? &gating->own : NULL;
	if (arguments->baseline) {
		gating->baseline = mem_text(arguments->baseline);
	} else if (settings->baseline) {
		const bool absolute = *settings->baseline == '/';
		buf_printf(&path, "%s%s", absolute ? "" : settings->folder, settings->baseline);
		buf_u8(&path, '\0');
		gating->baseline = (char *)path.data;
	}
}

/* A gate that judges nothing passes by accident. */
static const char *find_nothing_to_judge(const struct gating *gating)
{
	const struct arguments *arguments = gating->arguments;
	if (gating->arguments->update && !arguments->command && !arguments->name_count)
		return "--update-baseline needs a run: a profile, or a command";
	if (gating->baseline || (!arguments->command && !arguments->name_count))
		return NULL;
	if (arguments->update)
		return "--update-baseline needs --baseline FILE: where to write it";
	if (!gate_settings_stand_alone(&gating->settings))
		return "nothing to judge by: give --baseline FILE, or a budget with a max in"
		       " [tool.memtrace.gate]";
	return NULL;
}

/* Each FILE is a run. */
static void measure_files(struct gating *gating, struct gate_result *runs)
{
	const struct arguments *arguments = gating->arguments;
	struct err err;
	for (size_t i = 0; i < arguments->name_count; i++)
		if (gate_measure_run(&gating->query, arguments->names[i], &runs[i], &err))
			gate_result_no_verdict(&gating->result, "%s", err.text);
}

static void fail_command(struct gate_result *result, const char *command, int status)
{
	if (result->status == GATE_NO_VERDICT)
		return;
	gate_result_no_verdict(result,
			       "%s ended with status %d: what it held on its way there is no"
			       " measure; mend the command first",
			       command, status);
	result->status = GATE_COMMAND_FAILED;
}

static void measure_one(struct gating *gating, struct gate_run *run,
			struct gate_result *ret_run)
{
	char *const *command = gating->arguments->command;
	struct gate_result *result = &gating->result;
	struct err err;
	if (gate_run(command, run, &err))
		gate_result_no_verdict(result, "%s", err.text);
	else if (run->status)
		fail_command(result, command[0], run->status);
	else if (!run->profile)
		gate_result_no_verdict(
			result,
			"%s left no profile: it ran no Python that can be traced;"
			" 'memtrace doctor -- COMMAND' tells more",
			command[0]);
	else if (gate_measure_run(&gating->query, run->profile, ret_run, &err))
		gate_result_no_verdict(result, "%s", err.text);
}

static void measure_command(struct gating *gating, struct gate_run *traced,
			    struct gate_result *runs)
{
	const char *seed = getenv("PYTHONHASHSEED");
	for (size_t i = 0; i < gating->repeat && gating->result.status == GATE_FINE; i++) {
		measure_one(gating, &traced[i], &runs[i]);
		if (!i && traced[i].others)
			gate_result_add_warning(&gating->result,
						"the command started %zu more Python processes;"
						" the first one alone is judged",
						traced[i].others);
		runs[i].environment.hash_seed = mem_text(seed && *seed ? seed : "0");
	}
}

/* Those that came before a verdict was out of reach, put together. */
static void join(struct gate_result *runs, size_t count, struct gate_result *result)
{
	struct gate_result joined;
	struct err err;
	if (result->status != GATE_FINE)
		return;
	if (gate_join(runs, count, &joined, &err)) {
		gate_result_no_verdict(result, "%s", err.text);
		return;
	}
	memcpy(result->metrics, joined.metrics, sizeof result->metrics);
	result->sites = joined.sites;
	result->site_count = joined.site_count;
	result->windows = joined.windows;
	result->environment = joined.environment;
}

/* Asked for, it is what is wanted: nothing is held against what was before. */
static void update(struct gating *gating, const struct gate_comparison *comparison)
{
	struct gate_result *result = &gating->result;
	struct err err;
	bool written;
	if (result->status != GATE_FINE && result->status != GATE_REGRESSION)
		return;
	if (gate_ratchet_update(gating->baseline, comparison, result, gating->arguments->how,
				&written, &err))
		gate_result_no_verdict(result, "%s", err.text);
	else
		command_say("%s %s", gating->baseline,
			    written ? "was written" : "is up to date");
}

/* A baseline that is to be written anew isn't compared with; what is absolute holds all the same. */
static void judge(struct gating *gating)
{
	const struct gate_settings *settings = &gating->settings;
	struct gate_result *result = &gating->result;
	const bool compares = gating->baseline &&
			      (!gating->arguments->update ||
			       gating->arguments->how == GATE_UPDATE_RATCHET);
	struct gate_baseline baseline = {.sites = NULL};
	struct err err;
	if (result->status != GATE_FINE)
		return;
	__attribute__((cleanup(mem_scope))) bool *ignored = gate_judge_ignored(settings,
									       result);
	__attribute__((cleanup(mem_scope))) struct gate_compare_budget *budgets =
		mem_alloc((settings->budget_count + 1) * sizeof budgets[0]);
	const struct gate_comparison comparison = gate_judge_comparison(settings, ignored,
									budgets);
	if (compares && gate_baseline_read(gating->baseline, &baseline, &err)) {
		gate_result_no_verdict(result, "%s", err.text);
		return;
	}
	gate_judge_limits(settings, compares ? &baseline : NULL, result);
	gate_judge_leaks(settings, ignored, result);
	if (compares)
		gate_compare(&comparison, &baseline, result);
	if (gating->arguments->update)
		update(gating, &comparison);
	gate_baseline_release(&baseline);
}

static void add_checks(struct gating *gating)
{
	const struct arguments *arguments = gating->arguments;
	struct err err;
	for (size_t i = 0; i < arguments->check_count; i++)
		if (gate_checks_read(arguments->checks[i], &gating->result, &err))
			gate_result_no_verdict(&gating->result, "%s", err.text);
}

/* A profile of what wasn't fine is worth a look. */
static void release_runs(struct gate_run *traced, struct gate_result *runs, size_t count,
			 bool fine)
{
	for (size_t i = 0; i < count; i++) {
		const bool keep = !fine && traced[i].profile && !i;
		if (keep)
			command_say("the profile is kept: memtrace report %s",
				    traced[i].profile);
		gate_run_release(&traced[i], keep);
		gate_result_release(&runs[i]);
	}
	free(runs);
	free(traced);
}

static int run_gate(struct gating *gating)
{
	const struct arguments *arguments = gating->arguments;
	const struct caption_folder folder = caption_working_directory();
	const size_t count = arguments->command ? gating->repeat : arguments->name_count;
	struct gate_result *result = &gating->result;
	struct gate_result *runs = mem_alloc(count * sizeof runs[0]);
	struct gate_run *traced = mem_alloc(count * sizeof traced[0]);
	result->baseline_path = gating->baseline ? mem_text(gating->baseline) : NULL;
	gating->query.folder = folder.path;
	if (arguments->command)
		measure_command(gating, traced, runs);
	else
		measure_files(gating, runs);
	if (count) {
		join(runs, count, result);
		judge(gating);
	}
	add_checks(gating);
	gate_outputs_write(&arguments->outputs, result);
	const int status = (int)result->status;
	release_runs(traced, runs, count, status == GATE_FINE);
	return status;
}

/* A file is quoted, and a terminal obeys what may stand in one. */
static void say_wrong(const char *sentence)
{
	struct buf line = {0};
	characters_put_line(&line, sentence);
	buf_u8(&line, '\0');
	command_say("gate: %s", (const char *)line.data);
	buf_release(&line);
}

/* Settings that are wrong are found before anything is run. */
static int gate(const struct arguments *arguments, char *again)
{
	struct gating gating = {.arguments = arguments,
				.result = {.status = GATE_FINE, .command = again}};
	struct err err;
	int status = STATUS_USAGE;
	if (gate_settings_read(arguments->config, &gating.settings, &err)) {
		say_wrong(err.text);
	} else {
		settle(&gating);
		const char *nothing = find_nothing_to_judge(&gating);
		if (nothing)
			command_say("gate: %s", nothing);
		else
			status = run_gate(&gating);
		gate_settings_release(&gating.settings);
	}
	gate_result_release(&gating.result);
	free(gating.baseline);
	return status;
}

int cmd_gate(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "FILE...\n-- COMMAND [ARG...]",
		.doc = "Fails a build whose memory got worse, and names the line.\v"
		       "Each FILE is a run of one program, or what tests were judged"
		       " (pytest --memtrace-checks); COMMAND is run under the tracer, "
		       "with"
		       " PYTHONHASHSEED=0 unless it is set. What is live at the end and at the"
		       " peak may be 2 % or 256 KiB above the baseline, whichever is more, and"
		       " no new place may hold more than 256 KiB.\n"
		       "Exit status: 0 fine, 1 a regression, 2 usage, 3 no verdict, 4 COMMAND"
		       " itself failed.",
	};
	struct arguments arguments = {.names = mem_alloc((size_t)argc * sizeof(char *)),
				      .checks = mem_alloc((size_t)argc * sizeof(char *))};
	char *again = command_line(argc, argv);
	int own = argc;
	for (int i = 1; i < argc && own == argc; i++)
		if (!strcmp(argv[i], "--"))
			own = i;
	if (own + 1 < argc)
		arguments.command = argv + own + 1;
	if (argp_parse(&argp, own, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	check_arguments(&argp, argv[0], &arguments);
	const int status = gate(&arguments, again);
	free(arguments.names);
	free(arguments.checks);
	return status;
}
