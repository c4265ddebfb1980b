/*
 * Growth against a slow model: random profiles in memory, whose stacks are walked here one by
 * one and added up under keys made of text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/linetable.h"
#include "../../collector/mem.h"
#include "../../reporter/growth.h"
#include "xorshift.h"

enum {
	CODES = 12,
	NODES = 150,
	MARKS = 2,
	POINTS = 2,
	THREADS = 3,
	TEXT_BYTES = 4096,
	ROUNDS = 5,
};

/* Different code objects of one place, and one file with several functions. */
static const char *const files[] = {
	"/home/me/app.py",
	"/home/me/pack/__init__.py",
	"/home/me/pack/part.py",
	"/usr/lib/python3.11/json/decoder.py",
	"/home/me/env/lib/python3.11/site-packages/lib/core.py",
	"<frozen importlib._bootstrap>",
};
static const char *const modules[] = {"app",          "pack",     "pack.part",
				      "json.decoder", "lib.core", "importlib._bootstrap"};
static const bool owns[] = {true, true, true, false, false, false};
static const char *const functions[] = {"<module>", "f", "Class.method"};

struct made {
	struct profile profile;
	char strings[TEXT_BYTES];
	struct profile_code codes[CODES];
	struct profile_node nodes[NODES];
	struct profile_thread threads[THREADS];
	struct profile_site sites[NODES + 1];
	struct profile_mark marks[MARKS];
	struct profile_change changes[2 * (NODES + 1)];
	struct profile_point points[POINTS];
	struct profile_point_change point_changes[POINTS * (NODES + 1)];
	uint8_t linetable[8];
	int code_file[CODES], code_function[CODES];
	uint64_t seed;
};

static uint64_t pick(struct made *made, uint64_t count)
{
	return xorshift(&made->seed) % count;
}

static uint32_t add_text(struct made *made, const char *text)
{
	const size_t at = made->profile.strings_bytes;
	const size_t len = strlen(text) + 1;
	assert_true(at + len <= sizeof made->strings);
	memcpy(made->strings + at, text, len);
	made->profile.strings_bytes += len;
	return (uint32_t)at;
}

/* Each code object has texts of its own, so that equal texts stand at different offsets. */
static void make_codes(struct made *made)
{
	for (int i = 0; i < CODES; i++) {
		made->code_file[i] = i < 6 ? i : (int)pick(made, 6);
		made->code_function[i] = (int)pick(made, 3);
		made->codes[i] = (struct profile_code){
			.file = add_text(made, files[made->code_file[i]]),
			.name = add_text(made, functions[made->code_function[i]]),
			.first_line = 10 + (int)pick(made, 3),
			.linetable_kind = LINETABLE_LNOTAB,
			.linetable_bytes = 4,
			.first_traced = pick(made, 3) ? 0 : 4,
		};
	}
	/* From byte 2 on one line later, from byte 6 on three later. */
	memcpy(made->linetable, (const uint8_t[]){2, 1, 4, 2}, 4);
}

static void make_nodes(struct made *made)
{
	for (uint32_t i = 0; i < NODES; i++) {
		struct profile_node *node = &made->nodes[i];
		if (i < THREADS)
			*node = (struct profile_node){0, STREAM_CODE_THREAD, (int32_t)i};
		else if (pick(made, 40) == 0)
			*node = (struct profile_node){1, STREAM_CODE_TRUNCATED, 0};
		else
			*node = (struct profile_node){
				.parent = 1 + (uint32_t)pick(made, i),
				.code = STREAM_CODE_FIRST + (uint32_t)pick(made, CODES),
				.instr = 2 * (int32_t)pick(made, 5),
			};
	}
}

static void make_figures(struct made *made)
{
	size_t change = 0;
	for (uint32_t i = 0; i <= NODES; i++) {
		made->sites[i] = (struct profile_site){
			.stack = i,
			.live_bytes = pick(made, 5) ? 0 : pick(made, 100000),
			.live_blocks = pick(made, 50),
			.total_bytes = pick(made, 1000000),
			.total_blocks = pick(made, 1000),
			.temporary_bytes = pick(made, 1000),
			.temporary_blocks = pick(made, 100),
			.gc_freed_bytes = pick(made, 100),
			.peak_bytes = pick(made, 100000),
		};
	}
	for (size_t m = 0; m < MARKS; m++) {
		made->marks[m].name = made->marks[m].base = add_text(made,
								     m ? "late" : "early");
		made->marks[m].figures.time_ns = (m + 1) * 1000000000;
		made->marks[m].change_start = change;
		for (uint32_t i = 0; i <= NODES; i++)
			if (pick(made, 3) == 0)
				made->changes[change++] = (struct profile_change){
					i, 0, pick(made, 100000), pick(made, 50)};
		made->marks[m].change_count = change - made->marks[m].change_start;
	}
	made->profile.change_count = change;
}

