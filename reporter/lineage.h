/*
 * lineage.h - which of several profiles descends from which.
 *
 * A process that another one forked or started names that one's run. One that became another
 * program keeps its number and its start time: the program it became stands below it, though it
 * names what was above both. Profiles of older libraries name only their parent's number, which
 * may be used again.
 *
 * Memory: the profiles are the caller's, and must outlive this.
 */
#ifndef MEMTRACE_LINEAGE_H
#define MEMTRACE_LINEAGE_H

#include <stddef.h>
#include <stdint.h>

#include "../collector/profile_read.h"

enum lineage_how {
	LINEAGE_FIRST = 0, /* nothing traced was above it */
	LINEAGE_STARTED,   /* a process that another one started, maybe through a shell */
	LINEAGE_FORKED,
	LINEAGE_EXECUTED, /* what a process became */
};

extern const char *const lineage_words[]; /* for people: "started", ...; LINEAGE_FIRST: NULL */

/* One line of the tree: parents come before their children, which follow them at once. */
struct lineage_place {
	size_t part;
	size_t parent; /* a part; SIZE_MAX: none of them */
	size_t depth;
	enum lineage_how how;
};

struct lineage {
	struct lineage_place *places;
	size_t count;
};

void lineage_init(struct lineage *lineage, const struct profile *const *profiles, size_t count);
void lineage_release(struct lineage *lineage);

/* The process that started this one, as the profile tells; 0: it doesn't. */
uint64_t lineage_parent_pid(const struct profile *profile);
/* The run above it; 0: there was none, or an older library doesn't tell. */
uint64_t lineage_parent_run(const struct profile *profile);

#endif
