#include "moment.h"

#include <stdio.h>
#include <string.h>

#include "../collector/buf.h"
#include "units.h"

static double mark_seconds(const struct profile *profile, size_t mark)
{
	return (double)profile->marks[mark].figures.time_ns / 1e9;
}

static const char *mark_name(const struct profile *profile, size_t mark)
{
	return profile_text(profile, profile->marks[mark].name);
}

static struct moment named(enum moment_kind kind, double seconds, const char *name)
{
	struct moment moment = {.kind = kind, .seconds = seconds, .asked_seconds = -1};
	snprintf(moment.name, sizeof moment.name, "%s", name);
	return moment;
}

static struct moment of_mark(const struct profile *profile, size_t mark)
{
	struct moment moment = named(MOMENT_MARK, mark_seconds(profile, mark),
				     mark_name(profile, mark));
	moment.mark = mark;
	return moment;
}

/* A run's length is told in whole milliseconds: its last mark may seem to come behind that. */
static double last_seconds(const struct profile *profile)
{
	const double length = (double)profile->run.duration_ms / 1000;
	const size_t marks = profile->mark_count;
	const double mark = marks ? mark_seconds(profile, marks - 1) : 0;
	return mark > length && mark < length + 0.001 ? mark : length;
}

static struct moment of_edge(const struct profile *profile, enum moment_kind kind)
{
	return kind == MOMENT_START ? named(kind, 0, "start")
				    : named(kind, last_seconds(profile), "end");
}

static double point_seconds(const struct profile *profile, size_t point)
{
	return (double)profile->points[point].time_ms / 1000;
}

static struct moment of_point(const struct profile *profile, size_t point)
{
	const double seconds = point_seconds(profile, point);
	char name[32];
	snprintf(name, sizeof name, "%.3fs", seconds);
	struct moment moment = named(MOMENT_POINT, seconds, name);
	moment.point = point;
	return moment;
}

static int has_base(const struct profile *profile, size_t mark, const char *name, size_t len)
{
	const char *base = profile_text(profile, profile->marks[mark].base);
	return strlen(base) == len && memcmp(base, name, len) == 0;
}

static size_t find_name(const struct profile *profile, const char *name)
{
	const size_t len = strlen(name);
	for (size_t i = profile->mark_count; i-- > 0;)
		if (has_base(profile, i, name, len))
			return i;
	for (size_t i = profile->mark_count; i-- > 0;)
		if (strcmp(mark_name(profile, i), name) == 0)
			return i;
	/* The first of a name carries no number. */
	if (len > 2 && strcmp(name + len - 2, "#1") == 0)
		for (size_t i = 0; i < profile->mark_count; i++)
			if (has_base(profile, i, name, len - 2))
				return i;
	return SIZE_MAX;
}

static struct moment mark_at(const struct profile *profile, double seconds)
{
	struct moment moment = of_edge(profile, MOMENT_START);
	for (size_t i = 0; i < profile->mark_count; i++)
		if (mark_seconds(profile, i) <= seconds &&
		    mark_seconds(profile, i) >= moment.seconds)
			moment = of_mark(profile, i);
	moment.asked_seconds = seconds;
	return moment;
}

static bool is_of_the_end(const struct profile *profile, const struct moment *moment)
{
	return moment->kind == MOMENT_MARK && profile->run.flags & PROFILE_AT_END &&
	       profile->marks[moment->mark].figures.origin == MARK_TRACER &&
	       has_base(profile, moment->mark, "end", 3);
}

static struct moment at_time(const struct profile *profile, double seconds)
{
	struct moment moment = mark_at(profile, seconds);
	if (is_of_the_end(profile, &moment))
		return moment;
	for (size_t i = profile->point_count; i-- > 0;) {
		if (point_seconds(profile, i) > seconds)
			continue;
		if (point_seconds(profile, i) > moment.seconds)
			moment = of_point(profile, i);
		break;
	}
	moment.asked_seconds = seconds;
	return moment;
}

static int say_unknown(const struct profile *profile, const char *text, struct err *err)
{
	enum { LISTED = 20 };
	struct buf names;
	buf_init(&names);
	for (size_t i = 0; i < profile->mark_count && i < LISTED; i++)
		buf_printf(&names, "%s'%s' (%s)", i ? ", " : "", mark_name(profile, i),
			   units_seconds(mark_seconds(profile, i)).text);
	if (profile->mark_count > LISTED)
		buf_printf(&names, " and %zu more", profile->mark_count - LISTED);
	buf_u8(&names, '\0');
	const char *listed = profile->mark_count ? (const char *)names.data : "none";
	const int result = err_set(err, "%s: no mark is called '%s'; there are: %.800s",
				   profile->path, text, listed);
	buf_release(&names);
	return result;
}

