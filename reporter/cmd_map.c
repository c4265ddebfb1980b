/* The arenas, and what keeps them. */
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

#include "command.h"
#include "map_json.h"
#include "map_text.h"
#include "options.h"
#include "select.h"

/* Rows of the text; JSON has everything unless it is told otherwise. */
enum { DEFAULT_ROWS = 10 };
/* Reading more of them for nothing but colours would be waited for. */
enum { MOST_COLORED_BLOCKS = 4 << 20 };

struct arguments {
	struct options options;
	const char *at;
	const char *file; /* NULL: the newest */
	enum grouping_by by;
	size_t limit;
	bool limited;
	bool pools;
	const char *arena; /* of --pools; NULL: the one that holds most back */
};

enum key { KEY_POOLS = 0x200, KEY_AT, KEY_BY };

static const struct argp_option option_table[] = {
	{"pools", KEY_POOLS, "ARENA", OPTION_ARG_OPTIONAL,
	 "One arena, pool by pool: that of a row's number, or around an address (by itself the"
	 " one that holds most back)",
	 0},
	{"at", KEY_AT, "MARK|TIME|peak", 0,
	 "The arenas of this moment (end); peak is when there were most", 0},
	{"by", KEY_BY, "WHAT", 0,
	 "Whose blocks hold them: a line (the default), own (the innermost line of your own"
	 " code), function, file or module",
	 0},
	{NULL, 'n', "N", 0, "Rows to show (10); 0 is a row for every arena", 0},
	{0},
};

