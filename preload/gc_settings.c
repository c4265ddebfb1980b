#include "gc_settings.h"

#include <stdatomic.h>
#include <string.h>

#include "facts.h"
#include "words.h"

enum {
	GENERATIONS = 3,
	GENERATION_BYTES = 24,
	FROZEN_FROM_START = 12,
	FIRST_WITHOUT_TRASH = 15
};

struct settings {
	int32_t enabled, frozen;
	int32_t thresholds[GENERATIONS];
};

static struct settings sent;
/* Set at the first look: whether the fields hold what a new interpreter has there. */
static bool looked, trusted;

static int32_t read_int(const char *state, size_t offset)
{
	int32_t value;

	memcpy(&value, state + offset, sizeof(value));
	return value;
}

/*
 * The generation of frozen objects is a list, which points to itself while it is empty. 3.12
 * freezes objects of its own when it starts.
 */
static bool is_frozen(const char *state, const struct layout *layout)
{
	size_t permanent = layout->gc_stats - GENERATION_BYTES;
	uintptr_t next;

	memcpy(&next, state + permanent, sizeof(next));
	return !layout->free_threaded && layout->minor != FROZEN_FROM_START &&
	       next != (uintptr_t)(state + permanent);
}

/*
 * Generations are a list's head, the threshold and a count each. What stood before them went
 * with 3.15 (pycore_interp_structs.h).
 */
static struct settings read_settings(const char *state, const struct layout *layout)
{
	bool trash = layout->minor < FIRST_WITHOUT_TRASH;
	size_t threshold = trash ? 40 : 24;
	struct settings now = {
		.enabled = read_int(state, trash ? 12 : 0),
		.frozen = is_frozen(state, layout),
	};

	for (size_t i = 0; i < GENERATIONS; i++)
		now.thresholds[i] = read_int(state, threshold + i * GENERATION_BYTES);
	return now;
}

/* A release that keeps them elsewhere shows other numbers there than any starts with. */
static bool is_new(const struct settings *settings)
{
	int32_t first = settings->thresholds[0];

	return settings->enabled == 1 && (first == 700 || first == 2000 || first == 10000) &&
	       settings->thresholds[1] == 10;
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
	struct settings now = read_settings(state, layout);

	if (!looked)
		trusted = is_new(&now);
	looked = true;
	if (trusted && memcmp(&now, &sent, sizeof(now)) != 0) {
		sent = now;
		send(&now);
	}
	atomic_flag_clear_explicit(&looking, memory_order_release);
}
