#include "options.h"

#include <stdlib.h>
#include <string.h>

enum option_key { KEY_JSON = 0x300, KEY_UNITS, KEY_COLOR };

static const struct argp_option table[] = {
	{"json", KEY_JSON, NULL, 0, "Print JSON", 1},
	{"units", KEY_UNITS, "iec|si", 0, "Powers of 1024 (the default) or of 1000", 1},
	{"color", KEY_COLOR, "WHEN", 0, "auto (the default), always or never", 1},
	{0},
};

size_t options_word(struct argp_state *state, const char *option, const char *word,
		    const char *const *words)
{
	char known[256] = "";
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
		const size_t len = strlen(known);
		snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", words[i]);
	}
	argp_error(state, "%s: '%s' is not one of %s", option, word, known);
	return 0;
}

const char *options_only(struct argp_state *state, const char *what, const char *arg)
{
	if (state->arg_num > 0)
		argp_error(state, "one %s only, not '%s' as well", what, arg);
	return arg;
}

size_t options_rows(struct argp_state *state, const char *text)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end)
		argp_error(state, "-n: '%s' is not a number of rows", text);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const units[] = {"iec", "si", NULL};
	static const char *const colors[] = {"auto", "always", "never", NULL};
	struct options *options = state->input;
	switch (key) {
	case KEY_JSON:
		options->json = true;
		return 0;
	case KEY_UNITS:
		options->units = (enum units_kind)options_word(state, "--units", arg, units);
		return 0;
	case KEY_COLOR:
		options->color = (enum term_color)options_word(state, "--color", arg, colors);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp common = {.options = table, .parser = parse};
const struct argp_child options_children[] = {{&common, 0, NULL, 0}, {0}};
