/*
 * diff_print.h - a comparison as text, and as JSON; `limit` is how many rows of those that grew
 * and of those that shrank, 0: all.
 */
#ifndef MEMTRACE_DIFF_PRINT_H
#define MEMTRACE_DIFF_PRINT_H

#include "diff.h"
#include "json.h"
#include "table.h"
#include "term.h"
#include "units.h"

void diff_text(const struct diff *diff, size_t limit, const struct term *term,
	       enum units_kind units);
/* The cells before, after, change and its percentage; UINT64_MAX: not known. */
void diff_add_cells(struct table *table, enum units_kind units, bool bytes, uint64_t before,
		    uint64_t after);
/* What the resident sets consist of, as text. */
void diff_resident(const struct diff *diff, const struct term *term, enum units_kind units);
/* The schema is in the comment of diff_json.c. */
void diff_json(const struct diff *diff, size_t limit, struct json *json);

#endif
