/* What would happen here, and what is missing. */
#include <string.h>

#include "command.h"
#include "json.h"
#include "options.h"
#include "probe.h"

enum { PROBES = 7 };

struct arguments {
	struct options options;
	char **command; /* NULL: none given */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->command = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Asking any command for its version would run it: only what is called python is asked. */
static const char *python_of(const struct arguments *arguments)
{
	if (!arguments->command)
		return "python3";
	const char *slash = strrchr(arguments->command[0], '/');
	const char *base = slash ? slash + 1 : arguments->command[0];
	return strncmp(base, "python", 6) == 0 ? arguments->command[0] : NULL;
}

static size_t examine(const struct arguments *arguments, struct probe probes[PROBES])
{
	const char *python = python_of(arguments);
	size_t count = 0;
	probes[count++] = probe_library();
	probes[count++] = probe_collector();
	probes[count++] = probe_command(arguments->command ? arguments->command[0] : python);
	if (python)
		probes[count++] = probe_interpreter(python);
	probes[count++] = probe_allocator();
	probes[count++] = probe_output();
	probes[count++] = probe_file_limit();
	return count;
}

static const char *const verdicts[] = {
	[PROBE_FINE] = "ok",
	[PROBE_NOTE] = "note",
	[PROBE_BAD] = "bad",
};

static void print_json(const struct probe *probes, size_t count)
{
	struct json json;
	json_init(&json, stdout, 2);
	json_open_object(&json, NULL);
	json_text(&json, "schema", "memtrace.doctor/1");
	json_open_array(&json, "facts");
	for (size_t i = 0; i < count; i++) {
		json_open_object(&json, NULL);
		json_text(&json, "what", probes[i].what);
		json_text(&json, "verdict", verdicts[probes[i].verdict]);
		json_text(&json, "found", probes[i].found);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
}

static void print_text(const struct probe *probes, size_t count, enum term_color color)
{
	struct term term;
	term_init(&term, stdout, color);
	for (size_t i = 0; i < count; i++) {
		const bool fine = probes[i].verdict == PROBE_FINE;
		printf("%s%-4s%s  %-11s  ", fine ? "" : term_alarm(&term),
		       verdicts[probes[i].verdict], fine ? "" : term_plain(&term),
		       probes[i].what);
		term_text(&term, probes[i].found);
		putchar('\n');
	}
}

int cmd_doctor(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "[-- COMMAND [ARG...]]",
		.doc = "What would happen if COMMAND (python3 without one) were traced here,"
		       " and what is missing.\vExits with 1 where something is bad. COMMAND"
		       " isn't run, but a python is asked for its version.",
		.children = options_children,
	};
	struct arguments arguments = {.command = NULL};
	struct probe probes[PROBES];
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments))
		return STATUS_USAGE;
	const size_t count = examine(&arguments, probes);
	if (arguments.options.json)
		print_json(probes, count);
	else
		print_text(probes, count, arguments.options.color);
	for (size_t i = 0; i < count; i++)
		if (probes[i].verdict == PROBE_BAD)
			return STATUS_FAILED;
	return STATUS_FINE;
}
