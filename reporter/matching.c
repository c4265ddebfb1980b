#include "matching.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"
#include "alignment.h"
#include "lines.h"

static int by_path(const void *left, const void *right)
{
	const struct source_place *const *a = left, *const *b = right;
	return strcmp((*a)->path, (*b)->path);
}

/* Modules are known of places, which are by file, as the functions are. */
static void add_modules(struct matching_side *side, const struct lines *lines)
{
	const size_t count = lines->place_count - 1; /* 0 is none */
	__attribute__((cleanup(mem_scope)))
	const struct source_place **places = mem_alloc(count * sizeof places[0]);
	size_t file = 0;
	for (size_t i = 0; i < count; i++)
		places[i] = &lines->places[i + 1];
	if (count)
		qsort(places, count, sizeof places[0], by_path);
	for (size_t i = 0; i < count; i++) {
		while (file < side->file_count &&
		       strcmp(side->files[file].path, places[i]->path) < 0)
			file++;
		if (file < side->file_count &&
		    strcmp(side->files[file].path, places[i]->path) == 0)
			side->files[file].module = places[i]->module;
	}
}

static void side_init(struct matching_side *side, const struct lines *lines)
{
	functions_init(&side->functions, lines->profile);
	const size_t count = side->functions.count;
	side->files = mem_alloc(count * sizeof side->files[0]);
	side->file_of = mem_alloc(count * sizeof side->file_of[0]);
	side->file_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const char *path = side->functions.items[i].file;
		struct matching_file *last = side->file_count
						     ? &side->files[side->file_count - 1]
						     : NULL;
		if (!last || strcmp(last->path, path) != 0) {
			last = &side->files[side->file_count++];
			*last = (struct matching_file){.path = path, .module = "", .first = i};
		}
		last->count++;
		side->file_of[i] = (uint32_t)(side->file_count - 1);
	}
	add_modules(side, lines);
}

static void side_release(struct matching_side *side)
{
	functions_release(&side->functions);
	free(side->files);
	free(side->file_of);
}

static void pair_files(struct matching *matching, uint32_t before, uint32_t after)
{
	matching->files[before] = after;
	matching->file_taken[after] = true;
}

static void pair_functions(struct matching *matching, uint32_t before, uint32_t after)
{
	matching->functions[before] = after;
	matching->function_taken[after] = true;
}

/* Both sides are in the order of paths. */
static void match_paths(struct matching *matching)
{
	const struct matching_side *a = &matching->before, *b = &matching->after;
	for (uint32_t i = 0, k = 0; i < a->file_count && k < b->file_count;) {
		const int order = strcmp(a->files[i].path, b->files[k].path);
		if (order == 0)
			pair_files(matching, i, k);
		i += order <= 0;
		k += order >= 0;
	}
}

static void match_functions_of(struct matching *matching, uint32_t before, uint32_t after)
{
	const struct matching_file *a = &matching->before.files[before];
	const struct matching_file *b = &matching->after.files[after];
	for (uint32_t i = a->first, k = b->first;
	     i < a->first + a->count && k < b->first + b->count;) {
		const int order = strcmp(matching->before.functions.items[i].name,
					 matching->after.functions.items[k].name);
		if (order == 0 && matching->functions[i] == MATCHING_NONE &&
		    !matching->function_taken[k])
			pair_functions(matching, i, k);
		i += order <= 0;
		k += order >= 0;
	}
}

/* One of either side that nothing has been paired with, by what may be equal. */
struct candidate {
	const char *text; /* NULL: only the number counts */
	uint64_t number;
	uint32_t index;
	bool after;
};

struct candidates {
	struct candidate *items;
	size_t count;
	void (*pair)(struct matching *matching, uint32_t before, uint32_t after);
};

static int compare_candidates(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	const int order = strcmp(a->text ? a->text : "", b->text ? b->text : "");
	return order ? order : a->after - b->after;
}

static bool are_equal(const struct candidate *a, const struct candidate *b)
{
	return a->number == b->number &&
	       strcmp(a->text ? a->text : "", b->text ? b->text : "") == 0;
}

/* Pairs what is equal to exactly one on the other side, and to none on its own. */
static void pair_unique(struct matching *matching, struct candidates *candidates)
{
	const struct candidate *items = candidates->items;
	if (candidates->count)
		qsort(candidates->items, candidates->count, sizeof items[0],
		      compare_candidates);
	for (size_t i = 0; i < candidates->count;) {
		size_t end = i + 1;
		while (end < candidates->count && are_equal(&items[i], &items[end]))
			end++;
		if (end - i == 2 && !items[i].after && items[i + 1].after)
			candidates->pair(matching, items[i].index, items[i + 1].index);
		i = end;
	}
}

