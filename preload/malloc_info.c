#include "malloc_info.h"

#include <stdbool.h>
#include <string.h>

enum {
	CHUNK_BYTES = 48, /* struct malloc_chunk */
	PAGE = 4096,
	ALIGNMENT = 16,
};

/* Free chunks of one bin, as a line tells them. */
struct bin {
	uint64_t from, to; /* the smallest, the largest */
	uint64_t bytes, chunks;
};

void malloc_info_init(struct malloc_info *info)
{
	memset(info, 0, sizeof(*info));
}

/* The number in ` key="..."`; false where there is none. */
static bool attribute(const char *line, const char *key, uint64_t *ret_number)
{
	const char *at = strstr(line, key);
	uint64_t number = 0;

	if (!at)
		return false;
	for (at += strlen(key); *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	*ret_number = number;
	return *at == '"';
}

static unsigned power_of(uint64_t bytes)
{
	unsigned power = bytes ? 63 - (unsigned)__builtin_clzll(bytes) : 0;

	return power < MALLOC_INFO_SIZES ? power : MALLOC_INFO_SIZES - 1;
}

/*
 * Chunks whose sizes lie between two bounds, of which only the sum is known. Where some may be
 * too small to have a page in them, as many as can be are taken for the largest, the others for
 * the smallest: more whole pages no other sizes have.
 */
static uint64_t whole_pages(const struct bin *bin)
{
	enum { LOST = CHUNK_BYTES + PAGE - ALIGNMENT };

	if (bin->from >= LOST)
		return bin->bytes > bin->chunks * LOST ? bin->bytes - bin->chunks * LOST : 0;
	if (bin->to <= LOST || bin->bytes <= bin->chunks * bin->from)
		return 0;
	double largest = (double)(bin->bytes - bin->chunks * bin->from) /
			 (double)(bin->to - bin->from);

	return (uint64_t)(largest * (double)(bin->to - LOST));
}

/* A fast bin says 17 to 32, 33 to 48 and so on; other bins' bounds have the same low bits. */
static bool is_fast(const struct bin *bin)
{
	return bin->to - bin->from == ALIGNMENT - 1;
}

static void take_bin(struct malloc_info *info, struct bin bin)
{
	if (is_fast(&bin)) {
		info->fast_bytes += bin.bytes;
		return;
	}
	/* The low bits are a chunk's flags, which its size doesn't count. */
	uint64_t flags = bin.from % ALIGNMENT;

	bin.from -= flags;
	bin.to -= flags;
	bin.bytes -= flags * bin.chunks;
	struct free_sizes *sizes = &info->sizes[power_of(bin.bytes / bin.chunks)];

	sizes->chunks += bin.chunks;
	sizes->bytes += bin.bytes;
	info->free_chunks += bin.chunks;
	info->free_bytes += bin.bytes;
	info->whole_page_bytes += whole_pages(&bin);
}

/* False: something that no malloc_info writes. */
static bool read_bin(const char *line, struct bin *ret_bin)
{
	struct bin bin;

	if (!attribute(line, " from=\"", &bin.from) || !attribute(line, " to=\"", &bin.to) ||
	    !attribute(line, " total=\"", &bin.bytes) ||
	    !attribute(line, " count=\"", &bin.chunks))
		return false;
	*ret_bin = bin;
	return bin.chunks && bin.from <= bin.to && bin.bytes / bin.chunks >= bin.from &&
	       bin.bytes / bin.chunks <= bin.to;
}

static void take_line(struct malloc_info *info, const char *line)
{
	struct bin bin;

	if (strstr(line, "<heap nr="))
		info->arenas++;
	else if (read_bin(line, &bin))
		take_bin(info, bin);
}

void malloc_info_feed(struct malloc_info *info, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			info->line[info->line_len] = '\0';
			take_line(info, info->line);
			info->line_len = 0;
		} else if (info->line_len < MALLOC_INFO_LINE - 1) {
			info->line[info->line_len++] = bytes[i];
		}
	}
}

uint64_t malloc_info_top_pages(uint64_t top_bytes)
{
	enum { KEPT = 33 };

	return top_bytes > KEPT ? (top_bytes - KEPT) / PAGE * PAGE : 0;
}
