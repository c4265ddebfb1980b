/*
 * What the map says before its rows: of which process, how much there is, and what to look at
 * first.
 */
#include <string.h>

#include "../collector/buf.h"
#include "../collector/linetable.h"
#include "doubts.h"
#include "map_text.h"
#include "paragraph.h"
#include "source.h"

struct units_text map_text_age(double seconds)
{
	struct units_text age = {""};
	const double minutes = seconds / 60, hours = minutes / 60;
	if (seconds < 0)
		return age;
	if (seconds < 9.95)
		snprintf(age.text, sizeof age.text, "%.1f s", seconds);
	else if (seconds < 99.5)
		snprintf(age.text, sizeof age.text, "%.0f s", seconds);
	else if (minutes < 99.5)
		snprintf(age.text, sizeof age.text, "%.0f min", minutes);
	else if (hours < 47.5)
		snprintf(age.text, sizeof age.text, "%.0f h", hours);
	else
		snprintf(age.text, sizeof age.text, "%.0f d", hours / 24);
	return age;
}

static void print_doubt(void *user, const char *sentence)
{
	const struct map_view *view = user;
	paragraph_warn(view->term, sentence);
}

static const char *or_unknown(const char *text)
{
	return text && *text ? text : "unknown";
}

static void print_moment(const struct map_view *view, char *text, size_t size)
{
	const struct moment *moment = &view->map->of.moment;
	if (moment->seconds < 0)
		snprintf(text, size, "when it had most arenas");
	else
		snprintf(text, size, "at %s (%s)%s", moment->name,
			 units_seconds(moment->seconds).text,
			 moment->asked_seconds >= 0 ? ", the last mark by then" : "");
}

void map_text_head(const struct map_view *view)
{
	const struct profile *profile = view->map->of.profile;
	const char *program = profile_info(profile, "program");
	char moment[240];
	print_moment(view, moment, sizeof moment);
	paragraph_printf(view->term, "%s: Python %s, pid %u, %s",
			 program && *program ? program : profile->path,
			 or_unknown(profile_info(profile, "python")), profile->run.pid, moment);
	if (view->running)
		paragraph_printf(view->term,
				 "the program still runs: this is its profile so far");
	struct map_view own = *view;
	doubts_of(profile, print_doubt, &own);
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned)((double)part * 100 / (double)whole + 0.5) : 0;
}

void map_text_totals(const struct map_view *view)
{
	const struct arenas *arenas = view->map->of.arenas;
	paragraph_printf(view->term, "%s arena%s of %s: %s live in %s blocks, %s free (%u %%)",
			 units_count(arenas->count).text, arenas->count == 1 ? "" : "s",
			 units_size(view->units, arenas->bytes).text,
			 units_size(view->units, arenas->block_bytes).text,
			 units_count(arenas->live_blocks).text,
			 units_size(view->units, arenas->free_bytes).text,
			 percent(arenas->free_bytes, arenas->bytes));
}

static void print_source(const struct map_view *view, const struct group *group)
{
	struct source source;
	if (!group->file || group->line == LINE_NONE)
		return;
	source_init(&source, view->map->of.profile->run.start_real_ns);
	source_print(&source, view->term, group->file, group->line);
	source_release(&source);
}

/* The line whose blocks in arenas that it holds alone give most back. */
static void say_alone(const struct map_view *view, size_t line)
{
	const struct map_line *named = &view->map->named[line];
	fputs(term_bold(view->term), view->term->out);
	paragraph_printf(view->term, "%.1000s: freeing %s blocks gives back %s arena%s, %s",
			 named->name, units_count(named->alone_blocks).text,
			 units_count(named->alone_arenas).text,
			 named->alone_arenas == 1 ? "" : "s",
			 units_size(view->units, named->alone_bytes).text);
	fputs(term_plain(view->term), view->term->out);
	print_source(view, &view->map->of.pinning->rows[line].group);
}

/* What only goes back when several let go of it. */
static void say_together(const struct map_view *view, const struct release_step *step)
{
	const struct release *release = &view->map->of.pinning->release;
	struct buf names;
	buf_init(&names);
	for (size_t i = 0; i < step->rows; i++)
		buf_printf(&names, "%s%s", i ? ", " : "",
			   view->map->named[release->order[i]].name);
	buf_u8(&names, '\0');
	paragraph_printf(view->term, "%.1000s: freeing all of %s gives back %s arena%s, %s",
			 (const char *)names.data, step->rows == 1 ? "it" : "them",
			 units_count(step->arenas).text, step->arenas == 1 ? "" : "s",
			 units_size(view->units, step->bytes).text);
	buf_release(&names);
}

/* The best that a few lines do together; NULL: nothing comes back by them. */
static const struct release_step *few_lines(const struct release *release)
{
	enum { FEW = 3 };
	const struct release_step *step = NULL;
	for (size_t i = 0; i < release->step_count && release->steps[i].rows <= FEW; i++)
		step = &release->steps[i];
	return step;
}

void map_text_advice(const struct map_view *view)
{
	const struct map *map = view->map;
	const struct release_step *few = few_lines(&map->of.pinning->release);
	size_t best = SIZE_MAX;
	uint64_t bytes = 0;
	for (size_t i = 0; i < map->of.pinning->row_count; i++)
		if (map->named[i].alone_bytes > bytes)
			bytes = map->named[best = i].alone_bytes;
	if (!map->of.arenas->holders_known)
		paragraph_printf(view->term, "whose blocks hold them isn't in this profile");
	else if (best == SIZE_MAX && !few)
		paragraph_printf(view->term, "no few lines hold an arena by themselves");
	if (best != SIZE_MAX)
		say_alone(view, best);
	/* Unless it would be no more than half as much again. */
	if (few && few->bytes > bytes + bytes / 2)
		say_together(view, few);
}
