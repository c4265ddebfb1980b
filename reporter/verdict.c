#include "verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../collector/mem.h"

const char *const verdict_kind_names[] = {"none",  "fragmentation", "leak",
					  "cache", "outside",       "high-water"};
const char *const verdict_confidence_names[] = {"low", "medium", "high"};

enum {
	LEAST_FREE_BYTES = 8 << 20,
	LEAST_FREE_PART = 4, /* one of so many */
	LEAST_RESIDENT_PART = 5,
	LEAST_RETURNED_PART = 10,
	LEAST_TRIM_BYTES = 1 << 20,
	MOST_ROWS = 10,
	ROWS_NAMED = 3,
};

struct finding {
	const struct verdict_query *query;
	struct verdict *verdict;
};

void verdict_say(char **sentences, const char *format, ...)
{
	va_list args, again;
	size_t at = 0;
	while (at < VERDICT_MAX_SENTENCES - 1 && sentences[at])
		at++;
	va_start(args, format);
	va_copy(again, args);
	const int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len >= 0 && !sentences[at]) {
		sentences[at] = mem_alloc((size_t)len + 1);
		vsnprintf(sentences[at], (size_t)len + 1, format, again);
	}
	va_end(again);
}

static struct units_text size(const struct finding *finding, uint64_t bytes)
{
	return units_size(finding->query->units, bytes);
}

/* 0: not known. */
static uint64_t resident_bytes(const struct profile *profile, const struct moment *moment)
{
	if (moment->kind == MOMENT_LAST && profile->window_count)
		return profile->windows[profile->window_count - 1].rss_bytes;
	if (moment->kind == MOMENT_POINT)
		return profile->points[moment->point].rss_bytes;
	if (moment->kind != MOMENT_MARK)
		return 0;
	const uint64_t bytes = profile->marks[moment->mark].figures.rss_bytes;
	return bytes == UINT64_MAX ? 0 : bytes;
}

static bool is_too_free(const struct verdict_query *query, uint64_t free_bytes, uint64_t bytes)
{
	const uint64_t resident = resident_bytes(query->profile, &query->moment);
	return free_bytes >= LEAST_FREE_BYTES && free_bytes >= bytes / LEAST_FREE_PART &&
	       bytes >= resident / LEAST_RESIDENT_PART;
}

static bool has_free_arenas(const struct verdict_query *query)
{
	const struct fragmentation *figures = query->fragmentation;
	return figures->known && is_too_free(query, figures->pinned_bytes, figures->bytes);
}

static bool has_free_heap(const struct verdict_query *query)
{
	const struct c_heap *heap = query->heap;
	return heap->known && is_too_free(query, heap->free_bytes, heap->bytes);
}

static bool is_doubtful(const struct profile *profile)
{
	uint64_t doubts = profile->run.dropped_events + profile->run.lost_slots;
	for (size_t i = 0; i < profile->audit_count; i++)
		doubts += profile->audits[i].differing_blocks;
	return doubts != 0;
}

static enum verdict_confidence confidence(const struct verdict_query *query)
{
	const struct fragmentation *figures = query->fragmentation;
	if (is_doubtful(query->profile))
		return VERDICT_LOW;
	if (!has_free_arenas(query))
		return query->heap->free_bytes >= query->heap->bytes / 2 ? VERDICT_HIGH
									 : VERDICT_MEDIUM;
	if (!query->pinning->known || query->pinning->others.blocks)
		return VERDICT_MEDIUM;
	return figures->pinned_bytes >= figures->bytes / 2 ? VERDICT_HIGH : VERDICT_MEDIUM;
}

static void say_free(const struct finding *finding)
{
	const struct fragmentation *figures = finding->query->fragmentation;
	const double percent = 100.0 * (double)figures->pinned_bytes / (double)figures->bytes;
	verdict_say(finding->verdict->reasons,
		    "%s of the %s in %s arenas is free (%.0f %%), but %s live blocks of %s"
		    " keep it from going back",
		    size(finding, figures->pinned_bytes).text,
		    size(finding, figures->bytes).text, units_count(figures->arenas).text,
		    percent, units_count(figures->blocks).text,
		    size(finding, figures->block_bytes).text);
}

/* The caller's to free. */
static char *name_of(const struct finding *finding, const struct pinning_row *row)
{
	struct buf text;
	buf_init(&text);
	caption_append(&row->group, finding->query->by, &finding->query->folder, &text);
	buf_u8(&text, '\0');
	return (char *)text.data;
}

static size_t most_pinning_row(const struct pinning *pinning)
{
	size_t most = 0;
	for (size_t i = 1; i < pinning->row_count; i++)
		if (pinning->rows[i].figures.pinned_bytes >
		    pinning->rows[most].figures.pinned_bytes)
			most = i;
	return most;
}

