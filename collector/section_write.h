/*
 * section_write.h - one section of a profile, compressed while it grows.
 *
 * Only compressed bytes are kept, so several sections can be filled side by side: the columns
 * of twenty million blocks are written in one walk over the heap.
 *
 * A large one needn't stay in memory: section_write_spill.
 *
 * Errors: a failed compression is remembered and told by section_write_finish.
 */
#ifndef MEMTRACE_SECTION_WRITE_H
#define MEMTRACE_SECTION_WRITE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "profile.h"

struct ZSTD_CCtx_s;

struct section_write {
	struct profile_section entry; /* offset is the file's business */
	/* The frame: what was spilled, then what is in memory. */
	int spill_fd;    /* -1: everything is in memory */
	bool spill_full; /* it takes no more */
	uint64_t spilled_bytes;
	struct buf stored;
	struct ZSTD_CCtx_s *zstd;
	size_t zstd_error; /* as ZSTD_isError knows it; 0: none */
	size_t pending_bytes;
	uint8_t *pending;
	bool finished;
};

void section_write_init(struct section_write *section, const char *tag, uint32_t item_bytes);
/*
 * Compressed bytes go to a file without a name in the folder of `path` from now on, 128 KiB
 * at a time. Where that can't be (no such folder, little room on the disk) they stay in memory.
 */
void section_write_spill(struct section_write *section, const char *path);
void section_write_release(struct section_write *section);
void section_write_add(struct section_write *section, const void *bytes, size_t len);
void section_write_varint(struct section_write *section, uint64_t value);
/*
 * Ends the frame: it, entry.stored_bytes and entry.raw_bytes are final after it, and
 * nothing may be added. A second call does nothing.
 */
int section_write_finish(struct section_write *section, struct err *err);

#endif
