#include "cycles.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

enum {
	LEAST_BYTES = 256 << 10,
	/* Too often: from so long a run on, and from such a share of it on. */
	LEAST_RUN_MS = 1000,
	OFTEN_PERCENT = 10,
	/* Too seldom: a full collection gives back so much, and such a share of the peak. */
	SELDOM_BYTES = 1 << 20,
	SELDOM_PERCENT = 25,
	/* A line is worth a change from such a part of all garbage on. */
	GOOD_PART = 10,
};

static int compare(const void *left, const void *right)
{
	const struct growth_row *a = *(const struct growth_row *const *)left;
	const struct growth_row *b = *(const struct growth_row *const *)right;
	if (a->figures.gc_freed_bytes != b->figures.gc_freed_bytes)
		return a->figures.gc_freed_bytes > b->figures.gc_freed_bytes ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void find_rows(const struct growth *growth, struct cycles *cycles)
{
	cycles->rows = mem_alloc(growth->row_count * sizeof(const struct growth_row *));
	for (size_t i = 0; i < growth->row_count; i++)
		if (growth->rows[i].figures.gc_freed_bytes)
			cycles->rows[cycles->row_count++] = &growth->rows[i];
	if (cycles->row_count)
		qsort(cycles->rows, cycles->row_count, sizeof(const struct growth_row *),
		      compare);
	cycles->bytes = growth->total.gc_freed_bytes;
	cycles->blocks = growth->total.gc_freed_count;
}

static void find_settings(const struct profile *profile, struct cycles_settings *settings)
{
	const char *enabled = profile_info(profile, "gc.enabled");
	const char *frozen = profile_info(profile, "gc.frozen");
	const char *thresholds = profile_info(profile, "gc.thresholds");
	if (!enabled)
		return;
	settings->known = true;
	settings->enabled = strcmp(enabled, "0") != 0;
	settings->frozen = frozen && strcmp(frozen, "0") != 0;
	while (thresholds && settings->threshold_count < CYCLES_GENERATIONS) {
		char *end;
		const uint64_t value = strtoull(thresholds, &end, 10);
		if (end == thresholds)
			return;
		settings->thresholds[settings->threshold_count++] = value;
		thresholds = end;
	}
}

__attribute__((format(printf, 2, 3))) static void note(struct cycles *cycles,
						       const char *format, ...)
{
	char text[512];
	size_t count = 0;
	va_list args;
	while (count < CYCLES_MAX_NOTES - 1 && cycles->notes[count])
		count++;
	if (count == CYCLES_MAX_NOTES - 1)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	cycles->notes[count] = mem_text(text);
}

static void note_often(const struct profile_run *run, struct cycles *cycles)
{
	const double seconds = (double)cycles->took_ns / 1e9;
	const double percent = 1e5 * seconds / (double)run->duration_ms;
	if (run->duration_ms < LEAST_RUN_MS || percent < OFTEN_PERCENT)
		return;
	note(cycles,
	     "the collector runs too often: %s collections took %s, %.0f %% of the run, and"
	     " all %s collected %s objects; raise its threshold (gc.set_threshold), or call"
	     " gc.freeze() when the program has started",
	     units_count(cycles->timed).text, units_seconds(seconds).text, percent,
	     units_count(cycles->collections).text, units_count(cycles->objects).text);
}

static void note_seldom(const struct profile_run *run, enum units_kind units,
			struct cycles *cycles)
{
	const uint64_t collections = run->program_collections[2];
	const uint64_t bytes = collections ? run->garbage_bytes[2] / collections : 0;
	if (bytes < SELDOM_BYTES || bytes / SELDOM_PERCENT < run->peak_bytes / 100)
		return;
	note(cycles,
	     "the collector runs too seldom: full collections (%s of them) gave back %s each,"
	     " where the program had %s at most; break the cycles, or call gc.collect() where"
	     " they are done with",
	     units_count(collections).text, units_size(units, bytes).text,
	     units_size(units, run->peak_bytes).text);
}

static void note_settings(struct cycles *cycles)
{
	const struct cycles_settings *settings = &cycles->settings;
	if (settings->known && !settings->enabled)
		note(cycles,
		     "the collector is off (gc.disable): cycles stay live until gc.collect()"
		     " is called");
	else if (settings->threshold_count && !settings->thresholds[0])
		note(cycles,
		     "the collector never starts by itself (its threshold is 0): cycles stay"
		     " live until gc.collect() is called");
	if (settings->frozen)
		note(cycles,
		     "gc.freeze() was called: what lived then is never looked at, and its"
		     " cycles are never freed");
}

void cycles_compute(const struct growth *growth, const struct profile *profile,
		    enum units_kind units, struct cycles *ret_cycles)
{
	struct cycles cycles = {0};
	find_rows(growth, &cycles);
	if (profile) {
		const struct profile_run *run = &profile->run;
		for (size_t i = 0; i < CYCLES_GENERATIONS; i++) {
			cycles.collections += run->program_collections[i];
			cycles.objects += run->program_collected[i];
			cycles.timed += run->timed_collections[i];
			cycles.took_ns += run->collecting_ns[i];
		}
		find_settings(profile, &cycles.settings);
		note_often(run, &cycles);
		note_seldom(run, units, &cycles);
		note_settings(&cycles);
	}
	*ret_cycles = cycles;
}

void cycles_release(struct cycles *cycles)
{
	for (size_t i = 0; i < CYCLES_MAX_NOTES; i++)
		free(cycles->notes[i]);
	free(cycles->rows);
	*cycles = (struct cycles){0};
}

bool cycles_are_large(const struct cycles *cycles)
{
	return cycles->bytes >= LEAST_BYTES;
}

/*
 * What the interpreter does by itself, and what it runs frozen in its own file, stays as it
 * is.
 */
static bool can_be_changed(const struct growth_row *row)
{
	static const char frozen[] = "<frozen ";
	return row->group.file && strncmp(row->group.file, frozen, sizeof frozen - 1) != 0;
}

const struct growth_row *cycles_to_break(const struct cycles *cycles)
{
	for (size_t i = 0; i < cycles->row_count; i++) {
		const struct growth_row *row = cycles->rows[i];
		if (row->figures.gc_freed_bytes < cycles->bytes / GOOD_PART)
			return NULL;
		if (can_be_changed(row))
			return row;
	}
	return NULL;
}

bool cycles_matter(const struct cycles *cycles)
{
	return cycles_are_large(cycles) || cycles->notes[0];
}