/* The one to release first, or else the one that pins most. */
static void say_row(const struct finding *finding)
{
	const struct pinning *pinning = finding->query->pinning;
	if (!pinning->row_count)
		return;
	const size_t first = finding->verdict->released_rows ? pinning->release.order[0]
							     : most_pinning_row(pinning);
	const struct pinning_row *row = &pinning->rows[first];
	const struct pinning_figures *figures = &row->figures;
	__attribute__((cleanup(mem_scope))) char *name = name_of(finding, row);
	if (figures->exclusive_arenas)
		verdict_say(finding->verdict->reasons,
			    "%s: %s blocks of %s hold %s arenas (%s) that nothing else holds",
			    name, units_count(figures->blocks).text,
			    size(finding, figures->live_bytes).text,
			    units_count(figures->exclusive_arenas).text,
			    size(finding, figures->exclusive_bytes).text);
	else
		verdict_say(finding->verdict->reasons,
			    "%s: %s blocks of %s lie in %s arenas, and each of those holds"
			    " blocks of other %s, too",
			    name, units_count(figures->blocks).text,
			    size(finding, figures->live_bytes).text,
			    units_count(figures->arenas).text,
			    caption_plural(finding->query->by));
}

/* The last step of at most that many rows; NULL: there is none. */
static const struct release_step *step_within(const struct release *release, size_t rows)
{
	const struct release_step *found = NULL;
	for (size_t i = 0; i < release->step_count && release->steps[i].rows <= rows; i++)
		found = &release->steps[i];
	return found;
}

/* The first step that gives back half of what ten rows would, by what is free of it. */
static const struct release_step *advised_step(const struct release *release)
{
	const struct release_step *last = step_within(release, MOST_ROWS);
	for (size_t i = 0; last && i < release->step_count; i++)
		if (release->steps[i].free_bytes >= last->free_bytes / 2)
			return &release->steps[i];
	return NULL;
}

/* "a.py:1, b.py:2 and 3 more"; the caller's to free. */
static char *names_of(const struct finding *finding, size_t rows)
{
	const struct pinning *pinning = finding->query->pinning;
	const size_t named = rows <= ROWS_NAMED ? rows : ROWS_NAMED - 1;
	struct buf text;
	buf_init(&text);
	for (size_t i = 0; i < named; i++) {
		const char *between = i + 1 == rows ? " and " : ", ";
		buf_printf(&text, "%s", i ? between : "");
		caption_append(&pinning->rows[pinning->release.order[i]].group,
			       finding->query->by, &finding->query->folder, &text);
	}
	if (named < rows)
		buf_printf(&text, " and %zu more %s", rows - named,
			   caption_plural(finding->query->by));
	buf_u8(&text, '\0');
	return (char *)text.data;
}

static void advise_release(const struct finding *finding, const struct release_step *step)
{
	const struct fragmentation *figures = finding->query->fragmentation;
	__attribute__((cleanup(mem_scope))) char *names = names_of(finding, step->rows);
	finding->verdict->returned_bytes = step->bytes;
	finding->verdict->released_rows = step->rows;
	verdict_say(finding->verdict->advice,
		    "freeing the blocks of %s gives back %s: %s of the %s arenas", names,
		    size(finding, step->bytes).text, units_count(step->arenas).text,
		    units_count(figures->arenas).text);
}

/* Where lines that aren't named hold arenas, nobody can say that nothing helps. */
static void advise_restart(const struct finding *finding, const struct release_step *last)
{
	const struct pinning *pinning = finding->query->pinning;
	if (pinning->others.blocks) {
		verdict_say(finding->verdict->advice,
			    "at marks only the stacks with most blocks of each arena are"
			    " known: see the end of the run for what releasing them gives"
			    " back");
		return;
	}
	verdict_say(finding->verdict->advice,
		    "no few %s hold it: freeing the blocks of the first %d gives back %s of it,"
		    " so restarting the process (recycling workers) is the only way",
		    caption_plural(finding->query->by), MOST_ROWS,
		    last ? size(finding, last->free_bytes).text : "nothing");
}

static void advise_arenas(const struct finding *finding)
{
	const struct verdict_query *query = finding->query;
	if (!query->pinning->known)
		return;
	const struct release_step *last = step_within(&query->pinning->release, MOST_ROWS);
	const uint64_t least = query->fragmentation->pinned_bytes / LEAST_RETURNED_PART;
	if (last && last->free_bytes >= least)
		advise_release(finding, advised_step(&query->pinning->release));
	else
		advise_restart(finding, last);
}