static enum grouping_by parse_by(struct argp_state *state, const char *text)
{
	static const char *const names[] = {"line", "own", "function", "file", "module", NULL};
	_Static_assert(GROUPING_BY_LINE == 0 && GROUPING_BY_MODULE == 4, "the names' numbers");
	return (enum grouping_by)options_word(state, "--by", text, names);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case KEY_POOLS:
		arguments->pools = true;
		arguments->arena = arg;
		return 0;
	case KEY_AT:
		arguments->at = arg;
		return 0;
	case KEY_BY:
		arguments->by = parse_by(state, arg);
		return 0;
	case 'n':
		arguments->limit = options_rows(state, arg);
		arguments->limited = true;
		return 0;
	case ARGP_KEY_ARG:
		arguments->file = options_only(state, "FILE", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Everything that one map is made of. */
struct mapped {
	struct selected selected;
	struct arenas arenas;
	struct lines *lines;
	struct grouping grouping;
	struct pinning pinning;
	struct map map;
	struct map_fold fold;
};

static int find_arenas(const struct arguments *arguments, const struct profile *profile,
		       struct moment *ret_moment, struct arenas *ret_arenas, struct err *err)
{
	if (moment_find_mark(profile, arguments->at, ret_moment, err) == 0) {
		arenas_at(profile, ret_moment, ret_arenas);
		return 0;
	}
	/* A mark of that name comes first: its program chose it. */
	if (strcmp(arguments->at, "peak") != 0)
		return -1;
	*ret_moment = (struct moment){
		.kind = MOMENT_START, .seconds = -1, .asked_seconds = -1, .name = "peak"};
	arenas_at_peak(profile, ret_arenas);
	return 0;
}

static int make_map(const struct arguments *arguments, const char *name,
		    struct mapped *ret_mapped)
{
	struct mapped *mapped = ret_mapped;
	struct moment moment;
	struct err err;
	if (select_open(name, &mapped->selected, &err)) {
		command_say("%s", err.text);
		return -1;
	}
	struct profile *profile = mapped->selected.profile;
	if (find_arenas(arguments, profile, &moment, &mapped->arenas, &err)) {
		command_say("%s", err.text);
		profile_free(profile);
		return -1;
	}
	mapped->lines = lines_new(profile, false);
	mapped->grouping = (struct grouping){.lines = mapped->lines, .by = arguments->by};
	grouping_compute(&mapped->grouping);
	pinning_compute(&mapped->arenas, &mapped->grouping, moment.seconds, &mapped->pinning);
	const struct map_source source = {
		.profile = profile,
		.grouping = &mapped->grouping,
		.arenas = &mapped->arenas,
		.pinning = &mapped->pinning,
		.moment = moment,
	};
	map_init(&mapped->map, &source);
	map_fold_init(&mapped->fold, &mapped->map, arguments->limit);
	return 0;
}

static void release_map(struct mapped *mapped)
{
	map_fold_release(&mapped->fold);
	map_release(&mapped->map);
	pinning_release(&mapped->pinning);
	grouping_release(&mapped->grouping);
	lines_free(mapped->lines);
	arenas_release(&mapped->arenas);
	profile_free(mapped->selected.profile);
}

/*
 * The arena around an address, or that of a row; SIZE_MAX, and says why, where there is none.
 */
static size_t find_arena(const struct mapped *mapped, const char *text)
{
	char *end;
	if (!text)
		return 0;
	const uint64_t value = strtoull(text, &end, 0);
	const bool number = text[0] >= '0' && text[0] <= '9' && !*end;
	for (size_t i = 0; number && i < mapped->map.count; i++) {
		const struct held_arena *held = mapped->map.items[i].held;
		if (value >= held->address && value - held->address < held->bytes)
			return i;
	}
	const struct map_row *row = number && value && value <= mapped->fold.row_count
					    ? &mapped->fold.rows[value - 1]
					    : NULL;
	if (row && row->kind != MAP_ROW_OTHER)
		return row->arena;
	command_say(
		"--pools: '%s' is neither a row of the map (1 to %zu) nor an address in one of"
		" its arenas",
		text, mapped->fold.row_count);
	return SIZE_MAX;
}

static int print_pools(const struct arguments *arguments, struct mapped *mapped,
		       const struct map_view *view, struct json *json)
{
	const struct map *map = &mapped->map;
	if (!map->exact && arenas_exact(map->of.profile, &map->of.moment)) {
		command_say("--pools: no pools can be read from %s", map->of.profile->path);
		return STATUS_FAILED;
	}
	if (!map->exact) {
		command_say(
			"--pools: pools and their blocks are kept for the end of a run only,"
			" not for %s",
			map->of.moment.name);
		return STATUS_FAILED;
	}
	const size_t arena = find_arena(mapped, arguments->arena);
	if (arena == SIZE_MAX)
		return STATUS_FAILED;
	struct map_pools pools;
	map_pools_init(&pools, map, mapped->selected.profile, arena);
	if (arguments->options.json)
		map_json_pools(map, &pools, json);
	else
		map_text_pools(view, &pools);
	map_pools_release(&pools);
	return STATUS_FINE;
}

static int print_map(const struct arguments *arguments, struct mapped *mapped)
{
	struct term term;
	struct json json;
	term_init(&term, stdout, arguments->options.color);
	json_init(&json, stdout, 2);
	struct profile *profile = mapped->selected.profile;
	const bool color_pools = term.color && mapped->map.exact &&
				 profile->run.block_count <= MOST_COLORED_BLOCKS;
	const struct map_view view = {
		.map = &mapped->map,
		.fold = &mapped->fold,
		.term = &term,
		.units = arguments->options.units,
		.running = mapped->selected.running,
		.blocks_of = color_pools ? profile : NULL,
	};
	if (arguments->pools && mapped->map.count)
		return print_pools(arguments, mapped, &view, &json);
	if (arguments->options.json)
		map_json(&mapped->map, arguments->limited ? arguments->limit : 0, &json);
	else
		map_text(&view);
	return STATUS_FINE;
}

int cmd_map(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "[FILE]",
		.doc = "Which arenas of the interpreter stay, how full they are, and the lines"
		       " whose blocks keep them.\vWithout FILE it is the newest run in this"
		       " directory.",
		.children = options_children,
	};
	struct arguments arguments = {.at = "end", .limit = DEFAULT_ROWS};
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	__attribute__((cleanup(mem_scope))) char *newest = NULL;
	struct err err;
	if (!arguments.file && select_newest(&newest, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	struct mapped mapped;
	if (make_map(&arguments, arguments.file ? arguments.file : newest, &mapped))
		return STATUS_FAILED;
	const int status = print_map(&arguments, &mapped);
	release_map(&mapped);
	return status;
}