static void match_modules(struct matching *matching)
{
	const struct matching_side *a = &matching->before, *b = &matching->after;
	__attribute__((cleanup(mem_scope))) struct candidate *items =
		mem_alloc((a->file_count + b->file_count) * sizeof items[0]);
	struct candidates candidates = {.items = items, .pair = pair_files};
	for (uint32_t i = 0; i < a->file_count; i++)
		if (matching->files[i] == MATCHING_NONE)
			items[candidates.count++] = (struct candidate){a->files[i].module, 0, i,
								       false};
	for (uint32_t i = 0; i < b->file_count; i++)
		if (!matching->file_taken[i])
			items[candidates.count++] = (struct candidate){b->files[i].module, 0, i,
								       true};
	pair_unique(matching, &candidates);
}

/*
 * Functions that are left, by the prints of their lines. Few lines say too little: many
 * functions return something, and any two files may have one that looks alike.
 */
enum { FEWEST_LINES = 2, FEWEST_LINES_ANYWHERE = 5 };

enum print_scope { SAME_FILE, SAME_NAME, ANYWHERE };

static void match_prints(struct matching *matching, enum print_scope scope)
{
	const struct functions *a = &matching->before.functions;
	const struct functions *b = &matching->after.functions;
	const size_t fewest = scope == ANYWHERE ? FEWEST_LINES_ANYWHERE : FEWEST_LINES;
	__attribute__((cleanup(mem_scope))) struct candidate *items =
		mem_alloc((a->count + b->count) * sizeof items[0]);
	struct candidates candidates = {.items = items, .pair = pair_functions};
	for (uint32_t i = 0; i < a->count; i++) {
		const uint32_t file = matching->files[matching->before.file_of[i]];
		if (matching->functions[i] != MATCHING_NONE || a->items[i].count < fewest ||
		    (scope == SAME_FILE && file == MATCHING_NONE))
			continue;
		items[candidates.count++] =
			(struct candidate){scope == SAME_FILE ? matching->after.files[file].path
					   : scope == SAME_NAME ? a->items[i].name
								: NULL,
					   a->items[i].print, i, false};
	}
	for (uint32_t i = 0; i < b->count; i++) {
		if (matching->function_taken[i] || b->items[i].count < fewest)
			continue;
		items[candidates.count++] =
			(struct candidate){scope == SAME_FILE   ? b->items[i].file
					   : scope == SAME_NAME ? b->items[i].name
								: NULL,
					   b->items[i].print, i, true};
	}
	pair_unique(matching, &candidates);
}

/* The file after that most functions of a file before went to, if nothing else is that file. */
static uint32_t where_most_went(const struct matching *matching,
				const struct matching_file *file, uint32_t *votes)
{
	uint32_t best = MATCHING_NONE;
	for (uint32_t i = file->first; i < file->first + file->count; i++) {
		const uint32_t function = matching->functions[i];
		if (function == MATCHING_NONE)
			continue;
		const uint32_t to = matching->after.file_of[function];
		votes[to]++;
		if (!matching->file_taken[to] &&
		    (best == MATCHING_NONE || votes[to] > votes[best]))
			best = to;
	}
	for (uint32_t i = file->first; i < file->first + file->count; i++)
		if (matching->functions[i] != MATCHING_NONE)
			votes[matching->after.file_of[matching->functions[i]]] = 0;
	return best;
}

static void match_renamed_files(struct matching *matching)
{
	__attribute__((cleanup(mem_scope)))
	uint32_t *votes = mem_alloc(matching->after.file_count * sizeof votes[0]);
	for (uint32_t i = 0; i < matching->before.file_count; i++) {
		if (matching->files[i] != MATCHING_NONE)
			continue;
		const uint32_t to = where_most_went(matching, &matching->before.files[i],
						    votes);
		if (to == MATCHING_NONE)
			continue;
		pair_files(matching, i, to);
		match_functions_of(matching, i, to);
	}
}

struct sources {
	struct source before, after;
};

static void align(struct matching *matching, const struct function *from,
		  const struct function *to, struct sources *sources)
{
	const struct functions *a = &matching->before.functions;
	const struct functions *b = &matching->after.functions;
	uint32_t *of = matching->lines + from->first;
	const struct function_line *from_lines = a->lines + from->first;
	const struct function_line *to_lines = b->lines + to->first;
	__attribute__((cleanup(mem_scope))) struct function_line *texts =
		mem_alloc((from->count + to->count) * sizeof texts[0]);
	/* Only where it was edited its text tells more: reading it takes time. */
	if (from->print != to->print && functions_read_text(a, from, &sources->before, texts) &&
	    functions_read_text(b, to, &sources->after, texts + from->count)) {
		from_lines = texts;
		to_lines = texts + from->count;
	}
	alignment_find(from_lines, from->count, to_lines, to->count, of);
	for (size_t i = 0; i < from->count; i++)
		if (of[i] != MATCHING_NONE)
			of[i] += (uint32_t)to->first;
}

