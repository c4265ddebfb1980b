/* Fails a build whose memory got worse. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "caption.h"
#include "command.h"
#include "gate_annotations.h"
#include "gate_json.h"
#include "gate_junit.h"
#include "gate_markdown.h"
#include "gate_measure.h"
#include "gate_openmetrics.h"
#include "gate_ratchet.h"
#include "gate_run.h"
#include "gate_sarif.h"
#include "gate_text.h"
#include "options.h"
#include "shell_word.h"

enum { REPEAT_MOST = 100 };

enum annotations { ANNOTATIONS_AUTO = 0, ANNOTATIONS_GITHUB, ANNOTATIONS_NONE };

typedef void surface_write(const struct gate_result *result, FILE *out);

static void comment_write(const struct gate_result *result, FILE *out)
{
	gate_markdown_write(result, GATE_MARKDOWN_COMMENT_BYTES, out);
}

/* Each a file of its own, in the order of `surfaces`. */
enum {
	SURFACE_JSON = 0,
	SURFACE_JUNIT,
	SURFACE_SARIF,
	SURFACE_OPENMETRICS,
	SURFACE_MARKDOWN,
	SURFACES
};

static surface_write *const surfaces[SURFACES] = {gate_json_write, gate_junit_write,
						  gate_sarif_write, gate_openmetrics_write,
						  comment_write};

struct arguments {
	const char *baseline; /* NULL: not given */
	const char *files[SURFACES];
	bool update;
	enum gate_update how;
	enum annotations annotations;
	enum term_color color;
	size_t repeat;
	char **names; /* FILEs; the command, where there is one, stands behind `--` */
	size_t name_count;
	char **command;
};

enum key {
	KEY_BASELINE = 0x200,
	KEY_UPDATE,
	KEY_REPEAT,
	KEY_ANNOTATIONS,
	KEY_COLOR,
	KEY_SURFACE, /* and those behind it: enum surfaces */
};

