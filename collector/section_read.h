/*
 * section_read.h - one section of a profile, decompressed and cut into items.
 *
 * The bytes are input. A section takes no more memory than it really decompresses to, in
 * growing steps: what its entry claims is only the limit.
 */
#ifndef MEMTRACE_SECTION_READ_H
#define MEMTRACE_SECTION_READ_H

#include "buf.h"
#include "err.h"
#include "profile.h"

/* Where a profile's bytes are: in a file, or in memory where fd is negative. */
struct section_source {
	const char *path; /* for messages */
	int fd;
	const uint8_t *bytes;
	uint64_t len;
};

int section_source_read(const struct section_source *source, uint64_t offset, void *out,
			size_t len, struct err *err);

/* The section's content. */
int section_read(const struct section_source *source, const struct profile_section *section,
		 struct buf *ret_raw, struct err *err);
/* Whether section_read would succeed, without the memory for the content. */
int section_verify(const struct section_source *source, const struct profile_section *section,
		   struct err *err);

/*
 * The same as an array of items of known_bytes each: longer ones lose their end, shorter ones
 * are filled up with zeros. Memory: the caller frees *ret_items; NULL when there are none.
 */
int section_read_items(const struct section_source *source,
		       const struct profile_section *section, size_t known_bytes,
		       void **ret_items, size_t *ret_count, struct err *err);

/* Sets a sentence that starts with path, section and offset; returns -1. */
int section_damaged(const struct section_source *source, const struct profile_section *section,
		    struct err *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
