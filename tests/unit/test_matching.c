/*
 * Which function and line is which, of programs made here: a version before, and one after that
 * has its files renamed, functions renamed and moved to other files, lines inserted and
 * everything shifted. Every line looks like no other, so all of them have to be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/buf.h"
#include "../../collector/mem.h"
#include "../../reporter/lines.h"
#include "../../reporter/matching.h"
#include "xorshift.h"

enum { FILES = 5, FUNCTIONS = 6, LINES = 7, ROUNDS = 200, NEW = -1 };

struct made_line {
	int32_t line;
	uint8_t bytes; /* two stretches of so many bytes: what it looks like */
	uint8_t more;
	int32_t origin; /* of which line before, by `identity`; NEW: of none */
};

struct made_function {
	char file[32], name[32];
	struct made_line lines[2 * LINES];
	size_t count;
};

struct version {
	struct made_function functions[FILES * FUNCTIONS];
	struct buf strings, tables;
	struct profile_code codes[FILES * FUNCTIONS];
	struct profile_node nodes[FILES * FUNCTIONS];
	struct profile profile;
	struct lines *lines;
};

static uint64_t seed;

static uint64_t pick(uint64_t count)
{
	return xorshift(&seed) % count;
}

/* Two bytes make 127 * 127 looks, far more than there are lines. */
static struct made_line next_line(uint32_t *look, int32_t line, int32_t origin)
{
	const uint32_t number = (*look)++;
	return (struct made_line){line, (uint8_t)(2 * (number % 100 + 1)),
				  (uint8_t)(2 * (number / 100 + 1)), origin};
}

static void make_before(struct version *before, uint32_t *look)
{
	for (size_t i = 0; i < FILES * FUNCTIONS; i++) {
		struct made_function *function = &before->functions[i];
		int32_t line = (int32_t)(i % FUNCTIONS) * 100 + 1;
		snprintf(function->file, sizeof function->file, "/app/file%zu.py",
			 i / FUNCTIONS);
		snprintf(function->name, sizeof function->name, "function%zu", i);
		function->count = 2 + pick(LINES - 1);
		for (size_t k = 0; k < function->count; k++) {
			line += 1 + (int32_t)pick(3);
			function->lines[k] = next_line(look, line,
						       (int32_t)(i * 2 * LINES + k));
		}
	}
}

/* Few lines are new, so that nobody would call it another function. */
static void edit(struct made_function *function, uint32_t *look)
{
	struct made_function edited = *function;
	int32_t shift = (int32_t)pick(1000);
	edited.count = 0;
	for (size_t k = 0; k < function->count; k++) {
		struct made_line line = function->lines[k];
		if (pick(8) == 0) {
			edited.lines[edited.count++] = next_line(look, line.line + shift, NEW);
			shift++;
		}
		line.line += shift;
		edited.lines[edited.count++] = line;
	}
	*function = edited;
}

static void move_down(struct made_function *function)
{
	const int32_t shift = (int32_t)pick(1000);
	for (size_t k = 0; k < function->count; k++)
		function->lines[k].line += shift;
}

/* A file keeps its name, or most of what is in it: otherwise nobody could know it again. */
static void make_after(const struct version *before, struct version *after, uint32_t *look)
{
	memcpy(after->functions, before->functions, sizeof after->functions);
	for (size_t i = 0; i < FILES * FUNCTIONS; i++) {
		struct made_function *function = &after->functions[i];
		const size_t file = i / FUNCTIONS;
		const bool renamed_file = file == 1, moved = i == FUNCTIONS * 3;
		if (renamed_file)
			snprintf(function->file, sizeof function->file, "/app/other.py");
		if (moved)
			snprintf(function->file, sizeof function->file, "/app/file0.py");
		if (!moved && !renamed_file && pick(4) == 0) {
			snprintf(function->name, sizeof function->name, "renamed%zu", i);
			move_down(function);
		} else if (moved || (renamed_file && i % FUNCTIONS)) {
			move_down(function);
		} else {
			edit(function, look);
		}
	}
}

static uint32_t add_text(struct version *version, const char *text)
{
	const size_t at = version->strings.len;
	buf_text(&version->strings, text);
	return (uint32_t)at;
}

/* The line table of 3.10: pairs of length and step. */
static void add_table(struct version *version, const struct made_function *function)
{
	int32_t line = function->lines[0].line;
	for (size_t k = 0; k < function->count; k++) {
		int32_t step = function->lines[k].line - line;
		for (; step > 127; step -= 127) {
			buf_u8(&version->tables, 0);
			buf_u8(&version->tables, 127);
		}
		buf_u8(&version->tables, function->lines[k].bytes);
		buf_u8(&version->tables, (uint8_t)step);
		buf_u8(&version->tables, function->lines[k].more);
		buf_u8(&version->tables, 0);
		line = function->lines[k].line;
	}
}

