/*
 * What --from and --to mean, and what was live then: two marks at 1 s and 2 s, and two points
 * at 1.5 s and 2.5 s.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../reporter/moment.h"

enum { STACKS = 2 };

/* Of the texts below, where they begin. */
enum { EARLY = 1, LATE = 7, EARLY_2 = 12, END = 20 };
static const char texts[] = "\0early\0late\0early#2\0end";

struct made {
	struct profile profile;
	char strings[sizeof(texts)];
	struct profile_node nodes[STACKS];
	struct profile_mark marks[2];
	struct profile_change changes[2];
	struct profile_point points[2];
	struct profile_point_change point_changes[3];
};

static void make(struct made *made)
{
	*made = (struct made){
		.marks = {{.figures = {.time_ns = 1000000000, .origin = MARK_PROGRAM},
			   .name = EARLY,
			   .base = EARLY,
			   .live_bytes = 10,
			   .live_blocks = 1,
			   .change_count = 1},
			  {.figures = {.time_ns = 2000000000, .origin = MARK_PROGRAM},
			   .name = LATE,
			   .base = LATE,
			   .live_bytes = 30,
			   .live_blocks = 3,
			   .change_start = 1,
			   .change_count = 1}},
		.changes = {{1, 0, 10, 1}, {2, 0, 20, 2}},
		.points = {{.time_ms = 1500,
			    .live_bytes = 55,
			    .live_blocks = 5,
			    .change_count = 2},
			   {.time_ms = 2500,
			    .live_bytes = 48,
			    .live_blocks = 4,
			    .change_start = 2,
			    .change_count = 1}},
		.point_changes = {{1, 0, 15, 2, 9}, {2, 0, 40, 3, 9}, {1, 0, 8, 1, 9}},
	};
	memcpy(made->strings, texts, sizeof(texts));
	made->profile.strings = made->strings;
	made->profile.strings_bytes = sizeof(texts);
	made->profile.nodes = made->nodes;
	made->profile.node_count = STACKS;
	made->profile.marks = made->marks;
	made->profile.mark_count = 2;
	made->profile.changes = made->changes;
	made->profile.change_count = 2;
	made->profile.points = made->points;
	made->profile.point_count = 2;
	made->profile.point_changes = made->point_changes;
	made->profile.point_change_count = 3;
	made->profile.run.duration_ms = 3000;
}

static struct moment find(const struct made *made, const char *text)
{
	struct moment moment;
	struct err err;
	assert_int_equal(moment_find(&made->profile, text, &moment, &err), 0);
	return moment;
}

static void test_names(void **state)
{
	(void)state;
	struct made made;
	struct moment moment;
	struct err err;
	make(&made);
	/* A second "early", as the collector names it. */
	made.marks[1].name = EARLY_2;
	made.marks[1].base = EARLY;
	assert_int_equal(find(&made, "early").mark, 1);
	assert_int_equal(find(&made, "early#2").mark, 1);
	assert_int_equal(find(&made, "early#1").mark, 0);
	assert_int_equal(find(&made, "start").kind, MOMENT_START);
	assert_int_equal(find(&made, "end").kind, MOMENT_LAST);
	assert_int_equal(moment_find(&made.profile, "noon", &moment, &err), -1);
	assert_non_null(strstr(err.text, "'noon'"));
	assert_non_null(strstr(err.text, "early#2"));
}

static void test_times(void **state)
{
	(void)state;
	struct made made;
	struct moment moment;
	struct err err;
	make(&made);
	assert_int_equal(find(&made, "0.5s").kind, MOMENT_START);
	assert_int_equal(find(&made, "1s").kind, MOMENT_MARK);
	assert_int_equal(find(&made, "1s").mark, 0);
	assert_int_equal(find(&made, "1499ms").mark, 0);
	assert_int_equal(find(&made, "1999ms").kind, MOMENT_POINT);
	assert_int_equal(find(&made, "1999ms").point, 0);
	assert_string_equal(find(&made, "1999ms").name, "1.500s");
	assert_int_equal(find(&made, "1.500s").point, 0);
	assert_int_equal(find(&made, "2s").kind, MOMENT_MARK);
	assert_int_equal(find(&made, "2s").mark, 1);
	assert_int_equal(find(&made, "1m").point, 1);
	assert_int_equal(moment_find_mark(&made.profile, "1m", &moment, &err), 0);
	assert_int_equal(moment.kind, MOMENT_MARK);
	assert_int_equal(moment.mark, 1);
}

static void test_teardown_is_behind_the_end(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	made.profile.run.flags |= PROFILE_AT_END;
	made.marks[1].name = made.marks[1].base = END;
	made.marks[1].figures.origin = MARK_TRACER;
	assert_int_equal(find(&made, "1m").kind, MOMENT_MARK);
	assert_int_equal(find(&made, "1m").mark, 1);
	assert_int_equal(find(&made, "1.9s").kind, MOMENT_POINT);
}

static void check_live(const struct made *made, const char *text, uint64_t first,
		       uint64_t second, uint64_t blocks)
{
	const struct moment moment = find(made, text);
	uint64_t bytes_of[STACKS + 1], blocks_of[STACKS + 1];
	memset(bytes_of, 0xee, sizeof bytes_of);
	memset(blocks_of, 0xee, sizeof blocks_of);
	moment_live(&made->profile, &moment, bytes_of, blocks_of);
	assert_int_equal(bytes_of[0], 0);
	assert_int_equal(bytes_of[1], first);
	assert_int_equal(bytes_of[2], second);
	assert_int_equal(blocks_of[1] + blocks_of[2], blocks);
	assert_int_equal(moment_live_bytes(&made->profile, &moment), first + second);
	assert_int_equal(moment_live_blocks(&made->profile, &moment), blocks);
}

static void test_what_was_live(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	check_live(&made, "start", 0, 0, 0);
	check_live(&made, "early", 10, 0, 1);
	check_live(&made, "1.7s", 15, 40, 5);
	check_live(&made, "late", 10, 20, 3);
	check_live(&made, "2.7s", 8, 40, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_teardown_is_behind_the_end),
		cmocka_unit_test(test_what_was_live),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
