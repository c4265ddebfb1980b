/*
 * report.h - the answer of `memtrace report` for one profile, ready to be printed either way.
 */
#ifndef MEMTRACE_REPORT_H
#define MEMTRACE_REPORT_H

#include "caption.h"
#include "fragmentation.h"
#include "freers.h"
#include "growth.h"
#include "history.h"
#include "json.h"
#include "leak_test.h"
#include "mapped_lines.h"
#include "pinning.h"
#include "resident_set.h"
#include "term.h"
#include "units.h"
#include "verdict.h"

struct lineage;
struct source;
struct merge;

struct report {
	struct profile *profile;
	struct lines *lines;
	/* NULL: of one process. Else growth is all of theirs, profile the first one's. */
	const struct merge *merge;
	struct grouping grouping;
	struct growth growth;
	struct history history;
	struct births births;    /* by group and slice */
	struct leak_tests leaks; /* by group; none of several processes */
	struct freers freers;    /* likewise */
	struct arenas arenas;
	struct pinning pinning;
	struct fragmentation fragmentation;
	struct c_heap heap;
	struct resident_set resident;
	struct mapped_lines mapped; /* none of several processes */
	struct verdict verdict; /* of all lines, whatever was filtered */
	enum grouping_by by;
	struct moment from, to;
	size_t limit; /* rows; 0: all */
	bool running; /* of a run that goes on, as far as it is */
	bool recovered_now;
	bool filtered; /* by --focus or --ignore */
	bool frees;    /* the text tells who frees at length */
};

void report_text(const struct report *report, const struct term *term, enum units_kind units);
/* Several processes as a tree, one line each. */
void report_tree(const struct report *parts, const struct lineage *lineage,
		 const struct term *term, enum units_kind units);
/* The head of a merged report: their tree, what is wrong with each, and its verdict. */
void report_processes(const struct report *report, const struct term *term,
		      enum units_kind units);
/* What is wrong, if anything; and in what state the arenas are, in a line or at length. */
void report_advice(const char *sentence, const struct term *term);
void report_verdict(const struct report *report, const struct term *term);
void report_arenas(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder);
/* What only the cyclic collector could free, where that is much. */
void report_cycles(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder, struct source *source);
/* Who frees the blocks of a row, in a line where that is known; of all rows, at length. */
void report_freers_line(const struct report *report, const struct growth_row *row,
			const struct term *term, const struct caption_folder *folder);
void report_freers(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder);
/* What the resident set consists of, where the collector saw it. */
void report_resident(const struct report *report, const struct term *term,
		     enum units_kind units);
/* Which rows mapped what of it, where that is much. */
void report_mapped(const struct report *report, const struct term *term, enum units_kind units,
		   const struct caption_folder *folder);
/* How live bytes and the resident set went, with marks, where that is known. */
void report_timeline(const struct report *report, const struct term *term,
		     enum units_kind units);
/* The schemas are in the comment of report_json.c. */
/* `units`: of sizes in sentences; all others are bytes. */
void report_json(const struct report *report, enum units_kind units, struct json *json);
/* An array, the key `processes`. */
void report_json_tree(const struct report *parts, const struct lineage *lineage,
		      struct json *json);

/* The end in words: "exited with status 0", "was killed", ... */
void report_end(const struct report *report, char *text, size_t size);
/* The last audit up to the moment of the report; NULL: there was none. */
const struct profile_audit *report_audit(const struct report *report);
/* A sentence's end that says why there was none; NULL: there was one. */
const char *report_why_no_audit(const struct report *report);
/* Parts of report_json. */
void report_json_verdict(const struct report *report, struct json *json);
void report_json_pins(const struct report *report, struct json *json);
void report_json_arenas(const struct report *report, struct json *json);
void report_json_cycles(const struct report *report, enum units_kind units, struct json *json);
void report_json_resident(const char *key, const struct resident_set *resident,
			  struct json *json);
void report_json_mapped(const struct report *report, struct json *json);
void report_json_timeline(const struct report *report, struct json *json);
void report_json_heap(const struct report *report, struct json *json);
void report_json_audit(const struct report *report, struct json *json);
void report_json_freers(const struct report *report, const struct growth_row *row,
			struct json *json);
void report_json_group(const struct group *group, struct json *json);
void report_json_stack(const struct group *group, struct json *json);

size_t report_rows(const struct report *report);

#endif
