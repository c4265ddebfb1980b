/* What a verdict says of rows that grow: leaks, and caches that filled up. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../collector/mem.h"
#include "verdict.h"

enum { ROWS_NAMED = 3 };

static const double sure_chance = 0.9, sure_p = 0.001, one_gib = 1 << 30;

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

static void advise_leak(const struct verdict_query *query, const struct found *found,
			size_t count, struct verdict *verdict)
{
	double low = 0;
	for (size_t i = 0; i < count; i++)
		low += found[i].test->trend.low;
	verdict_say(
		verdict->advice,
		"what is made there is still referenced, or its C code lost it: see who calls"
		" it (last line below), and what keeps it");
	if (low > 0)
		verdict_say(verdict->advice, "at this rate another %s is taken in %s",
			    rate(query, one_gib).text, units_seconds(one_gib / low).text);
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
