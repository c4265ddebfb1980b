/*
 * stacks.h - what the stream has defined: stack nodes, code objects, threads, facts.
 *
 * A stack is the id of its innermost node; following `parent` leads outwards to the root, which
 * names a thread. Ids are the stream's own. Memory: everything lives as long as the struct.
 */
#ifndef MEMTRACE_STACKS_H
#define MEMTRACE_STACKS_H

#include "../preload/stream.h"
#include "buf.h"
#include "stream_read.h"
#include "u64map.h"

/* Facts of a run are a few dozen; a stream that has more is not ours. */
enum { INFO_LIMIT = 1024 };

struct stack_node {
	uint32_t parent;
	uint32_t code; /* STREAM_CODE_THREAD: `instr` is the thread's slot */
	int32_t instr;
};

struct code {
	char *file;
	char *name; /* qualified */
	int32_t first_line;
	uint32_t linetable_kind; /* enum linetable_kind */
	uint32_t linetable_bytes;
	uint32_t first_traced; /* as in struct stream_code */
	uint8_t *linetable;
};

struct thread {
	uint32_t slot;
	uint32_t tid;   /* of the thread that used the slot last */
	uint32_t count; /* threads that used it, one after the other */
	char *name;
	uint64_t stack_block; /* R_THREAD_STACK; 0: not known */
};

struct info {
	char *key;
	char *value;
};

struct stacks {
	struct stack_node *nodes; /* id - 1 */
	size_t node_count, node_capacity;
	struct code *codes; /* id - STREAM_CODE_FIRST */
	size_t code_count, code_capacity;
	struct thread *threads; /* in order of first use */
	size_t thread_count, thread_capacity;
	struct u64map thread_slots; /* slot + 1 → index + 1 */
	struct info *infos;         /* in order of first use */
	size_t info_count, info_capacity;
	uint64_t checks;           /* R_CHECK records that agreed with our line tables */
	uint64_t checks_differing; /* ... and that did not: stacks can't be trusted */
	struct stream_text code_text, thread_text, info_text; /* being put together */
};

void stacks_init(struct stacks *stacks);
void stacks_release(struct stacks *stacks);
/*
 * Takes R_NODE, R_CODE, R_THREAD, R_THREAD_STACK, R_INFO, R_CHECK; the record went through
 * stream_check.
 */
void stacks_apply(struct stacks *stacks, const struct record *r);
const struct code *stacks_code(const struct stacks *stacks,
			       uint32_t code_id); /* NULL: not code */
/* The value of a fact; NULL: it was not told. */
const char *stacks_info(const struct stacks *stacks, const char *key);

#endif