/* At 1.5 s and 2.5 s. */
static void make_points(struct made *made)
{
	size_t change = 0;
	for (size_t p = 0; p < POINTS; p++) {
		made->points[p].time_ms = 1500 + p * 1000;
		made->points[p].change_start = change;
		for (uint32_t i = 0; i <= NODES; i++)
			if (pick(made, 3) == 0)
				made->point_changes[change++] = (struct profile_point_change){
					i, 0, pick(made, 100000), pick(made, 50), 0};
		made->points[p].change_count = change - made->points[p].change_start;
	}
	made->profile.points = made->points;
	made->profile.point_count = POINTS;
	made->profile.point_changes = made->point_changes;
	made->profile.point_change_count = change;
}

static struct made *make(uint64_t seed)
{
	struct made *made = mem_alloc(sizeof *made);
	made->seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	made->profile.strings = made->strings;
	add_text(made, "");
	make_codes(made);
	make_nodes(made);
	make_figures(made);
	make_points(made);
	for (uint32_t i = 0; i < THREADS; i++) {
		char name[16];
		snprintf(name, sizeof name, "worker-%u", i);
		made->threads[i] = (struct profile_thread){i, 100 + i, 1, add_text(made, name)};
	}
	struct profile *profile = &made->profile;
	static char path[] = "made.memtrace";
	profile->path = path;
	profile->linetables = made->linetable;
	profile->linetables_bytes = 4;
	profile->codes = made->codes;
	profile->code_count = CODES;
	profile->nodes = made->nodes;
	profile->node_count = NODES;
	profile->threads = made->threads;
	profile->thread_count = THREADS;
	profile->sites = made->sites;
	profile->site_count = NODES + 1;
	profile->marks = made->marks;
	profile->mark_count = MARKS;
	profile->changes = made->changes;
	profile->run.duration_ms = 5000;
	return made;
}

/* The model. */

static int model_line(const struct made *made, const struct profile_node *node)
{
	const int first = made->codes[node->code - STREAM_CODE_FIRST].first_line;
	return node->instr < 2 ? first : node->instr < 6 ? first + 1 : first + 3;
}

static bool is_code(const struct made *made, uint32_t stack)
{
	return stack && made->nodes[stack - 1].code >= STREAM_CODE_FIRST;
}

/* Frames before their first traced instruction are their callers'. */
static uint32_t visible(const struct made *made, uint32_t stack)
{
	while (is_code(made, stack) &&
	       made->nodes[stack - 1].instr <
		       (int)made->codes[made->nodes[stack - 1].code - STREAM_CODE_FIRST]
			       .first_traced)
		stack = made->nodes[stack - 1].parent;
	return stack;
}

static uint32_t parent_of(const struct made *made, uint32_t stack)
{
	return visible(made, made->nodes[stack - 1].parent);
}

static void frame_text(const struct made *made, uint32_t stack, char *text, size_t size)
{
	const struct profile_node *node = &made->nodes[stack - 1];
	const size_t code = node->code - STREAM_CODE_FIRST;
	snprintf(text, size, "%s:%d %s", files[made->code_file[code]], model_line(made, node),
		 functions[made->code_function[code]]);
}

static bool model_matches(const struct made *made, uint32_t stack, const char *word)
{
	char text[200];
	for (stack = visible(made, stack); stack; stack = parent_of(made, stack)) {
		if (!is_code(made, stack))
			continue;
		frame_text(made, stack, text, sizeof text);
		if (strstr(text, word))
			return true;
	}
	return false;
}

static void whole_stack_text(const struct made *made, uint32_t stack, char *text, size_t size)
{
	size_t len = 0;
	text[0] = '\0';
	for (; stack && len < size; stack = parent_of(made, stack)) {
		char frame[200] = "(truncated)";
		if (made->nodes[stack - 1].code == STREAM_CODE_THREAD)
			continue;
		if (is_code(made, stack))
			frame_text(made, stack, frame, sizeof frame);
		len += (size_t)snprintf(text + len, size - len, "%s;", frame);
	}
	assert_true(len < size);
}

