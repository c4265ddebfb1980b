#include "debug_blocks.h"

#include "life.h"

enum { LOOKS = 16, HEADER_BYTES = 16, OVERHEAD_BYTES = 24, PAGE = 4096 };

_Atomic uint32_t debug_blocks_looks_left = LOOKS;
_Atomic uint32_t debug_blocks_bytes;

void debug_blocks_forget(bool possible)
{
	atomic_store(&debug_blocks_bytes, 0);
	atomic_store(&debug_blocks_looks_left, possible ? LOOKS : 0);
	life_slow_down();
}

/*
 * The header in front of a block: its size, most significant byte first, the domain's letter,
 * 0xfd.
 */
static bool has_header(uint64_t address, uint64_t bytes)
{
	const uint8_t *header = (const uint8_t *)(uintptr_t)(address - HEADER_BYTES);
	uint64_t size = 0;

	for (unsigned i = 0; i < 8; i++)
		size = size << 8 | header[i];
	return size == bytes && (header[8] == 'm' || header[8] == 'o') && header[9] == 0xfd &&
	       header[15] == 0xfd;
}

void debug_blocks_look_at(enum event_domain domain, uint64_t address, uint64_t bytes)
{
	/* What stands before a block is memory too, unless the block begins a page. */
	if (domain == EVENT_MALLOC || address % PAGE < HEADER_BYTES)
		return;
	atomic_fetch_sub_explicit(&debug_blocks_looks_left, 1, memory_order_relaxed);
	if (has_header(address, bytes))
		atomic_store(&debug_blocks_bytes, OVERHEAD_BYTES);
}
