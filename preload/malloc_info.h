/*
 * malloc_info.h - what glibc's malloc_info(3) writes, read as it comes, piece by piece.
 *
 * It tells, arena by arena, the free chunks of the C heap by size. From these follows what
 * malloc_trim(3) would give back. Its source (malloc/malloc.c of glibc, mtrim): of each free
 * chunk, all whole pages between the end of the chunk's own 48 bytes (struct malloc_chunk) and
 * the end of the chunk; chunks in fast bins are first merged with free neighbours. Of the main
 * arena also its top, but for the last 33 bytes (systrim); that one is not in here.
 *
 * Where in its page a chunk begins isn't told. Chunks begin at any multiple of 16, so that of
 * the n bytes after the first 48, n - 4080 are whole pages on the average, for n of 4080 and
 * more: `whole_page_bytes`, which is an estimate for a few chunks and good for many.
 *
 * Threads, memory: none; may be called anywhere.
 */
#ifndef MEMTRACE_MALLOC_INFO_H
#define MEMTRACE_MALLOC_INFO_H

#include <stddef.h>
#include <stdint.h>

/* The longest line there is has five numbers of 20 digits. */
enum { MALLOC_INFO_LINE = 256, MALLOC_INFO_SIZES = 48 };

/* Free chunks of 2^i bytes and more, less than 2^(i+1). */
struct free_sizes {
	uint64_t chunks, bytes;
};

struct malloc_info {
	uint64_t arenas;
	uint64_t fast_bytes; /* in fast bins; not in the figures below */
	uint64_t free_chunks, free_bytes;
	uint64_t whole_page_bytes;
	struct free_sizes sizes[MALLOC_INFO_SIZES];
	char line[MALLOC_INFO_LINE];
	size_t line_len;
};

void malloc_info_init(struct malloc_info *info);
void malloc_info_feed(struct malloc_info *info, const char *bytes, size_t len);
/* What the top of the main arena gives to malloc_trim(0); `top_bytes` as mallinfo2.keepcost. */
uint64_t malloc_info_top_pages(uint64_t top_bytes);

#endif
