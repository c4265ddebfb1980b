/*
 * lines.h - the stacks of a profile as source lines.
 *
 * A profile's node is (parent, code object, instruction). Here each becomes a frame: file,
 * line, function. Two nodes that resolve to the same place have the same frame, and two stacks
 * of the same frames have the same trace, whatever code objects and instructions they went
 * through. Threads are merged: a trace begins inside its root, unless the caller wants them
 * apart.
 *
 * Everything is resolved once, in one pass over the nodes, whose parents come before them.
 *
 * Memory: texts belong to the profile, which must outlive this.
 */
#ifndef MEMTRACE_LINES_H
#define MEMTRACE_LINES_H

#include "../collector/profile_read.h"
#include "../collector/u64map.h"
#include "path_globs.h"

enum frame_kind {
	FRAME_NONE = 0, /* frame 0: nothing of Python is known */
	FRAME_CODE,
	FRAME_THREAD,    /* a root, where threads are kept apart */
	FRAME_TRUNCATED, /* the stack was too deep: its outermost frames are missing */
};

struct source_place {
	const char *path;
	char *module;       /* dotted */
	uint32_t module_id; /* the same for places with equal modules */
	bool own;           /* neither the standard library's nor an installed package's */
};

struct frame {
	enum frame_kind kind;
	uint32_t place;       /* index into places, 0 unless FRAME_CODE */
	uint32_t function_id; /* the same for equal place and function */
	int32_t line;         /* LINE_NONE: not known; of FRAME_THREAD the slot */
	const char *function;
};

struct trace {
	uint32_t parent; /* outwards; 0: ends here */
	uint32_t frame;
};

struct lines {
	const struct profile *profile;
	bool threads;
	struct source_place *places; /* 0 is none */
	size_t place_count, place_capacity;
	struct frame *frames; /* 0 is FRAME_NONE */
	size_t frame_count, frame_capacity;
	struct trace *traces; /* 0 is the empty one; parents have smaller ids */
	size_t trace_count, trace_capacity;
	uint32_t *trace_of; /* by stack id, node_count + 1 of them */
	uint32_t function_count, module_count;
	struct u64map texts, place_by_text, functions, frame_by_place, frame_by_instr,
		trace_by_frame;
	struct u64map modules, packages;
};

struct lines *lines_new(const struct profile *profile, bool threads);
/* What is own from now on, instead. */
void lines_set_own(struct lines *lines, const struct path_globs *own);
void lines_free(struct lines *lines);

const struct frame *lines_frame(const struct lines *lines, uint32_t trace); /* its innermost */
const char *lines_file(const struct lines *lines, const struct frame *frame);   /* NULL: none */
const char *lines_module(const struct lines *lines, const struct frame *frame); /* NULL: none */
/* How a frame that is not code reads: "(no Python frame)", a thread's name, ... */
struct frame_name {
	char text[160];
};
struct frame_name lines_name(const struct lines *lines, const struct frame *frame);

#endif
