/*
 * diff_print.h - a comparison as text, and as JSON; `limit` is how many rows of those that grew
 * and of those that shrank, 0: all.
 */
#ifndef MEMTRACE_DIFF_PRINT_H
#define MEMTRACE_DIFF_PRINT_H

#include "diff.h"
#include "json.h"
#include "term.h"
#include "units.h"

void diff_text(const struct diff *diff, size_t limit, const struct term *term,
	       enum units_kind units);
/* The schema is in the comment of diff_json.c. */
void diff_json(const struct diff *diff, size_t limit, struct json *json);

#endif
