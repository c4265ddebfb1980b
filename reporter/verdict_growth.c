/* What a verdict says of rows that grow: leaks, and caches that filled up. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../collector/mem.h"
#include "verdict.h"

enum { ROWS_NAMED = 3 };

static const double sure_chance = 0.9, sure_p = 0.001, one_gib = 1 << 30;
/* What is so far off that no forecast reaches there. */
static const double furthest_seconds = 365.0 * 86400;
/* More are a damaged file's. */
static const double most_marks = 1e15;

struct found {
	const struct growth_row *row;
	const struct leak_test *test;
};

static int by_score(const void *left, const void *right)
{
	const struct found *a = left, *b = right;
	if (a->test->score != b->test->score)
		return a->test->score < b->test->score ? 1 : -1;
	return growth_compare(a->row, b->row);
}

static size_t find_rows(const struct verdict_query *query, enum leak_kind kind,
			struct found *ret_found)
{
	size_t count = 0;
	for (size_t i = 0; i < query->growth->row_count; i++) {
		const struct growth_row *row = &query->growth->rows[i];
		const struct leak_test *test = &query->leaks->items[row->index];
		if (test->kind == kind)
			ret_found[count++] = (struct found){row, test};
	}
	if (count)
		qsort(ret_found, count, sizeof ret_found[0], by_score);
	return count;
}

/* The caller's to free. */
static char *name_of(const struct verdict_query *query, const struct group *group)
{
	struct buf text;
	buf_init(&text);
	caption_append(group, query->by, &query->folder, &text);
	buf_u8(&text, '\0');
	return (char *)text.data;
}

static struct units_text rate(const struct verdict_query *query, double bytes)
{
	return units_size(query->units, bytes > 0 ? (uint64_t)bytes : 0);
}

static void say_leak(const struct verdict_query *query, const struct found *found,
		     struct verdict *verdict)
{
	const struct leak_test *test = found->test;
	__attribute__((cleanup(mem_scope))) char *name = name_of(query, &found->row->group);
	char more[80] = "";
	if (!isnan(test->blocks_per_mark))
		snprintf(more, sizeof more, ", %.2f blocks at each mark",
			 test->blocks_per_mark);
	verdict_say(verdict->reasons,
		    "%s grows by %s a second (at least %s)%s, and did not slow down", name,
		    rate(query, test->trend.slope).text, rate(query, test->trend.low).text,
		    more);
}

static void say_cache(const struct verdict_query *query, const struct found *found,
		      struct verdict *verdict)
{
	__attribute__((cleanup(mem_scope))) char *name = name_of(query, &found->row->group);
	verdict_say(verdict->reasons, "%s filled up: %s in %s blocks, and it hardly grows now",
		    name, units_size(query->units, found->row->figures.size_bytes).text,
		    units_count(found->row->figures.count).text);
}

/* Bounds of a sum are the sums of bounds at least as surely as each of them is one. */
static struct trend all_together(const struct found *found, size_t count)
{
	struct trend sum = {.slope = 0};
	for (size_t i = 0; i < count; i++) {
		sum.slope += found[i].test->trend.slope;
		sum.low += found[i].test->trend.low;
		sum.high += found[i].test->trend.high;
	}
	return sum;
}

/* Until somebody mends it, in marks where they are the clock. */
static void advise_restart(const struct verdict *verdict, char **advice)
{
	const double marks = verdict->restart_marks;
	if (marks >= 1 && marks < most_marks)
		verdict_say(advice,
			    "until then, a restart after every %s iterations at the latest"
			    " (max_requests of gunicorn, maxtasksperchild of multiprocessing)"
			    " keeps it below that",
			    units_count((uint64_t)marks).text);
	else if (isnan(marks) && verdict->forecast.soonest >= 1)
		verdict_say(advice,
			    "until then, a restart every %s at the latest keeps it below that",
			    units_seconds(verdict->forecast.soonest).text);
}

static void advise_limit(const struct verdict_query *query, struct verdict *verdict)
{
	const struct limit *limit = &verdict->limit;
	const struct limit_forecast *forecast = &verdict->forecast;
	const char *const whose = limit->kind == LIMIT_CGROUP ? "the cgroup's limit of"
							      : "the machine's";
	verdict_say(verdict->advice,
		    "%s of %s %s are left: at this rate they are taken in %s (%s to %s)",
		    units_size(query->units, limit->left_bytes).text, whose,
		    units_size(query->units, limit->bytes).text,
		    units_seconds(forecast->seconds).text,
		    units_seconds(forecast->soonest).text,
		    units_seconds(forecast->latest).text);
	advise_restart(verdict, verdict->advice);
}

static void foresee(const struct verdict_query *query, struct verdict *verdict)
{
	const struct trend *leaking = &verdict->leaking;
	const double marks = query->leaks->marks_per_second;
	verdict->forecast = limit_reached(&verdict->limit, leaking);
	verdict->restart_marks = query->leaks->by_marks && leaking->high > 0
					 ? floor(verdict->forecast.soonest * marks)
					 : NAN;
	if (verdict->limit.kind && verdict->forecast.latest <= furthest_seconds)
		advise_limit(query, verdict);
	else if (leaking->low > 0)
		verdict_say(verdict->advice, "at this rate another %s is taken in %s",
			    rate(query, one_gib).text,
			    units_seconds(one_gib / leaking->low).text);
}

static void advise_leak(const struct verdict_query *query, const struct found *found,
			size_t count, struct verdict *verdict)
{
	verdict->leaking = all_together(found, count);
	verdict_say(
		verdict->advice,
		"what is made there is still referenced, or its C code lost it: see who calls"
		" it (last line below), and what keeps it");
	foresee(query, verdict);
	const struct leak_test *first = found[0].test;
	const bool sure = first->chance >= sure_chance && first->trend.p <= sure_p;
	verdict->confidence = sure ? VERDICT_HIGH : VERDICT_MEDIUM;
}

size_t verdict_say_growth(const struct verdict_query *query, enum leak_kind kind,
			  struct verdict *verdict)
{
	__attribute__((cleanup(mem_scope))) struct found *found =
		mem_alloc(query->growth->row_count * sizeof found[0]);
	const size_t count = find_rows(query, kind, found);
	for (size_t i = 0; i < count && i < ROWS_NAMED; i++)
		if (kind == LEAK_LEAKS)
			say_leak(query, &found[i], verdict);
		else
			say_cache(query, &found[i], verdict);
	if (count > ROWS_NAMED)
		verdict_say(verdict->reasons, "and %s more %s",
			    units_count(count - ROWS_NAMED).text, caption_plural(query->by));
	if (count && kind == LEAK_LEAKS)
		advise_leak(query, found, count, verdict);
	else
		verdict->confidence = VERDICT_MEDIUM;
	return count;
}
