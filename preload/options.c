#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

enum option_type { OPTION_TEXT, OPTION_BYTES, OPTION_TIME, OPTION_WORD, OPTION_FLAG };

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	uint64_t least, most;
	const char *accepted;       /* in the message about a bad value */
	const char *const *choices; /* OPTION_WORD: in the order of its enum, ends with NULL */
};

static const char *const events_words[] = {"off", "full", "all", NULL};
static const char *const audit_words[] = {"end", "marks", "off", NULL};
static const char *const full_words[] = {"drop", "wait", NULL};
static const char *const follow_words[] = {"tree", "fork", "none", NULL};
static const char *const mode_words[] = {"exact", NULL};

#define FIELD(name) offsetof(struct options, name)
enum { NO_FIELD = -1 };

static const struct option table[] = {
	{"MEMTRACE_OUT", OPTION_TEXT, FIELD(out), 0, 0, NULL, NULL},
	{"MEMTRACE_COLLECTOR", OPTION_TEXT, FIELD(collector), 0, 0, NULL, NULL},
	{"MEMTRACE_LOG", OPTION_TEXT, FIELD(log), 0, 0, NULL, NULL},
	{"MEMTRACE_LIST", OPTION_TEXT, FIELD(list), 0, 0, NULL, NULL},
	{"PYTHONMALLOC", OPTION_TEXT, FIELD(python_malloc), 0, 0, NULL, NULL},
	{"MEMTRACE_RING", OPTION_BYTES, FIELD(ring_bytes), 64 << 10, 64 << 20,
	 "a size from 64KiB to 64MiB, such as 2MiB", NULL},
	{"MEMTRACE_JOURNAL", OPTION_BYTES, FIELD(journal_bytes), 1 << 16, (uint64_t)1 << 40,
	 "a size from 64KiB to 1TiB, such as 256MiB", NULL},
	{"MEMTRACE_WAIT", OPTION_TIME, FIELD(wait_ms), 0, 3600000,
	 "a time from 0s to 60m, such as 10s", NULL},
	{"MEMTRACE_EVENTS", OPTION_WORD, FIELD(events), 0, 0, "off, full or all", events_words},
	{"MEMTRACE_FULL", OPTION_WORD, FIELD(full), 0, 0, "drop or wait", full_words},
	{"MEMTRACE_FOLLOW", OPTION_WORD, FIELD(follow), 0, 0, "tree, fork or none",
	 follow_words},
	{"MEMTRACE_AUDIT", OPTION_WORD, FIELD(audit), 0, 0, "end, marks or off", audit_words},
	{"MEMTRACE_MODE", OPTION_WORD, (size_t)NO_FIELD, 0, 0, "exact", mode_words},
	{"MEMTRACE_REUSE", OPTION_FLAG, FIELD(reuse), 0, 0, "0 or 1", NULL},
	{"MEMTRACE_FREES", OPTION_FLAG, FIELD(frees), 0, 0, "0 or 1", NULL},
	{"MEMTRACE_ARGV", OPTION_FLAG, FIELD(argv), 0, 0, "0 or 1", NULL},
	{"MEMTRACE_QUIET", OPTION_FLAG, FIELD(quiet), 0, 0, "0 or 1", NULL},
};

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit byte_units[] = {
	{"", 1},          {"B", 1},
	{"KiB", 1 << 10}, {"MiB", 1 << 20},
	{"GiB", 1 << 30}, {"TiB", 1ULL << 40},
	{"kB", 1000},     {"KB", 1000},
	{"MB", 1000000},  {"GB", 1000000000},
	{NULL, 0},
};
static const struct unit time_units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}, {NULL, 0},
};

static bool read_number(const char *text, const struct unit *units, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (number > UINT64_MAX / 100)
			return false;
		number = number * 10 + (uint64_t)(*at - '0');
	}
	if (at == text)
		return false;
	for (; units->name; units++)
		if (!strcmp(units->name, at))
			return !__builtin_mul_overflow(number, units->factor, ret_number);
	return false;
}

static bool read_word(const char *text, const char *const *words, int *ret_index)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], text)) {
			*ret_index = i;
			return true;
		}
	return false;
}

static bool read_value(const struct option *option, const char *text, void *field)
{
	static const char *const flags[] = {"0", "1", NULL};
	uint64_t number;
	int index;

	switch (option->type) {
	case OPTION_TEXT:
		*(const char **)field = text;
		return true;
	case OPTION_BYTES:
	case OPTION_TIME:
		if (!read_number(text, option->type == OPTION_TIME ? time_units : byte_units,
				 &number) ||
		    number < option->least || number > option->most)
			return false;
		*(uint64_t *)field = number;
		return true;
	case OPTION_WORD:
	case OPTION_FLAG:
		if (!read_word(text, option->choices ? option->choices : flags, &index))
			return false;
		if (field)
			*(int *)field = index;
		return true;
	}
	return false;
}

bool options_read(struct options *ret_options)
{
	struct options options = {
		.out = "%x.%p.memtrace",
		.ring_bytes = 2 << 20,
		.journal_bytes = 256 << 20,
		.wait_ms = 10000,
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct option *option = &table[i];
		const char *text = getenv(option->name);
		void *field = option->offset == (size_t)NO_FIELD
				      ? NULL
				      : (char *)&options + option->offset;

		if (!text || !*text)
			continue;
		if (!read_value(option, text, field)) {
			say((const char *const[]){option->name, "=", text, ": expected ",
						  option->accepted,
						  "; the program runs untraced", NULL});
			return false;
		}
	}
	*ret_options = options;
	return true;
}
