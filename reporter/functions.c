#include "functions.h"

#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

enum { MOST_TABLE_BYTES = 32 << 20 };

/* A code object, and where it is among those of its function. */
struct member {
	const struct profile_code *code;
	const char *file, *name;
};

/* One stretch of instructions; those of a line are put together in this order. */
struct stretch {
	int32_t line;
	uint32_t order;
	uint32_t bytes, column, columns;
};

struct stretches {
	struct stretch *items;
	size_t count, capacity;
};

static uint64_t mix(uint64_t print, uint64_t more)
{
	print = (print ^ more) * 0x9e3779b97f4a7c15ULL;
	return print ^ print >> 29;
}

static int by_name(const void *left, const void *right)
{
	const struct member *a = left, *b = right;
	int order = strcmp(a->file, b->file);
	if (order == 0)
		order = strcmp(a->name, b->name);
	if (order == 0)
		order = (a->code->first_line > b->code->first_line) -
			(a->code->first_line < b->code->first_line);
	return order;
}

static int by_line(const void *left, const void *right)
{
	const struct stretch *a = left, *b = right;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static int by_print(const void *left, const void *right)
{
	const struct function_line *a = left, *b = right;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->print > b->print) - (a->print < b->print);
}

static void add_stretch(void *user, const struct linetable_stretch *stretch)
{
	struct stretches *all = user;
	if (stretch->line == LINE_NONE)
		return;
	all->items = mem_grow(all->items, &all->capacity, all->count + 1, sizeof all->items[0]);
	all->items[all->count] = (struct stretch){.line = stretch->line,
						  .order = (uint32_t)all->count,
						  .bytes = stretch->bytes,
						  .column = stretch->column,
						  .columns = stretch->columns};
	all->count++;
}

/*
 * Columns count from where the line's first instruction is, whatever the indentation. Where
 * they are known lengths say nothing more, and a loop's last line, which ends in the jump back,
 * is the same line when another one follows.
 */
static uint64_t print_of(const struct stretch *stretches, size_t count)
{
	uint64_t print = 1;
	const struct stretch *last = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct stretch *at = &stretches[i];
		if (!at->columns)
			print = mix(print, at->column ? 0 : at->bytes);
		else if (!last || last->column != at->column || last->columns != at->columns)
			print = mix(mix(print, at->columns),
				    at->column - stretches[0].column + 1);
		last = at->columns ? at : NULL;
	}
	return print;
}

static void add_line(struct functions *functions, int32_t line, uint64_t print)
{
	functions->lines = mem_grow(functions->lines, &functions->line_capacity,
				    functions->line_count + 1, sizeof functions->lines[0]);
	functions->lines[functions->line_count++] =
		(struct function_line){line, (uint32_t)functions->count, print};
}

static void add_code(struct functions *functions, const struct profile *profile,
		     const struct profile_code *code)
{
	struct stretches all = {.count = 0};
	linetable_each((enum linetable_kind)code->linetable_kind,
		       profile->linetables + code->linetable_offset, code->linetable_bytes,
		       code->first_line, add_stretch, &all);
	if (all.count)
		qsort(all.items, all.count, sizeof all.items[0], by_line);
	for (size_t i = 0; i < all.count;) {
		size_t end = i + 1;
		while (end < all.count && all.items[end].line == all.items[i].line)
			end++;
		add_line(functions, all.items[i].line, print_of(&all.items[i], end - i));
		i = end;
	}
	free(all.items);
}

/* What several code objects have at a line is one print, however often they came. */
static void end_function(struct functions *functions, const struct member *member, size_t first)
{
	struct function *function = &functions->items[functions->count];
	struct function_line *lines = functions->lines;
	size_t kept = first;
	if (functions->line_count > first)
		qsort(lines + first, functions->line_count - first, sizeof lines[0], by_print);
	uint64_t last = 0;
	for (size_t i = first; i < functions->line_count; i++) {
		const struct function_line line = lines[i];
		if (kept > first && lines[kept - 1].line == line.line) {
			if (line.print != last)
				lines[kept - 1].print = mix(lines[kept - 1].print, line.print);
		} else {
			lines[kept++] = line;
		}
		last = line.print;
	}
	functions->line_count = kept;
	*function = (struct function){.file = member->file,
				      .name = member->name,
				      .first = first,
				      .count = kept - first,
				      .print = 1};
	for (size_t i = first; i < kept; i++)
		function->print = mix(mix(function->print, lines[i].print),
				      (uint32_t)lines[i].line - (uint32_t)lines[first].line);
	functions->count++;
}

/*
 * Code objects of a hostile file may all claim one large table: what is read is bounded, far
 * above what programs have. The lines of a function that isn't read are paired by nothing.
 */
static bool may_read(const struct profile_code *code, uint64_t *budget)
{
	if (code->linetable_bytes > *budget)
		return false;
	*budget -= code->linetable_bytes;
	return true;
}

void functions_init(struct functions *functions, const struct profile *profile)
{
	__attribute__((cleanup(mem_scope))) struct member *members =
		mem_alloc(profile->code_count * sizeof members[0]);
	uint64_t budget = MOST_TABLE_BYTES;
	*functions = (struct functions){
		.items = mem_alloc(profile->code_count * sizeof functions->items[0])};
	for (size_t i = 0; i < profile->code_count; i++) {
		const struct profile_code *code = &profile->codes[i];
		members[i] = (struct member){code, profile_text(profile, code->file),
					     profile_text(profile, code->name)};
	}
	if (profile->code_count)
		qsort(members, profile->code_count, sizeof members[0], by_name);
	for (size_t i = 0; i < profile->code_count;) {
		const struct member *member = &members[i];
		const size_t first = functions->line_count;
		for (; i < profile->code_count && strcmp(members[i].file, member->file) == 0 &&
		       strcmp(members[i].name, member->name) == 0;
		     i++)
			if (may_read(members[i].code, &budget))
				add_code(functions, profile, members[i].code);
		end_function(functions, member, first);
	}
}

bool functions_read_text(const struct functions *functions, const struct function *function,
			 struct source *source, struct function_line *ret_lines)
{
	const struct function_line *lines = functions->lines + function->first;
	bool read_any = false;
	for (size_t i = 0; i < function->count; i++) {
		size_t len;
		bool changed;
		ret_lines[i] = lines[i];
		ret_lines[i].print = 1;
		const char *text = source_line(source, function->file, lines[i].line, &len,
					       &changed);
		if (text && changed)
			return false;
		read_any |= text != NULL;
		for (size_t k = 0; text && k < len; k++)
			ret_lines[i].print = mix(ret_lines[i].print, (unsigned char)text[k]);
	}
	return read_any;
}

void functions_release(struct functions *functions)
{
	free(functions->items);
	free(functions->lines);
	*functions = (struct functions){.count = 0};
}
