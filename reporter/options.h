/*
 * options.h - what every command that answers takes: --json, --units, --color.
 *
 * An argp of its own, as a command's only child; the child's input is a struct options.
 */
#ifndef MEMTRACE_REPORTER_OPTIONS_H
#define MEMTRACE_REPORTER_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "term.h"
#include "units.h"

struct options {
	bool json;
	enum units_kind units;
	enum term_color color;
};

extern const struct argp_child options_children[];

/* The index of `word` in a list that ends with NULL; otherwise a usage error that quotes it. */
size_t options_word(struct argp_state *state, const char *option, const char *word,
		    const char *const *words);
/* `arg` of a command that takes one; a usage error where there was one before. */
const char *options_only(struct argp_state *state, const char *what, const char *arg);
/* What -n takes; otherwise a usage error. */
size_t options_rows(struct argp_state *state, const char *text);

#endif