static void build(struct version *version)
{
	buf_init(&version->strings);
	buf_init(&version->tables);
	add_text(version, "");
	for (size_t i = 0; i < FILES * FUNCTIONS; i++) {
		const struct made_function *function = &version->functions[i];
		const size_t start = version->tables.len;
		add_table(version, function);
		version->codes[i] = (struct profile_code){
			.file = add_text(version, function->file),
			.name = add_text(version, function->name),
			.first_line = function->lines[0].line,
			.linetable_kind = LINETABLE_310,
			.linetable_offset = start,
			.linetable_bytes = (uint32_t)(version->tables.len - start),
		};
		version->nodes[i] =
			(struct profile_node){.code = STREAM_CODE_FIRST + (uint32_t)i};
	}
	version->profile = (struct profile){
		.strings = (char *)version->strings.data,
		.strings_bytes = version->strings.len,
		.linetables = version->tables.data,
		.linetables_bytes = version->tables.len,
		.codes = version->codes,
		.code_count = FILES * FUNCTIONS,
		.nodes = version->nodes,
		.node_count = FILES * FUNCTIONS,
	};
	version->lines = lines_new(&version->profile, false);
}

static void drop(struct version *version)
{
	lines_free(version->lines);
	buf_release(&version->strings);
	buf_release(&version->tables);
	free(version);
}

/* Where a line before is after, looked for everywhere. */
static const struct made_line *model_line(const struct version *after, int32_t origin,
					  const struct made_function **ret_function)
{
	for (size_t i = 0; i < FILES * FUNCTIONS; i++)
		for (size_t k = 0; k < after->functions[i].count; k++)
			if (after->functions[i].lines[k].origin == origin) {
				*ret_function = &after->functions[i];
				return &after->functions[i].lines[k];
			}
	return NULL;
}

static void check_function(const struct matching *matching, const struct version *after,
			   const struct made_function *function)
{
	for (size_t k = 0; k < function->count; k++) {
		const struct made_function *in;
		const struct made_line *expected = model_line(after, function->lines[k].origin,
							      &in);
		const char *file = NULL;
		int32_t line = 0;
		assert_non_null(expected);
		assert_true(matching_line_of(matching, function->file, function->name,
					     function->lines[k].line, &file, &line));
		assert_string_equal(file, in->file);
		assert_int_equal(line, expected->line);
		const struct function *found = matching_function_of(matching, function->file,
								    function->name);
		assert_non_null(found);
		assert_string_equal(found->name, in->name);
		assert_string_equal(found->file, in->file);
	}
}

static void test_everything_is_found_again(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		struct version *before = mem_alloc(sizeof *before);
		struct version *after = mem_alloc(sizeof *after);
		struct matching matching;
		uint32_t look = 0;
		seed = round * 0x9e3779b97f4a7c15ULL;
		make_before(before, &look);
		make_after(before, after, &look);
		build(before);
		build(after);
		matching_init(&matching, before->lines, after->lines);
		for (size_t i = 0; i < FILES * FUNCTIONS; i++)
			check_function(&matching, after, &before->functions[i]);
		assert_string_equal(matching_file_of(&matching, "/app/file1.py"),
				    "/app/other.py");
		assert_null(matching_file_of(&matching, "/app/never.py"));
		assert_null(matching_function_of(&matching, "/app/file1.py", "never"));
		matching_release(&matching);
		drop(before);
		drop(after);
	}
}

/* Two functions that look alike: neither is taken for the one that is gone. */
static void test_two_as_likely_are_none(void **state)
{
	(void)state;
	struct version *before = mem_alloc(sizeof *before);
	struct version *after = mem_alloc(sizeof *after);
	struct matching matching;
	uint32_t look = 0;
	seed = 5;
	make_before(before, &look);
	memcpy(after->functions, before->functions, sizeof after->functions);
	struct made_function *one = &after->functions[0], *other = &after->functions[1];
	snprintf(one->name, sizeof one->name, "one");
	memcpy(other->lines, one->lines, sizeof one->lines);
	other->count = one->count;
	snprintf(other->name, sizeof other->name, "other");
	build(before);
	build(after);
	matching_init(&matching, before->lines, after->lines);
	assert_null(matching_function_of(&matching, "/app/file0.py", "function0"));
	assert_null(matching_function_of(&matching, "/app/file0.py", "function1"));
	assert_non_null(matching_function_of(&matching, "/app/file0.py", "function2"));
	matching_release(&matching);
	drop(before);
	drop(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_found_again),
		cmocka_unit_test(test_two_as_likely_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