static void say_heap(const struct finding *finding)
{
	const struct c_heap *heap = finding->query->heap;
	verdict_say(finding->verdict->reasons, "%s of the C heap's %s is free (%.0f %%)",
		    size(finding, heap->free_bytes).text, size(finding, heap->bytes).text,
		    100.0 * (double)heap->free_bytes / (double)heap->bytes);
}

static void advise_trim(const struct finding *finding)
{
	const struct c_heap *heap = finding->query->heap;
	const uint64_t bytes = c_heap_trim_bytes(heap);
	if (!heap->known || (bytes < LEAST_TRIM_BYTES && !has_free_heap(finding->query)))
		return;
	const bool little = bytes < heap->free_bytes / LEAST_RETURNED_PART;
	verdict_say(finding->verdict->advice,
		    "malloc_trim(0) gives back %s%s %s of the C heap%s", little ? "only " : "",
		    heap->detailed ? "about" : "at most", size(finding, bytes).text,
		    little ? ": what is free lies in pieces between live blocks" : "");
}

static void judge_arenas(const struct finding *finding)
{
	say_free(finding);
	advise_arenas(finding);
	say_row(finding);
}

/* Behind those that are there, as far as there is room. */
static void take_over(char **sentences, char **more)
{
	for (size_t i = 0; i < VERDICT_MAX_SENTENCES && more[i]; i++) {
		verdict_say(sentences, "%s", more[i]);
		free(more[i]);
	}
}

static void judge_fragmentation(const struct finding *finding)
{
	struct verdict *verdict = finding->verdict;
	if (!verdict->of_arenas && !verdict->of_heap)
		return;
	if (verdict->kind == VERDICT_NONE) {
		verdict->kind = VERDICT_FRAGMENTATION;
		verdict->confidence = confidence(finding->query);
	}
	if (verdict->of_arenas)
		judge_arenas(finding);
	if (verdict->of_heap)
		say_heap(finding);
	advise_trim(finding);
}

/* The first of them names the verdict; what the others say stands behind. */
static void add_finding(const struct finding *finding, struct verdict *found)
{
	struct verdict *verdict = finding->verdict;
	if (verdict->kind == VERDICT_NONE) {
		verdict->kind = found->kind;
		verdict->confidence = is_doubtful(finding->query->profile) ? VERDICT_LOW
									   : found->confidence;
	}
	take_over(verdict->reasons, found->reasons);
	take_over(verdict->advice, found->advice);
}

static void judge_growth(const struct finding *finding, enum leak_kind leak,
			 enum verdict_kind kind, size_t *ret_rows)
{
	struct verdict *verdict = finding->verdict;
	struct verdict found = {.kind = kind, .limit = verdict->limit};
	*ret_rows = verdict_say_growth(finding->query, leak, &found);
	if (!*ret_rows)
		return;
	if (leak == LEAK_LEAKS) {
		verdict->leaking = found.leaking;
		verdict->forecast = found.forecast;
		verdict->restart_marks = found.restart_marks;
	}
	add_finding(finding, &found);
}

static void judge_resident(const struct finding *finding,
			   bool (*say)(const struct verdict_query *query,
				       struct verdict *verdict),
			   enum verdict_kind kind)
{
	struct verdict found = {.kind = kind};
	if (say(finding->query, &found))
		add_finding(finding, &found);
}

void verdict_find(const struct verdict_query *query, struct verdict *ret_verdict)
{
	struct verdict verdict = {.kind = VERDICT_NONE,
				  .of_arenas = has_free_arenas(query),
				  .of_heap = has_free_heap(query),
				  .limit = limit_at(query->profile, &query->moment),
				  .restart_marks = NAN};
	verdict.forecast = limit_reached(&verdict.limit, &verdict.leaking);
	const struct finding finding = {query, &verdict};
	judge_growth(&finding, LEAK_LEAKS, VERDICT_LEAK, &verdict.leaks);
	judge_fragmentation(&finding);
	judge_resident(&finding, verdict_say_outside, VERDICT_OUTSIDE);
	judge_growth(&finding, LEAK_FILLS, VERDICT_CACHE, &verdict.caches);
	if (verdict.kind == VERDICT_NONE)
		judge_resident(&finding, verdict_say_high_water, VERDICT_HIGH_WATER);
	*ret_verdict = verdict;
}

void verdict_release(struct verdict *verdict)
{
	for (size_t i = 0; i < VERDICT_MAX_SENTENCES; i++) {
		free(verdict->reasons[i]);
		free(verdict->advice[i]);
	}
	*verdict = (struct verdict){.kind = VERDICT_NONE};
}
