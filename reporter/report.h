/*
 * report.h - the answer of `memtrace report` for one profile, ready to be printed either way.
 */
#ifndef MEMTRACE_REPORT_H
#define MEMTRACE_REPORT_H

#include "growth.h"
#include "json.h"
#include "term.h"
#include "units.h"

struct merge;

struct report {
	struct profile *profile;
	struct lines *lines;
	/* NULL: of one process. Else growth is all of theirs, profile the first one's. */
	const struct merge *merge;
	struct grouping grouping;
	struct growth growth;
	enum grouping_by by;
	struct moment from, to;
	size_t limit; /* rows; 0: all */
	bool running; /* a checkpoint of a run that goes on */
	bool recovered_now;
	bool filtered; /* by --focus or --ignore */
};

void report_text(const struct report *report, const struct term *term, enum units_kind units);
/* The head of a report of several processes: their tree, one line each. */
void report_processes(const struct report *report, const struct term *term,
		      enum units_kind units);
/* The schemas are in the comment of report_json.c. */
void report_json(const struct report *report, struct json *json);

/* The end in words: "exited with status 0", "was killed", ... */
void report_end(const struct report *report, char *text, size_t size);
size_t report_rows(const struct report *report);

#endif
