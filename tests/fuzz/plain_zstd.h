/*
 * plain_zstd.h - bytes as a zstd frame that isn't compressed: one raw block, no checksum. A
 * fuzzer's mutations reach what lies behind the decompression this way, in no time, and a frame
 * is the same for every version of the library.
 */
#ifndef MEMTRACE_PLAIN_ZSTD_H
#define MEMTRACE_PLAIN_ZSTD_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Magic, descriptor (one segment, two bytes of size, less 256), size, block header. */
enum { PLAIN_ZSTD_HEAD_BYTES = 10, PLAIN_ZSTD_LEAST = 256, PLAIN_ZSTD_MOST = 1 << 15 };

/* Fewer bytes than PLAIN_ZSTD_LEAST take the form with a size of one byte, one byte shorter. */
static inline size_t plain_zstd(const uint8_t *bytes, size_t len, uint8_t *out)
{
	static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
	enum { ONE_SEGMENT = 0x20, SIZE_OF_TWO = 0x40, LAST_BLOCK = 1 };
	uint32_t block = LAST_BLOCK | (uint32_t)len << 3;
	size_t at = sizeof(magic);

	assert(len <= PLAIN_ZSTD_MOST);
	memcpy(out, magic, sizeof(magic));
	if (len < PLAIN_ZSTD_LEAST) {
		out[at++] = ONE_SEGMENT;
		out[at++] = (uint8_t)len;
	} else {
		out[at++] = ONE_SEGMENT | SIZE_OF_TWO;
		out[at++] = (uint8_t)(len - PLAIN_ZSTD_LEAST);
		out[at++] = (uint8_t)((len - PLAIN_ZSTD_LEAST) >> 8);
	}
	memcpy(out + at, &block, 3);
	at += 3;
	if (len)
		memcpy(out + at, bytes, len);
	return at + len;
}

#endif
