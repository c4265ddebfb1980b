/*
 * spark.h - a series of sizes as one line of characters, lowest to highest.
 */
#ifndef MEMTRACE_SPARK_H
#define MEMTRACE_SPARK_H

#include "../collector/buf.h"
#include "term.h"

/*
 * Appends at most `width` characters, without a NUL: of neighbours that share one, the largest.
 * 0 is the lowest level, the largest value the highest. Nothing where the terminal has no block
 * elements.
 */
void spark_append(const struct term *term, const uint64_t *values, size_t count, size_t width,
		  struct buf *text);

#endif
