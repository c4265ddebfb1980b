/*
 * Any bytes as a profile. Bytes that begin with the magic are tried as they are and with the
 * checksum they should have, since guessing that would keep the fuzzer from everything behind
 * it.
 */
#include <stdint.h>

#include "../unit/profile_promises.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_with_checksum(const uint8_t *data, size_t size)
{
	uint8_t *copy = mem_copy(data, size);
	struct profile_header *header = (struct profile_header *)(void *)copy;

	if (header->section_count <= PROFILE_MAX_SECTIONS && header->table_offset % 8 == 0 &&
	    header->table_offset <= size &&
	    header->section_count * sizeof(struct profile_section) <=
		    size - header->table_offset) {
		header->checksum =
			profile_checksum(header, (const void *)(copy + header->table_offset));
		promises_kept("fuzz", copy, size);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	promises_kept("fuzz", data, size);
	if (size >= sizeof(struct profile_header))
		try_with_checksum(data, size);
	return 0;
}