static void model_key(const struct made *made, uint32_t stack, enum grouping_by by, char *key,
		      size_t size)
{
	uint32_t at = stack;
	snprintf(key, size, "none");
	if (by == GROUPING_BY_THREAD) {
		while (at && made->nodes[at - 1].code != STREAM_CODE_THREAD)
			at = parent_of(made, at);
		if (at)
			snprintf(key, size, "worker-%d", made->nodes[at - 1].instr);
		return;
	}
	if (!is_code(made, stack))
		return;
	if (by == GROUPING_BY_OWN) {
		while (at &&
		       !(is_code(made, at) &&
			 owns[made->code_file[made->nodes[at - 1].code - STREAM_CODE_FIRST]]))
			at = parent_of(made, at);
		snprintf(key, size, "not own");
		if (!at)
			return;
	}
	const struct profile_node *node = &made->nodes[at - 1];
	const size_t code = node->code - STREAM_CODE_FIRST;
	const int file = made->code_file[code];
	if (by == GROUPING_BY_FILE)
		snprintf(key, size, "%s", files[file]);
	else if (by == GROUPING_BY_MODULE)
		snprintf(key, size, "%s", modules[file]);
	else if (by == GROUPING_BY_FUNCTION)
		snprintf(key, size, "%s %s", files[file], functions[made->code_function[code]]);
	else if (by == GROUPING_BY_STACK)
		whole_stack_text(made, stack, key, size);
	else
		snprintf(key, size, "%s:%d", files[file], model_line(made, node));
}

static uint64_t model_live_at_point(const struct made *made, size_t point, uint32_t stack,
				    bool blocks)
{
	const struct profile_point *last = &made->points[point];
	uint64_t live = 0;
	for (size_t i = 0; i < last->change_start + last->change_count; i++)
		if (made->point_changes[i].stack == stack)
			live = blocks ? made->point_changes[i].live_blocks
				      : made->point_changes[i].live_bytes;
	return live;
}

/* Live bytes or blocks of a stack at a moment, by going through the changes. */
static uint64_t model_live(const struct made *made, const struct moment *moment, uint32_t stack,
			   bool blocks)
{
	uint64_t live = 0;
	if (moment->kind == MOMENT_LAST)
		return blocks ? made->sites[stack].live_blocks : made->sites[stack].live_bytes;
	if (moment->kind == MOMENT_START)
		return 0;
	if (moment->kind == MOMENT_POINT)
		return model_live_at_point(made, moment->point, stack, blocks);
	const struct profile_mark *mark = &made->marks[moment->mark];
	for (size_t i = 0; i < mark->change_start + mark->change_count; i++)
		if (made->changes[i].stack == stack)
			live = blocks ? made->changes[i].live_blocks
				      : made->changes[i].live_bytes;
	return live;
}

/* What a row is called in the model's words. */
static void row_text(const struct lines *lines, const struct growth_row *row,
		     enum grouping_by by, char *key, size_t size)
{
	if (by == GROUPING_BY_THREAD) {
		const char *name = strstr(row->group.name.text, "worker-");
		snprintf(key, size, "%.8s", name ? name : "none");
	} else if (!row->group.file && !row->group.module) {
		const bool none = strcmp(row->group.name.text, "(no Python frame)") == 0;
		snprintf(key, size, "%s", none ? "none" : "not own");
	} else if (by == GROUPING_BY_STACK) {
		size_t len = 0;
		for (uint32_t t = row->group.trace; t; t = lines->traces[t].parent) {
			const struct frame *frame = lines_frame(lines, t);
			if (frame->kind == FRAME_CODE)
				len += (size_t)snprintf(key + len, size - len, "%s:%d %s;",
							lines_file(lines, frame), frame->line,
							frame->function);
			else
				len += (size_t)snprintf(key + len, size - len, "(truncated);");
		}
	} else if (by == GROUPING_BY_FILE) {
		snprintf(key, size, "%s", row->group.file);
	} else if (by == GROUPING_BY_MODULE) {
		snprintf(key, size, "%s", row->group.module);
	} else if (by == GROUPING_BY_FUNCTION) {
		snprintf(key, size, "%s %s", row->group.file, row->group.function);
	} else {
		snprintf(key, size, "%s:%d", row->group.file, row->group.line);
	}
}

enum { KEY_BYTES = 16384 };