const char *moment_beginning(const struct profile *profile)
{
	if (profile_info(profile, "forked"))
		for (size_t i = profile->mark_count; i-- > 0;)
			if (profile->marks[i].figures.origin == MARK_TRACER &&
			    has_base(profile, i, "fork", 4))
				return mark_name(profile, i);
	return "start";
}

static int find(const struct profile *profile, const char *text,
		struct moment (*by_time)(const struct profile *profile, double seconds),
		struct moment *ret_moment, struct err *err)
{
	double seconds;
	const size_t mark = find_name(profile, text);
	if (mark != SIZE_MAX)
		*ret_moment = of_mark(profile, mark);
	else if (strcmp(text, "start") == 0)
		*ret_moment = of_edge(profile, MOMENT_START);
	else if (strcmp(text, "end") == 0)
		*ret_moment = of_edge(profile, MOMENT_LAST);
	else if (units_parse_seconds(text, &seconds) == 0)
		*ret_moment = by_time(profile, seconds);
	else
		return say_unknown(profile, text, err);
	return 0;
}

int moment_find(const struct profile *profile, const char *text, struct moment *ret_moment,
		struct err *err)
{
	return find(profile, text, at_time, ret_moment, err);
}

int moment_find_mark(const struct profile *profile, const char *text, struct moment *ret_moment,
		     struct err *err)
{
	return find(profile, text, mark_at, ret_moment, err);
}

int moment_find_span(const struct profile *profile, const char *from, const char *to,
		     struct moment *ret_from, struct moment *ret_to, struct err *err)
{
	struct moment first, last;
	const char *beginning = from ? from : moment_beginning(profile);
	if (moment_find(profile, beginning, &first, err) ||
	    moment_find(profile, to, &last, err))
		return -1;
	if (first.seconds > last.seconds)
		return err_set(err, "%s: --from %s (%s) is after --to %s (%s)", profile->path,
			       beginning, units_seconds(first.seconds).text, to,
			       units_seconds(last.seconds).text);
	*ret_from = first;
	*ret_to = last;
	return 0;
}

static void live_at_point(const struct profile *profile, size_t point, uint64_t *bytes_by_stack,
			  uint64_t *blocks_by_stack)
{
	const struct profile_point *last = &profile->points[point];
	for (const struct profile_point *item = profile->points; item <= last; item++)
		for (size_t i = 0; i < item->change_count; i++) {
			const struct profile_point_change *change =
				&profile->point_changes[item->change_start + i];
			bytes_by_stack[change->stack] = change->live_bytes;
			blocks_by_stack[change->stack] = change->live_blocks;
		}
}

void moment_live(const struct profile *profile, const struct moment *moment,
		 uint64_t *bytes_by_stack, uint64_t *blocks_by_stack)
{
	const size_t bytes = (profile->node_count + 1) * sizeof bytes_by_stack[0];
	memset(bytes_by_stack, 0, bytes);
	memset(blocks_by_stack, 0, bytes);
	if (moment->kind == MOMENT_POINT)
		live_at_point(profile, moment->point, bytes_by_stack, blocks_by_stack);
	else if (moment->kind != MOMENT_START)
		profile_live_at(profile, moment->kind == MOMENT_LAST ? SIZE_MAX : moment->mark,
				bytes_by_stack, blocks_by_stack);
}

uint64_t moment_live_bytes(const struct profile *profile, const struct moment *moment)
{
	if (moment->kind == MOMENT_START)
		return 0;
	if (moment->kind == MOMENT_POINT)
		return profile->points[moment->point].live_bytes;
	return moment->kind == MOMENT_LAST ? profile->run.live_bytes
					   : profile->marks[moment->mark].live_bytes;
}

uint64_t moment_live_blocks(const struct profile *profile, const struct moment *moment)
{
	if (moment->kind == MOMENT_START)
		return 0;
	if (moment->kind == MOMENT_POINT)
		return profile->points[moment->point].live_blocks;
	return moment->kind == MOMENT_LAST ? profile->run.live_blocks
					   : profile->marks[moment->mark].live_blocks;
}

bool moment_is_end(const struct profile *profile, const struct moment *moment)
{
	return moment->kind == MOMENT_LAST ||
	       (moment->kind == MOMENT_MARK &&
		!strcmp(profile_text(profile, profile->marks[moment->mark].base), "end"));
}
