/*
 * profile_read.h - a profile's bytes, checked, as arrays.
 *
 * Every index and offset in what profile_open gives back is inside its array (nodes' parents
 * are smaller than their own ids, texts end, blocks' stacks exist), so that readers need no
 * checks. What can't be read is named in `problems`; the arrays of that section are empty, and
 * what referred to it refers to the neutral thing instead: the empty text, stack 0, window 0
 * (there is always one), no code. Sites are ascending by stack, each stack once: figures of
 * stacks that don't exist are added to stack 0. Pins are ascending by arena; an arena's add up
 * to its live blocks and bytes. Arenas of marks are ascending by mark and address, a mark
 * exists or is PROFILE_PEAK, holders are inside their array.
 *
 * Memory: everything belongs to the profile. After profile_parse the bytes must stay until
 * profile_free; after profile_open the file may be replaced, but not be changed in place.
 */
#ifndef MEMTRACE_PROFILE_READ_H
#define MEMTRACE_PROFILE_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "linetable.h"
#include "profile.h"
#include "section_read.h"

struct profile_block {
	uint64_t address, bytes;
	uint32_t stack;
	uint16_t window;
	uint16_t domain; /* enum block_domain */
};

struct profile {
	char *path;
	struct profile_run run;
	char *info;
	size_t info_bytes;
	char *strings;
	size_t strings_bytes;
	uint8_t *linetables;
	size_t linetables_bytes;
	struct profile_code *codes;
	size_t code_count;
	struct profile_node *nodes;
	size_t node_count;
	struct profile_thread *threads;
	size_t thread_count;
	struct profile_site *sites;
	size_t site_count;
	struct profile_mark *marks;
	size_t mark_count;
	struct profile_change *changes;
	size_t change_count;
	struct profile_window *windows;
	size_t window_count;
	struct profile_arena *arenas;
	size_t arena_count;
	struct profile_pool *pools;
	size_t pool_count;
	/* Empty in files from before there were any, which is no problem. */
	struct profile_pin *pins;
	size_t pin_count;
	struct profile_arena_mark *arena_marks;
	size_t arena_mark_count;
	struct profile_holder *holders;
	size_t holder_count;
	struct profile_mark_class *mark_classes;
	size_t mark_class_count;
	struct profile_lifetime *lifetimes; /* ascending by stack */
	size_t lifetime_count;
	struct profile_freed *frees; /* of a run with the fact frees=1 */
	size_t freed_count;
	struct stream_resident *residents; /* in order of time */
	size_t resident_count;
	struct stream_mapped *mapped; /* in order of time; NULL: not known */
	size_t mapped_count;
	struct profile_point *points; /* in order of time */
	size_t point_count;
	struct profile_point_change *point_changes;
	size_t point_change_count;
	struct profile_audit *audits;
	size_t audit_count;
	struct profile_audit_difference *differences;
	size_t difference_count;
	struct profile_mapping *mappings;
	size_t mapping_count;
	struct profile_block *blocks; /* filled by profile_load_blocks */
	size_t block_count;
	char **problems; /* one sentence each */
	size_t problem_count;
	/* For what is read later. */
	struct section_source source;
	struct profile_section *sections;
	size_t section_count;
};

/* -1: not a profile, a newer version, or nothing in it can be read. */
int profile_open(const char *path, struct profile **ret_profile, struct err *err);
/* The same of a file that is called `path` in all that is said about it. */
int profile_open_as(const char *file, const char *path, struct profile **ret_profile,
		    struct err *err);
/* The same from bytes in memory (`path` for messages only); used by the fuzzer. */
int profile_parse(const char *path, const void *bytes, size_t len, struct profile **ret_profile,
		  struct err *err);
/*
 * Live blocks one by one: most reports don't need them. A second call does nothing. A column
 * that can't be read is a problem and zero in every block; without addresses there are no
 * blocks: -1.
 */
int profile_load_blocks(struct profile *profile, struct err *err);
/*
 * Reads the columns of blocks and keeps nothing: what can't be read is a problem. Of more than
 * 64 MiB, some eight million blocks, it reads nothing: that would take most of a report's time,
 * which needs none of them.
 */
void profile_check_blocks(struct profile *profile);
void profile_free(struct profile *profile);

/* Adds a sentence to `problems`. */
void profile_problem(struct profile *profile, const struct err *err);
/* NULL: the file has no section of this tag. */
const struct profile_section *profile_section_of(const struct profile *profile,
						 const char *tag);

const char *profile_text(const struct profile *profile, uint32_t offset);
/* NULL when unknown. */
const char *profile_info(const struct profile *profile, const char *key);
/* NULL where the node isn't code. */
const struct profile_code *profile_code_of(const struct profile *profile,
					   const struct profile_node *node);
/* The line of a node: linetable.h over its code; LINE_NONE where there is none. */
int32_t profile_line(const struct profile *profile, const struct profile_node *node);
/*
 * Whether the frame of a node stands before the first instruction at which Python counts it as
 * running: sys._getframe and tracemalloc show its caller then. A generator that was never begun
 * and is thrown into looks the same, though Python shows that one.
 */
bool profile_hidden(const struct profile *profile, const struct profile_node *node);
/* Live figures of a stack at a mark; SIZE_MAX: at the end of the run. */
void profile_live_at(const struct profile *profile, size_t mark, uint64_t *bytes_by_stack,
		     uint64_t *blocks_by_stack); /* arrays of node_count + 1 */

#endif
