/*
 * text_pool.h - texts one after the other, each once: a profile's STRS.
 *
 * Offset 0 is the empty text. Offsets depend on the order of first use alone.
 */
#ifndef MEMTRACE_TEXT_POOL_H
#define MEMTRACE_TEXT_POOL_H

#include "buf.h"
#include "u64map.h"

struct text_pool {
	struct buf bytes;
	struct u64map offsets; /* hash of a text, or the next key free then → its offset */
};

void text_pool_init(struct text_pool *pool);
void text_pool_release(struct text_pool *pool);
/* NULL is the empty text, and so is one for which there is no room in a section. */
uint32_t text_pool_add(struct text_pool *pool, const char *text);

#endif
