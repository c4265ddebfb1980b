#include "profile.h"

static uint64_t fnv1a(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ULL;
	return hash;
}

uint64_t profile_checksum(const struct profile_header *header,
			  const struct profile_section *table)
{
	struct profile_header blank = *header;
	uint64_t hash;

	blank.checksum = 0;
	hash = fnv1a(0xcbf29ce484222325ULL, &blank, sizeof(blank));
	return fnv1a(hash, table, header->section_count * sizeof(*table));
}