/* Sums over all stacks of this key; false: no stack has it. */
static bool model_sum(const struct made *made, const struct growth_query *query,
		      const char *word, const char *key, struct growth_figures *ret_sum)
{
	static char own_key[KEY_BYTES];
	struct growth_figures sum = {.size_bytes = 0};
	bool found = false;
	for (uint32_t stack = 0; stack <= NODES; stack++) {
		model_key(made, visible(made, stack), query->grouping->by, own_key,
			  sizeof own_key);
		if (strcmp(own_key, key) != 0)
			continue;
		if ((query->grouping->focus && !model_matches(made, stack, word)) ||
		    (query->grouping->ignore && model_matches(made, stack, word)))
			continue;
		const struct profile_site *site = &made->sites[stack];
		const uint64_t to = model_live(made, &query->to, stack, false);
		const uint64_t to_blocks = model_live(made, &query->to, stack, true);
		found = true;
		sum.size_bytes += to;
		sum.count += to_blocks;
		sum.size_diff_bytes +=
			(int64_t)(to - model_live(made, &query->from, stack, false));
		sum.count_diff +=
			(int64_t)(to_blocks - model_live(made, &query->from, stack, true));
		sum.total_bytes += site->total_bytes;
		sum.total_count += site->total_blocks;
		sum.temporary_bytes += site->temporary_bytes;
		sum.temporary_count += site->temporary_blocks;
		sum.gc_freed_bytes += site->gc_freed_bytes;
		sum.peak_bytes += site->peak_bytes;
	}
	*ret_sum = sum;
	return found;
}

static void check_row(const struct made *made, const struct growth_query *query,
		      const char *word, const struct growth_row *row)
{
	static char key[KEY_BYTES];
	struct growth_figures expected;
	row_text(query->grouping->lines, row, query->grouping->by, key, sizeof key);
	assert_true(model_sum(made, query, word, key, &expected));
	assert_memory_equal(&row->figures, &expected, sizeof expected);
}

static void check_query(const struct made *made, const struct growth_query *query,
			const char *word)
{
	struct growth growth;
	struct growth_figures sum = {.size_bytes = 0};
	uint64_t expected_bytes = 0;
	growth_compute(query, &growth);
	for (size_t i = 0; i < growth.row_count; i++) {
		const struct growth_figures *figures = &growth.rows[i].figures;
		check_row(made, query, word, &growth.rows[i]);
		if (i)
			assert_true(growth.rows[i - 1].figures.size_diff_bytes >=
				    figures->size_diff_bytes);
		sum.size_bytes += figures->size_bytes;
		sum.total_count += figures->total_count;
	}
	assert_int_equal(sum.size_bytes, growth.total.size_bytes);
	assert_int_equal(sum.total_count, growth.total.total_count);
	/* No stack is forgotten. */
	for (uint32_t stack = 0; stack <= NODES; stack++)
		if ((!query->grouping->focus || model_matches(made, stack, word)) &&
		    (!query->grouping->ignore || !model_matches(made, stack, word)))
			expected_bytes += model_live(made, &query->to, stack, false);
	assert_int_equal(growth.total.size_bytes, expected_bytes);
	growth_release(&growth);
}

static struct moment find(const struct made *made, const char *text)
{
	struct moment moment;
	struct err err;
	assert_int_equal(moment_find(&made->profile, text, &moment, &err), 0);
	return moment;
}

static void compare_rounds(const char *from, const char *to, const char *word, bool ignore)
{
	regex_t pattern;
	if (word)
		assert_int_equal(regcomp(&pattern, word, REG_EXTENDED | REG_NOSUB), 0);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		struct made *made = make(round);
		for (int by = 0; by < GROUPING_BY_COUNT; by++) {
			struct lines *lines = lines_new(&made->profile,
							by == GROUPING_BY_THREAD);
			struct grouping grouping = {
				.lines = lines,
				.by = (enum grouping_by)by,
				.focus = word && !ignore ? &pattern : NULL,
				.ignore = word && ignore ? &pattern : NULL,
			};
			grouping_compute(&grouping);
			const struct growth_query query = {&grouping, find(made, from),
							   find(made, to)};
			check_query(made, &query, word);
			grouping_release(&grouping);
			lines_free(lines);
		}
		free(made);
	}
	if (word)
		regfree(&pattern);
}

static void test_over_the_whole_run(void **state)
{
	(void)state;
	compare_rounds("start", "end", NULL, false);
}

static void test_between_marks(void **state)
{
	(void)state;
	compare_rounds("early", "late", NULL, false);
	compare_rounds("late", "end", NULL, false);
}

static void test_between_points(void **state)
{
	(void)state;
	compare_rounds("1.5s", "2500ms", NULL, false);
	compare_rounds("early", "2.6s", NULL, false);
	compare_rounds("1700ms", "late", "part", false);
	compare_rounds("1.999s", "end", NULL, false);
}

static void test_focus_and_ignore(void **state)
{
	(void)state;
	compare_rounds("start", "late", "part", false);
	compare_rounds("start", "end", "Class", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_over_the_whole_run),
		cmocka_unit_test(test_between_marks),
		cmocka_unit_test(test_between_points),
		cmocka_unit_test(test_focus_and_ignore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
