/*
 * journal_sum.h - FNV-1a 64, the checksum of a journal's headers.
 */
#ifndef MEMTRACE_JOURNAL_SUM_H
#define MEMTRACE_JOURNAL_SUM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t journal_sum(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ at[i]) * 0x100000001b3ULL;
	return sum;
}

#endif
