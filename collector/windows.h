/*
 * windows.h - slices of the run, for the age of blocks and figures over time.
 *
 * A block keeps the number of the window it was born in: 14 bits. Windows last one second at
 * first; after 4,096 of them, and after each 1,024 more, the next ones last twice as long:
 * numbers never change and never run out within 97 days; then the last window stays open.
 */
#ifndef MEMTRACE_WINDOWS_H
#define MEMTRACE_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

enum { WINDOW_LIMIT = 1 << 14 };

struct window {
	uint64_t start_ms;
	uint64_t rss_bytes; /* at its end so far; 0: unknown */
	uint64_t live_bytes, live_blocks;
	uint64_t arena_bytes;
};

struct windows {
	struct window *items;
	size_t count, capacity; /* at least one once started */
	uint64_t now_ms;
};

void windows_init(struct windows *windows);
void windows_release(struct windows *windows);
uint32_t windows_current(const struct windows *windows);
/* Time goes on to now_ms (never back); the figures are those of this moment. */
void windows_tick(struct windows *windows, uint64_t now_ms, uint64_t rss_bytes,
		  uint64_t live_bytes, uint64_t live_blocks, uint64_t arena_bytes);

#endif
