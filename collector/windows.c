#include "windows.h"

#include <stdlib.h>

#include "mem.h"

enum { FIRST_MS = 1000, FIRST_WINDOWS = 4096, WINDOWS_A_STEP = 1024 };

/* The first window is open from the start: the first block needs one. */
void windows_init(struct windows *windows)
{
	*windows = (struct windows){0};
	windows->items = mem_grow(NULL, &windows->capacity, 1, sizeof(*windows->items));
	windows->items[0] = (struct window){0};
	windows->count = 1;
}

void windows_release(struct windows *windows)
{
	free(windows->items);
	*windows = (struct windows){0};
}

uint32_t windows_current(const struct windows *windows)
{
	return windows->count ? (uint32_t)windows->count - 1 : 0;
}

static uint64_t length_ms(size_t window)
{
	if (window < FIRST_WINDOWS)
		return FIRST_MS;
	return (uint64_t)FIRST_MS << (1 + (window - FIRST_WINDOWS) / WINDOWS_A_STEP);
}

/* One that passes without a tick has the figures of the one before it. */
static void open_next(struct windows *windows)
{
	size_t last = windows->count - 1;

	windows->items = mem_grow(windows->items, &windows->capacity, windows->count + 1,
				  sizeof(*windows->items));
	windows->items[last + 1] = windows->items[last];
	windows->items[last + 1].start_ms += length_ms(last);
	windows->count++;
}

void windows_tick(struct windows *windows, uint64_t now_ms, uint64_t rss_bytes,
		  uint64_t live_bytes, uint64_t live_blocks, uint64_t arena_bytes)
{
	if (now_ms > windows->now_ms)
		windows->now_ms = now_ms;
	while (windows->count < WINDOW_LIMIT) {
		size_t last = windows->count - 1;
		if (windows->now_ms - windows->items[last].start_ms < length_ms(last))
			break;
		open_next(windows);
	}
	struct window *window = &windows->items[windows->count - 1];
	window->rss_bytes = rss_bytes;
	window->live_bytes = live_bytes;
	window->live_blocks = live_blocks;
	window->arena_bytes = arena_bytes;
}
