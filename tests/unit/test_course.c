/* Points of a run against full copies of the figures at each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/course.h"

enum { STACKS = 40, LONGEST_MS = 200000 };

struct figures {
	uint64_t bytes, blocks, total;
};

/* What each stack had, by millisecond of a tick. */
static struct figures (*copies)[STACKS];

static uint64_t next_random(uint64_t *random)
{
	*random = *random * 6364136223846793005ULL + 1442695040888963407ULL;
	return *random >> 33;
}

static void change_something(struct sites *sites, uint64_t *random)
{
	uint32_t stack = (uint32_t)(next_random(random) % STACKS);
	uint64_t bytes = next_random(random) % 100 + 1;

	switch (next_random(random) % 3) {
	case 0:
		sites_alloc(sites, stack, bytes, 0);
		break;
	case 1:
		sites_temporary(sites, stack, bytes, 1);
		break;
	default:
		sites_alloc(sites, stack, bytes, 0);
		sites_free(sites, stack, bytes, 0);
	}
}

static void copy(const struct sites *sites, uint64_t now_ms)
{
	memset(copies[now_ms], 0, sizeof(copies[now_ms]));
	for (uint32_t i = 0; i < STACKS && i < sites->count; i++)
		copies[now_ms][i] = (struct figures){sites->site[i].live_bytes,
						     sites->site[i].live_blocks,
						     sites->site[i].total_blocks};
}

static void tick(struct course *course, struct sites *sites, uint64_t now_ms)
{
	const struct course_figures figures = {.time_ms = now_ms,
					       .live_bytes = sites->live_bytes};

	copy(sites, now_ms);
	if (course_is_due(course, now_ms))
		course_add(course, &figures, sites);
}

static void assert_as_copied(const struct course *course)
{
	struct figures now[STACKS] = {{0}};
	size_t changes = 0;

	for (size_t i = 0; i < course->count; i++) {
		const struct course_point *point = &course->points[i];

		for (size_t k = 0; k < point->changes.count; k++) {
			const struct change *change = &point->changes.items[k];

			assert_true(k == 0 || change[-1].stack < change->stack);
			now[change->stack] = (struct figures){
				change->live_bytes, change->live_blocks, change->total_blocks};
		}
		changes += point->changes.count;
		assert_memory_equal(now, copies[point->figures.time_ms], sizeof(now));
	}
	assert_int_equal(course->change_count, changes);
}

/* Each stands for as many of the first step as the step is long, each of which a tick ended. */
static void assert_even(const struct course *course, uint64_t longest_ms)
{
	for (size_t i = 1; i < course->count; i++) {
		uint64_t gap = course->points[i].figures.time_ms -
			       course->points[i - 1].figures.time_ms;

		assert_in_range(gap, 1,
				course->step_ms / COURSE_FIRST_STEP_MS *
					(COURSE_FIRST_STEP_MS + longest_ms));
	}
}

static void test_points_are_the_figures_of_their_time(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (uint64_t run = 0; run < 8; run++) {
		struct course course;
		struct sites sites;
		uint64_t now_ms = 0, longest = 20 + 150 * run;

		course_init(&course);
		sites_init(&sites);
		while (now_ms + longest < LONGEST_MS) {
			for (uint64_t i = next_random(&random) % 4; i-- > 0;)
				change_something(&sites, &random);
			now_ms += next_random(&random) % longest + 1;
			tick(&course, &sites, now_ms);
			assert_true(course.count <= COURSE_MOST_POINTS);
		}
		assert_as_copied(&course);
		assert_even(&course, longest);
		assert_true(course.count > COURSE_MOST_POINTS / 3);
		assert_true(course.points[course.count - 1].figures.time_ms + course.step_ms +
				    longest >=
			    now_ms);
		course_release(&course);
		sites_release(&sites);
	}
}

/* More stacks change at every point than may be kept for many: fewer points are. */
static void test_many_changes_make_fewer_points(void **state)
{
	enum { MANY = COURSE_MOST_CHANGES / 20, POINTS = 200 };
	struct course course;
	struct sites sites;

	(void)state;
	course_init(&course);
	sites_init(&sites);
	for (uint64_t i = 1; i <= POINTS; i++) {
		const struct course_figures figures = {.time_ms = i * COURSE_FIRST_STEP_MS};

		for (uint32_t stack = 0; stack < MANY; stack++)
			sites_alloc(&sites, stack, 16, 0);
		if (course_is_due(&course, figures.time_ms))
			course_add(&course, &figures, &sites);
		assert_true(course.change_count <= COURSE_MOST_CHANGES);
	}
	assert_in_range(course.count, COURSE_FEWEST_POINTS, 20);
	for (size_t i = 0; i < course.count; i++)
		for (size_t k = 0; k < course.points[i].changes.count; k++)
			assert_int_equal(course.points[i].changes.items[k].live_blocks,
					 course.points[i].figures.time_ms /
						 COURSE_FIRST_STEP_MS);
	course_release(&course);
	sites_release(&sites);
}

static int set_up(void **state)
{
	(void)state;
	copies = calloc(LONGEST_MS, sizeof(*copies));
	return copies ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(copies);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_are_the_figures_of_their_time),
		cmocka_unit_test(test_many_changes_make_fewer_points),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
