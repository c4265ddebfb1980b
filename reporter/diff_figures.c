/* Figures of the whole process, and why they may not be comparable. */
#include "diff.h"

#include <stdio.h>
#include <string.h>

#include "c_heap.h"
#include "doubts.h"
#include "fragmentation.h"

const struct diff_figure_name diff_figure_names[DIFF_FIGURE_COUNT] = {
	[DIFF_LIVE_BYTES] = {"live_bytes", "live", true},
	[DIFF_LIVE_BLOCKS] = {"live_blocks", "live blocks", false},
	[DIFF_PEAK_BYTES] = {"peak_bytes", "peak of live", true},
	[DIFF_ALLOCATIONS] = {"allocations", "allocations in all", false},
	[DIFF_ARENA_BYTES] = {"arena_bytes", "arenas", true},
	[DIFF_ARENA_FREE_BYTES] = {"arena_free_bytes", "  free in them", true},
	[DIFF_HEAP_USED_BYTES] = {"c_heap_used_bytes", "C heap, in use", true},
	[DIFF_HEAP_FREE_BYTES] = {"c_heap_free_bytes", "  free in it", true},
	[DIFF_RSS_BYTES] = {"rss_bytes", "resident set", true},
	[DIFF_ANON_BYTES] = {"anon_bytes", "  anonymous", true},
	[DIFF_FILE_BYTES] = {"file_bytes", "  files and shared", true},
};

static void add_arenas(struct diff_side *side)
{
	struct arenas arenas;
	struct fragmentation fragmentation;
	arenas_at(side->profile, &side->to, &arenas);
	fragmentation_compute(side->profile, &side->to, &arenas, &fragmentation);
	if (fragmentation.known) {
		side->figures[DIFF_ARENA_BYTES] = fragmentation.bytes;
		side->figures[DIFF_ARENA_FREE_BYTES] = fragmentation.free_bytes;
	}
	arenas_release(&arenas);
}

void diff_figures_of(struct diff_side *side)
{
	const struct profile *profile = side->profile;
	const struct c_heap heap = c_heap_at(profile, &side->to);
	for (size_t i = 0; i < DIFF_FIGURE_COUNT; i++)
		side->figures[i] = UINT64_MAX;
	side->figures[DIFF_LIVE_BYTES] = moment_live_bytes(profile, &side->to);
	side->figures[DIFF_LIVE_BLOCKS] = moment_live_blocks(profile, &side->to);
	side->figures[DIFF_PEAK_BYTES] = profile->run.peak_bytes;
	side->figures[DIFF_ALLOCATIONS] = profile->run.allocations;
	add_arenas(side);
	if (heap.known) {
		side->figures[DIFF_HEAP_USED_BYTES] = heap.used_bytes;
		side->figures[DIFF_HEAP_FREE_BYTES] = heap.free_bytes;
	}
	if (side->to.kind != MOMENT_MARK)
		return;
	const struct stream_mark *mark = &profile->marks[side->to.mark].figures;
	side->figures[DIFF_RSS_BYTES] = mark->rss_bytes;
	side->figures[DIFF_ANON_BYTES] = mark->anon_bytes;
	side->figures[DIFF_FILE_BYTES] = mark->file_bytes;
}

struct telling {
	diff_each *each;
	void *user;
	const char *side;
};

static void tell_doubt(void *user, const char *sentence)
{
	const struct telling *telling = user;
	char text[1200];
	snprintf(text, sizeof text, "%s: %s", telling->side, sentence);
	telling->each(telling->user, text);
}

static const char *info_of(const struct profile *profile, const char *key)
{
	const char *text = profile_info(profile, key);
	return text && *text ? text : "not known";
}

static void compare_info(const struct diff *diff, const char *key, const char *what,
			 const char *so, const struct telling *telling)
{
	char text[1200];
	const char *before = info_of(diff->before.profile, key);
	const char *after = info_of(diff->after.profile, key);
	if (strcmp(before, after) == 0)
		return;
	snprintf(text, sizeof text, "%s: %.300s before, %.300s after%s", what, before, after,
		 so);
	telling->each(telling->user, text);
}

static void doubt_side(const struct diff_side *side, struct telling *telling)
{
	if (side->running)
		tell_doubt(telling, "the program still runs: this is its profile so far");
	doubts_of(side->profile, tell_doubt, telling);
}

void diff_notes(const struct diff *diff, diff_each *each, void *user)
{
	struct telling telling = {each, user, "before"};
	compare_info(diff, "mode", "the modes differ", ", one of them is an estimate",
		     &telling);
	compare_info(diff, "python", "the Pythons differ",
		     ", whose own objects differ in size and number", &telling);
	compare_info(diff, "allocator", "the allocators differ", "", &telling);
	compare_info(diff, "stacks", "not both have stacks", "", &telling);
	compare_info(diff, "program", "the programs differ", "", &telling);
	doubt_side(&diff->before, &telling);
	telling.side = "after";
	doubt_side(&diff->after, &telling);
}
