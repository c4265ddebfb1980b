/*
 * options.h - what the environment asks for, read once from one table.
 *
 * Texts point into the environment as it was at start-up.
 */
#ifndef MEMTRACE_OPTIONS_H
#define MEMTRACE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum events_option { EVENTS_OFF, EVENTS_FULL, EVENTS_ALL };
enum full_option { FULL_DROP, FULL_WAIT };
enum audit_option { AUDIT_AT_END, AUDIT_AT_MARKS, AUDIT_OFF };
enum follow_option { FOLLOW_TREE, FOLLOW_FORK, FOLLOW_NONE };

struct options {
	const char *out; /* file pattern */
	const char *collector;
	const char *log;  /* a file for the collector's messages */
	const char *list; /* a file that `memtrace run` reads the profile's name from */
	const char *python_malloc; /* the interpreter's own PYTHONMALLOC */
	uint64_t ring_bytes;
	uint64_t journal_bytes;
	uint64_t wait_ms;
	int events; /* enum events_option */
	int full;   /* enum full_option */
	int follow; /* enum follow_option */
	int audit;  /* enum audit_option */
	int reuse;  /* follow the blocks of Python's free lists: reuse.h */
	int frees;  /* the stacks that free, too: freer.h */
	int argv;   /* keep the program's arguments */
	int quiet;
};

/* False when a value could not be understood; that has been said on stderr. */
bool options_read(struct options *ret_options);

#endif
