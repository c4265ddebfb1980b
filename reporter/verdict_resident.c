/* What a verdict says of the resident set: that it grows outside Python, or stayed high. */
#include <stdlib.h>

#include "../collector/mem.h"
#include "trend.h"
#include "verdict.h"

enum {
	LEAST_BYTES = 8 << 20,
	LEAST_PART = 5,     /* of the resident set, one of so many */
	WARM_UP_PART = 5,   /* of the time, one of so many */
	LEAST_SECONDS = 6,  /* that looks reach over */
	SLOWER_PART = 4,    /* the last third rises at least one in so many of the first */
	PEAK_AGO_PART = 10, /* of the time, one of so many, the peak is past at least */
};

static const double sure_p = 0.01;

static struct units_text size(const struct verdict_query *query, uint64_t bytes)
{
	return units_size(query->units, bytes);
}

/* What neither Python's blocks nor others that were asked for take. */
static const enum resident_set_share outside[] = {
	SHARE_ALLOCATOR_FREE, SHARE_FILE, SHARE_SHARED, SHARE_STACK, SHARE_UNATTRIBUTED,
};

static uint64_t outside_bytes(const struct resident_set *resident)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
		bytes += resident->shares[outside[i]];
	return bytes;
}

/* Looks from the end of the warm-up to the moment. */
static size_t looks_of(const struct verdict_query *query, size_t *ret_first)
{
	const struct profile *profile = query->profile;
	const double from = query->moment.seconds / WARM_UP_PART;
	size_t first = 0, end;
	while (first < profile->resident_count &&
	       (double)profile->residents[first].time_ns / 1e9 < from)
		first++;
	for (end = first; end < profile->resident_count; end++)
		if ((double)profile->residents[end].time_ns / 1e9 > query->moment.seconds + 1)
			break;
	*ret_first = first;
	return end - first;
}

/* At most TREND_MOST of them, evenly, the last one always; times without repeats. */
static size_t series_of(const struct verdict_query *query, double *x, double *y,
			size_t ret_ends[2])
{
	size_t first, count = looks_of(query, &first), kept = 0;
	const size_t wanted = count < TREND_MOST ? count : TREND_MOST;
	for (size_t i = 0; i < wanted; i++) {
		const size_t at = first + (wanted > 1 ? i * (count - 1) / (wanted - 1) : 0);
		const struct resident_set resident =
			resident_set_of(&query->profile->residents[at]);
		if (kept && resident.seconds <= x[kept - 1])
			continue;
		x[kept] = resident.seconds;
		y[kept] = (double)outside_bytes(&resident);
		ret_ends[kept ? 1 : 0] = at;
		kept++;
	}
	return kept;
}

/* The share that grew most. */
static size_t most_grown(const struct resident_set *before, const struct resident_set *after,
			 int64_t *ret_bytes)
{
	size_t most = outside[0];
	*ret_bytes = INT64_MIN;
	for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
		const int64_t bytes =
			(int64_t)(after->shares[outside[i]] - before->shares[outside[i]]);
		if (bytes <= *ret_bytes)
			continue;
		*ret_bytes = bytes;
		most = outside[i];
	}
	return most;
}

static void say_outside(const struct verdict_query *query, const struct trend *trend,
			const size_t ends[2], struct verdict *verdict)
{
	const struct resident_set before = resident_set_of(&query->profile->residents[ends[0]]);
	const struct resident_set after = resident_set_of(&query->profile->residents[ends[1]]);
	const uint64_t grown = outside_bytes(&after) - outside_bytes(&before);
	int64_t most_bytes;
	const size_t most = most_grown(&before, &after, &most_bytes);
	verdict_say(verdict->reasons,
		    "the resident set grows by %s a second (at least %s) where no live block"
		    " is: %s in %s, and it did not slow down",
		    size(query, (uint64_t)trend->slope).text,
		    size(query, (uint64_t)trend->low).text, size(query, grown).text,
		    units_seconds(after.seconds - before.seconds).text);
	verdict_say(verdict->reasons, "%s grew most: by %s to %s", resident_set_names[most],
		    units_size_diff(query->units, most_bytes).text,
		    size(query, after.shares[most]).text);
	if (most == SHARE_ALLOCATOR_FREE)
		verdict_say(verdict->advice,
			    "malloc_trim(0) gives back about %s of the C heap; with many"
			    " threads, MALLOC_ARENA_MAX=2 keeps it smaller",
			    size(query, c_heap_trim_bytes(query->heap)).text);
	else
		verdict_say(verdict->advice,
			    "no line of Python asked for it: look at what libraries map, at"
			    " threads that don't end, and at files that stay mapped; at this"
			    " rate another 1.0 GiB is taken in %s",
			    units_seconds((double)(1 << 30) / trend->low).text);
}

bool verdict_say_outside(const struct verdict_query *query, struct verdict *verdict)
{
	double x[TREND_MOST], y[TREND_MOST];
	size_t ends[2] = {0};
	struct trend trend;
	const size_t count = query->resident ? series_of(query, x, y, ends) : 0;
	if (count < 2 * TREND_FEWEST || x[count - 1] - x[0] < LEAST_SECONDS ||
	    !trend_find(x, y, count, &trend) || trend.low <= 0 || trend.p > sure_p)
		return false;
	const double rise = y[count - 1] - y[0];
	const double early = trend_slope(x, y, count / 3);
	const double late = trend_slope(x + count - count / 3, y + count - count / 3,
					count / 3);
	if (rise < LEAST_BYTES || rise < (double)query->resident->bytes / LEAST_PART ||
	    late <= 0 || late < early / SLOWER_PART)
		return false;
	say_outside(query, &trend, ends, verdict);
	verdict->confidence = VERDICT_MEDIUM;
	return true;
}

bool verdict_say_high_water(const struct verdict_query *query, struct verdict *verdict)
{
	const struct profile_run *run = &query->profile->run;
	const struct resident_set *resident = query->resident;
	const double peak = (double)run->peak_ms / 1000, now = query->moment.seconds;
	if (!resident || !resident->known || now - peak < now / PEAK_AGO_PART)
		return false;
	const uint64_t live = moment_live_bytes(query->profile, &query->moment);
	const uint64_t arenas = resident->shares[SHARE_PINNED];
	const uint64_t heap = resident->shares[SHARE_ALLOCATOR_FREE];
	if (run->peak_bytes < LEAST_BYTES || live > run->peak_bytes - run->peak_bytes / 3 ||
	    arenas + heap < LEAST_BYTES || arenas + heap < resident->bytes / LEAST_PART)
		return false;
	verdict_say(verdict->reasons,
		    "%s was live at %s, %s is now, and nothing grows: of the resident set's %s"
		    " that peak left %s, free in arenas (%s) and in the C heap (%s)",
		    size(query, run->peak_bytes).text, units_seconds(peak).text,
		    size(query, live).text, size(query, resident->bytes).text,
		    size(query, arenas + heap).text, size(query, arenas).text,
		    size(query, heap).text);
	verdict_say(verdict->advice,
		    "what comes next uses it again; to have it back make the peak lower, or in"
		    " a process of its own that ends: malloc_trim(0) gives back %s",
		    size(query, c_heap_trim_bytes(query->heap)).text);
	verdict->confidence = VERDICT_MEDIUM;
	return true;
}
