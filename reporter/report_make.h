/*
 * report_make.h - a profile becomes a report: between two moments, by a grouping, of the stacks
 * that were asked for.
 */
#ifndef MEMTRACE_REPORT_MAKE_H
#define MEMTRACE_REPORT_MAKE_H

#include <regex.h>

#include "report.h"
#include "select.h"

struct report_query {
	const char *from, *to;         /* as given; NULL: the beginning; never NULL */
	const regex_t *focus, *ignore; /* NULL: none */
	const struct path_globs *own;  /* NULL: neither Python's library nor packages */
	enum grouping_by by;
	size_t limit;
	enum units_kind units;
	bool births;      /* how many blocks of each slice live on */
	bool frees;       /* who frees, at length */
	bool whole_paths; /* in sentences: whoever reads them may be anywhere */
};

/* Of a FILE argument. */
int report_open(const struct report_query *query, const char *name, struct report *ret_report,
		struct err *err);
/* The profile becomes the report's, or is freed. */
int report_make(const struct report_query *query, const struct selected *selected,
		struct report *ret_report, struct err *err);
void report_release(struct report *report);

#endif
