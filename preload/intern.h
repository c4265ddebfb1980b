/*
 * intern.h - code objects and stack nodes get numbers, once, and the stream their definitions.
 *
 * A code object is known by its address until it is freed (intern_forget_code), then by what it
 * says: a function that is compiled again and again keeps one number. A node is (parent, code,
 * instruction). Numbers are given and definitions written under one lock, so they come in
 * order.
 *
 * Memory: tables of the library's own, growing by doubling; about 32 bytes a node.
 * Threads: any; callers hold their thread's guard.
 */
#ifndef MEMTRACE_INTERN_H
#define MEMTRACE_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream.h"

/* What a code object says, as the stream wants it. Texts are UTF-8, not terminated. */
struct code_text {
	const char *file, *name;
	const void *linetable;
	size_t file_bytes, name_bytes, linetable_bytes;
	int32_t first_line;
	uint32_t linetable_kind;
	uint32_t first_traced;
};

/* What life.c wants to know of code without reading it again. */
enum code_traits {
	CODE_MODULE = 1 << 0,   /* <module>, and not of a frozen file */
	CODE_RUNPY = 1 << 1,    /* runpy's _run_module_as_main */
	CODE_RUN_CODE = 1 << 2, /* runpy's _run_code */
};

/* The number of the code object at this address; 0: it isn't known. */
uint32_t intern_find_code(const void *address, enum code_traits *ret_traits);
/* Gives it one. 0: there is no memory, or the ring was given up. */
uint32_t intern_add_code(const void *address, const struct code_text *text,
			 enum code_traits traits);
/* A block at this address was freed: if it was a code object, its address means nothing now. */
void intern_forget_code(const void *address);
/* Changes whenever an address was forgotten: walks made before may name the wrong code. */
uint32_t intern_epoch(void);

/* The node; defined on first use. 0 as above. */
uint32_t intern_node(uint32_t parent, uint32_t code, int32_t instr, bool *ret_new);

/* Across a fork nothing may be half defined. */
void intern_lock(void);
void intern_unlock(void);

/* A mark's figures and its name behind them; gives it its number, which is returned. */
uint32_t intern_put_mark(struct stream_mark *mark, size_t len);
/* Definitions of other kinds, one at a time. */
void intern_put_text(enum record_kind kind, uint32_t id, const void *bytes, size_t len);

#endif
