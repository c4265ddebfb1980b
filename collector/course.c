#include "course.h"

#include <stdbool.h>
#include <stdlib.h>

#include "mem.h"

void course_init(struct course *course)
{
	*course = (struct course){.step_ms = COURSE_FIRST_STEP_MS,
				  .next_ms = COURSE_FIRST_STEP_MS};
}

void course_release(struct course *course)
{
	for (size_t i = 0; i < course->count; i++)
		changes_release(&course->points[i].changes);
	free(course->points);
	course_init(course);
}

void course_put_back(struct course *course, const struct course_point *point)
{
	course->points = mem_grow(course->points, &course->capacity, course->count + 1,
				  sizeof(*course->points));
	course->points[course->count++] = *point;
	course->change_count += point->changes.count;
}

/* Of each two points the later one stays; the newest stays in any case. */
static void thin_out(struct course *course)
{
	size_t kept = 0, odd = course->count % 2;

	course->change_count = 0;
	for (size_t i = 0; i < course->count; i++) {
		struct course_point *point = &course->points[i];

		if (i % 2 == odd && i + 1 < course->count) {
			changes_add_earlier(&point[1].changes, &point->changes);
			changes_release(&point->changes);
			continue;
		}
		course->change_count += point->changes.count;
		course->points[kept++] = *point;
	}
	course->count = kept;
	course->step_ms *= 2;
}

static bool is_too_large(const struct course *course)
{
	return course->count > COURSE_MOST_POINTS ||
	       (course->change_count > COURSE_MOST_CHANGES &&
		course->count >= 2 * COURSE_FEWEST_POINTS);
}

void course_add(struct course *course, const struct course_figures *figures,
		struct sites *sites)
{
	struct course_point point = {*figures, changes_take(sites, SITES_COURSE)};

	course_put_back(course, &point);
	while (is_too_large(course))
		thin_out(course);
	/* On multiples of the step, however late this one came. */
	course->next_ms = (figures->time_ms / course->step_ms + 1) * course->step_ms;
}