static const struct argp_option option_table[] = {
	{"baseline", KEY_BASELINE, "FILE", 0, "What to compare with: a file that you commit",
	 0},
	{"update-baseline", KEY_UPDATE, "ratchet", OPTION_ARG_OPTIONAL,
	 "Write the baseline as it is now; ratchet: only what became less", 0},
	{"repeat", KEY_REPEAT, "N", 0,
	 "Run COMMAND so many times; of three or more runs the medians count, and what is "
	 "within"
	 " their noise doesn't fail",
	 0},
	{"json", KEY_SURFACE + SURFACE_JSON, "FILE", 0, "All of it, as JSON", 0},
	{"junit", KEY_SURFACE + SURFACE_JUNIT, "FILE", 0, "A test case for each check", 0},
	{"sarif", KEY_SURFACE + SURFACE_SARIF, "FILE", 0, "For code scanning, SARIF 2.1.0", 0},
	{"openmetrics", KEY_SURFACE + SURFACE_OPENMETRICS, "FILE", 0, "Metrics, quantised", 0},
	{"markdown", KEY_SURFACE + SURFACE_MARKDOWN, "FILE|auto", 0,
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
	if (key >= KEY_SURFACE && key < KEY_SURFACE + SURFACES) {
		arguments->files[key - KEY_SURFACE] = arg;
		return 0;
	}
	switch (key) {
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
		arguments->annotations = (enum annotations)options_word(state, "--annotations",
									arg, annotations);
		return 0;
	case KEY_COLOR:
		arguments->color = (enum term_color)options_word(state, "--color", arg, colors);
		return 0;
	case ARGP_KEY_ARG:
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
	if (!arguments->baseline)
		wrong = "--baseline FILE is missing: what to compare with, or, with"
			" --update-baseline, where to write it";
	else if (!arguments->command && !arguments->name_count)
		wrong = "no FILE and no COMMAND given: profiles to judge, or -- and a command";
	else if (arguments->command && arguments->name_count)
		wrong = "FILEs and a COMMAND can't both be judged: give one of them";
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

/* Each FILE is a run. */
static void measure_files(const struct arguments *arguments, const char *folder,
			  struct gate_result *runs, struct gate_result *result)
{
	struct err err;
	for (size_t i = 0; i < arguments->name_count; i++)
		if (gate_measure_run(arguments->names[i], folder, &runs[i], &err))
			gate_result_no_verdict(result, "%s", err.text);
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

static void measure_one(const struct arguments *arguments, const char *folder,
			struct gate_run *run, struct gate_result *ret_run,
			struct gate_result *result)
{
	struct err err;
	if (gate_run(arguments->command, run, &err))
		gate_result_no_verdict(result, "%s", err.text);
	else if (run->status)
		fail_command(result, arguments->command[0], run->status);
	else if (!run->profile)
		gate_result_no_verdict(
			result,
			"%s left no profile: it ran no Python that can be traced;"
			" 'memtrace doctor -- COMMAND' tells more",
			arguments->command[0]);
	else if (gate_measure_run(run->profile, folder, ret_run, &err))
		gate_result_no_verdict(result, "%s", err.text);
}

static void measure_command(const struct arguments *arguments, const char *folder,
			    struct gate_run *traced, struct gate_result *runs,
			    struct gate_result *result)
{
	const char *seed = getenv("PYTHONHASHSEED");
	for (size_t i = 0; i < arguments->repeat && result->status == GATE_FINE; i++) {
		measure_one(arguments, folder, &traced[i], &runs[i], result);
		if (!i && traced[i].others)
			gate_result_add_warning(result,
						"the command started %zu more Python processes;"
						" the first one alone is judged",
						traced[i].others);
		runs[i].environment.hash_seed = strdup(seed && *seed ? seed : "0");
	}
}

/* Those that came before a verdict was out of reach, put together. */
static void join(struct gate_result *runs, size_t count, struct gate_result *result)
{
	struct gate_result joined;
	struct err err;
	if (result->status != GATE_FINE)
		return;
	if (gate_measure_all(runs, count, &joined, &err)) {
		gate_result_no_verdict(result, "%s", err.text);
		return;
	}
	memcpy(result->metrics, joined.metrics, sizeof result->metrics);
	result->sites = joined.sites;
	result->site_count = joined.site_count;
	result->environment = joined.environment;
}

static void judge(const struct arguments *arguments, struct gate_result *result)
{
	struct gate_baseline baseline;
	struct err err;
	if (result->status != GATE_FINE)
		return;
	if (gate_baseline_read(arguments->baseline, &baseline, &err)) {
		gate_result_no_verdict(result, "%s", err.text);
		return;
	}
	gate_compare(&gate_comparison_default, &baseline, result);
	gate_baseline_release(&baseline);
}

/* Asked for, it is what is wanted: nothing is held against what was before. */
static void update(const struct arguments *arguments, struct gate_result *result)
{
	struct err err;
	bool written;
	if (result->status != GATE_FINE && result->status != GATE_REGRESSION)
		return;
	if (gate_ratchet_update(arguments->baseline, &gate_comparison_default, result,
				arguments->how, &written, &err))
		gate_result_no_verdict(result, "%s", err.text);
	else
		command_say("%s %s", arguments->baseline,
			    written ? "was written" : "is up to date");
}

/* A surface that isn't there is no verdict for who reads it. */
static void close_file(FILE *out, const char *path, struct gate_result *result)
{
	const bool failed = !out || ferror(out);
	if ((out && fclose(out)) || failed)
		gate_result_no_verdict(result, "can't write %s: %s", path, strerror(errno));
}

/* What other steps of the job have written stays, and counts. */
static void add_to_summary(struct gate_result *result)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	if (!path || !*path)
		return;
	FILE *out = fopen(path, "ae");
	const long there = out && !fseek(out, 0, SEEK_END) ? ftell(out) : 0;
	const size_t used = there > 0 ? (size_t)there : 0;
	if (out && used < GATE_MARKDOWN_SUMMARY_BYTES)
		gate_markdown_write(result, GATE_MARKDOWN_SUMMARY_BYTES - used, out);
	close_file(out, path, result);
}

static void write_files(const struct arguments *arguments, struct gate_result *result)
{
	for (size_t i = 0; i < SURFACES; i++) {
		const char *path = arguments->files[i];
		if (path && i == SURFACE_MARKDOWN && !strcmp(path, "auto")) {
			add_to_summary(result);
		} else if (path) {
			FILE *out = fopen(path, "we");
			if (out)
				surfaces[i](result, out);
			close_file(out, path, result);
		}
	}
}

static bool wants_annotations(enum annotations annotations)
{
	const char *actions = getenv("GITHUB_ACTIONS");
	return annotations == ANNOTATIONS_GITHUB ||
	       (annotations == ANNOTATIONS_AUTO && actions && !strcmp(actions, "true"));
}

static void tell(const struct arguments *arguments, struct gate_result *result)
{
	struct term term;
	gate_result_sort(result);
	write_files(arguments, result);
	term_init(&term, stdout, arguments->color);
	gate_text_write(result, &term);
	if (wants_annotations(arguments->annotations))
		gate_annotations_write(result, stdout);
}

static int run_gate(const struct arguments *arguments, char *again)
{
	const struct caption_folder folder = caption_working_directory();
	const size_t count = arguments->command ? arguments->repeat : arguments->name_count;
	struct gate_result result = {.status = GATE_FINE, .command = again};
	struct gate_result *runs = mem_alloc(count * sizeof runs[0]);
	struct gate_run *traced = mem_alloc(count * sizeof traced[0]);
	result.baseline_path = strdup(arguments->baseline);
	if (arguments->command)
		measure_command(arguments, folder.path, traced, runs, &result);
	else
		measure_files(arguments, folder.path, runs, &result);
	join(runs, count, &result);
	if (!arguments->update || arguments->how == GATE_UPDATE_RATCHET)
		judge(arguments, &result);
	if (arguments->update)
		update(arguments, &result);
	tell(arguments, &result);
	const int status = (int)result.status;
	for (size_t i = 0; i < count; i++) {
		const bool keep = status != GATE_FINE && traced[i].profile && !i;
		if (keep)
			command_say("the profile is kept: memtrace report %s",
				    traced[i].profile);
		gate_run_release(&traced[i], keep);
		gate_result_release(&runs[i]);
	}
	gate_result_release(&result);
	free(runs);
	free(traced);
	return status;
}

int cmd_gate(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "FILE...\n-- COMMAND [ARG...]",
		.doc = "Fails a build whose memory got worse, and names the line.\v"
		       "Each FILE is a run of one program; COMMAND is run under the tracer, "
		       "with"
		       " PYTHONHASHSEED=0 unless it is set. What is live at the end and at the"
		       " peak may be 2 % or 256 KiB above the baseline, whichever is more, and"
		       " no new place may hold more than 256 KiB.\n"
		       "Exit status: 0 fine, 1 a regression, 2 usage, 3 no verdict, 4 COMMAND"
		       " itself failed.",
	};
	struct arguments arguments = {.names = mem_alloc((size_t)argc * sizeof(char *))};
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
	if (arguments.command && !arguments.repeat)
		arguments.repeat = 1;
	const int status = run_gate(&arguments, again);
	free(arguments.names);
	return status;
}