static void match_lines(struct matching *matching, struct sources *sources)
{
	const struct functions *a = &matching->before.functions;
	const struct functions *b = &matching->after.functions;
	memset(matching->lines, 0xff, a->line_count * sizeof matching->lines[0]);
	for (size_t i = 0; i < a->count; i++)
		if (matching->functions[i] != MATCHING_NONE)
			align(matching, &a->items[i], &b->items[matching->functions[i]],
			      sources);
}

void matching_init(struct matching *matching, const struct lines *before,
		   const struct lines *after)
{
	side_init(&matching->before, before);
	side_init(&matching->after, after);
	const struct matching_side *a = &matching->before, *b = &matching->after;
	const size_t files = a->file_count * sizeof matching->files[0];
	const size_t functions = a->functions.count * sizeof matching->functions[0];
	matching->files = memset(mem_alloc(files), 0xff, files);
	matching->functions = memset(mem_alloc(functions), 0xff, functions);
	matching->lines = mem_alloc(a->functions.line_count * sizeof matching->lines[0]);
	matching->file_taken = mem_alloc(b->file_count);
	matching->function_taken = mem_alloc(b->functions.count);
	match_paths(matching);
	match_modules(matching);
	for (uint32_t i = 0; i < a->file_count; i++)
		if (matching->files[i] != MATCHING_NONE)
			match_functions_of(matching, i, matching->files[i]);
	match_prints(matching, SAME_FILE);
	match_prints(matching, SAME_NAME);
	match_prints(matching, ANYWHERE);
	match_renamed_files(matching);
	match_prints(matching, SAME_FILE);
	struct sources sources;
	source_init(&sources.before, before->profile->run.start_real_ns);
	source_init(&sources.after, after->profile->run.start_real_ns);
	match_lines(matching, &sources);
	source_release(&sources.before);
	source_release(&sources.after);
}

void matching_release(struct matching *matching)
{
	side_release(&matching->before);
	side_release(&matching->after);
	free(matching->files);
	free(matching->functions);
	free(matching->lines);
	free(matching->file_taken);
	free(matching->function_taken);
}

static uint32_t find_file(const struct matching_side *side, const char *path)
{
	size_t low = 0, high = side->file_count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(side->files[middle].path, path);
		if (order == 0)
			return (uint32_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return MATCHING_NONE;
}

static uint32_t find_function(const struct matching_side *side, uint32_t file, const char *name)
{
	const struct matching_file *in = &side->files[file];
	size_t low = in->first, high = in->first + in->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(side->functions.items[middle].name, name);
		if (order == 0)
			return (uint32_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return MATCHING_NONE;
}

const char *matching_file_of(const struct matching *matching, const char *file)
{
	const uint32_t before = find_file(&matching->before, file);
	const uint32_t after = before == MATCHING_NONE ? MATCHING_NONE
						       : matching->files[before];
	return after == MATCHING_NONE ? NULL : matching->after.files[after].path;
}

const struct function *matching_function_of(const struct matching *matching, const char *file,
					    const char *function)
{
	const uint32_t in = find_file(&matching->before, file);
	const uint32_t before = in == MATCHING_NONE
					? MATCHING_NONE
					: find_function(&matching->before, in, function);
	const uint32_t after = before == MATCHING_NONE ? MATCHING_NONE
						       : matching->functions[before];
	return after == MATCHING_NONE ? NULL : &matching->after.functions.items[after];
}

static bool line_in_function(const struct matching *matching, uint32_t function, int32_t line,
			     const char **ret_file, int32_t *ret_line)
{
	const struct functions *functions = &matching->before.functions;
	size_t low = functions->items[function].first;
	size_t high = low + functions->items[function].count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (functions->lines[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	const struct function *of = &functions->items[function];
	if (low == of->first + of->count || functions->lines[low].line != line ||
	    matching->lines[low] == MATCHING_NONE)
		return false;
	const struct function_line *to = &matching->after.functions.lines[matching->lines[low]];
	*ret_file = matching->after.functions.items[to->function].file;
	*ret_line = to->line;
	return true;
}

/*
 * Lambdas and comprehensions stand at lines of the function around them: any of them will
 * do.
 */
bool matching_line_of(const struct matching *matching, const char *file, const char *function,
		      int32_t line, const char **ret_file, int32_t *ret_line)
{
	const uint32_t in = find_file(&matching->before, file);
	if (in == MATCHING_NONE)
		return false;
	const struct matching_file *all = &matching->before.files[in];
	const uint32_t first = find_function(&matching->before, in, function ? function : "");
	if (first != MATCHING_NONE &&
	    line_in_function(matching, first, line, ret_file, ret_line))
		return true;
	for (uint32_t i = all->first; i < all->first + all->count; i++)
		if (line_in_function(matching, i, line, ret_file, ret_line))
			return true;
	return false;
}
