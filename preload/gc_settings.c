#include "gc_settings.h"

#include <stdatomic.h>
#include <string.h>

#include "facts.h"
#include "pystack.h"
#include "words.h"

enum {
	GENERATIONS = 3,
	GENERATION_BYTES = 24, /* a list's head, the threshold and a count */
	COUNT_AFTER = 4,       /* the threshold's place */
	FROZEN_FROM_START = 12,
	FIRST_WITHOUT_TRASH = 15
};

struct settings {
	int32_t enabled, frozen;
	int32_t thresholds[GENERATIONS];
};

static struct settings sent;
/* Of the youngest; 0: not found yet, or a release keeps them elsewhere. */
static size_t threshold_place;

static int32_t read_int(const char *state, size_t offset)
{
	int32_t value;

	memcpy(&value, state + offset, sizeof(value));
	return value;
}

/*
 * 3.12 freezes objects of its own as it starts, which are never freed; what the program freezes
 * goes to the end of the list. So the last one is compared with that of the first look after
 * `main` was seen: the program hasn't done anything then.
 */
static bool is_last_another(uintptr_t last)
{
	static uintptr_t own_last;

	if (atomic_load(&pystack_main) != PYSTACK_MAIN_TOLD)
		own_last = 0;
	else if (!own_last)
		own_last = last;
	return own_last && last != own_last;
}

/* The generation of frozen objects is a list, which points to itself while it is empty. */
static bool is_frozen(const char *state, const struct layout *layout)
{
	const char *permanent = state + layout->gc_stats - GENERATION_BYTES;
	uintptr_t next, last;

	memcpy(&next, permanent, sizeof(next));
	memcpy(&last, permanent + sizeof(next), sizeof(last));
	if (layout->free_threaded || next == (uintptr_t)permanent)
		return false;
	return layout->minor != FROZEN_FROM_START || is_last_another(last);
}

/* What stood before it went with 3.15 (pycore_interp_structs.h). */
static int32_t read_enabled(const char *state, const struct layout *layout)
{
	return read_int(state, layout->minor < FIRST_WITHOUT_TRASH ? 12 : 0);
}

static int32_t read_threshold(const char *state, size_t place, size_t generation)
{
	return read_int(state, place + generation * GENERATION_BYTES);
}

static bool is_new(const char *state, size_t place)
{
	int32_t first = read_threshold(state, place, 0);

	return (first == 700 || first == 2000 || first == 10000) &&
	       read_threshold(state, place, 1) == 10;
}

/*
 * By what a new interpreter has there: no release's other fields look like that. Heads of lists
 * need not lie at multiples of 8 in late releases of 3.13.
 */
static bool find_thresholds(const char *state, const struct layout *layout)
{
	static const uint8_t places[] = {40, 36, 24};

	if (read_enabled(state, layout) != 1)
		return false;
	for (size_t i = 0; i < sizeof(places) && !threshold_place; i++)
		if (is_new(state, places[i]))
			threshold_place = places[i];
	return threshold_place;
}

static struct settings read_settings(const char *state, const struct layout *layout)
{
	struct settings now = {
		.enabled = read_enabled(state, layout),
		.frozen = is_frozen(state, layout),
	};

	for (size_t i = 0; i < GENERATIONS; i++)
		now.thresholds[i] = read_threshold(state, threshold_place, i);
	return now;
}

static void send(const struct settings *settings)
{
	char buffer[64];
	struct words words = words_over(buffer, sizeof(buffer));

	for (size_t i = 0; i < GENERATIONS; i++) {
		int32_t threshold = settings->thresholds[i];

		if (i)
			words_char(&words, ' ');
		words_number(&words, threshold > 0 ? (uint64_t)threshold : 0);
	}
	facts_send_one("gc.enabled", settings->enabled ? "1" : "0");
	facts_send_one("gc.frozen", settings->frozen ? "1" : "0");
	facts_send_one("gc.thresholds", buffer);
}

void gc_settings_look(const char *state, const struct layout *layout)
{
	static atomic_flag looking = ATOMIC_FLAG_INIT;

	/* Acquire and release: one thread at a time; who comes meanwhile looks again later. */
	if (layout->gc_stats == LAYOUT_NONE ||
	    atomic_flag_test_and_set_explicit(&looking, memory_order_acquire))
		return;
	if (threshold_place || find_thresholds(state, layout)) {
		struct settings now = read_settings(state, layout);

		if (memcmp(&now, &sent, sizeof(now)) != 0) {
			sent = now;
			send(&now);
		}
	}
	atomic_flag_clear_explicit(&looking, memory_order_release);
}

bool gc_settings_young(const char *state, const struct layout *layout,
		       struct gc_young *ret_young)
{
	if (!threshold_place)
		return false;
	ret_young->threshold = read_enabled(state, layout) ? read_int(state, threshold_place)
							   : 0;
	ret_young->count = read_int(state, threshold_place + COUNT_AFTER);
	return true;
}
