/*
 * units.h - numbers as people read them.
 *
 * Sizes follow tracemalloc's grammar: whole bytes below 10 KiB, one decimal below 100 of a
 * larger unit, none above. Each function returns its text by value; `.text` of it lives until
 * the end of the expression it stands in.
 */
#ifndef MEMTRACE_UNITS_H
#define MEMTRACE_UNITS_H

#include <stdint.h>

enum units_kind { UNITS_IEC = 0, UNITS_SI };

struct units_text {
	char text[40];
};

struct units_text units_size(enum units_kind kind, uint64_t bytes);     /* "10.0 MiB" */
struct units_text units_size_diff(enum units_kind kind, int64_t bytes); /* "+10.0 MiB" */
struct units_text units_count(uint64_t count);                          /* "1,234,567" */
struct units_text units_count_diff(int64_t count);                      /* "+1,234,567" */
struct units_text
units_seconds(double seconds); /* "0.012 s", "12.5 s", "3 min 5 s", "2 h 5 min" */

/* "12.5s", "300ms", "5m", "2h" in seconds; -1: not a time. */
int units_parse_seconds(const char *text, double *ret_seconds);
/* "4096", "64MiB", "1.5 MB" in bytes; -1: not a size. As python/memtrace/size.py reads them. */
int units_parse_size(const char *text, double *ret_bytes);

#endif
