/*
 * intern.h - code objects and stack nodes get numbers, once, and the stream their definitions.
 *
 * A code object is known by its address until it is freed (intern_forget_code), then by what it
 * says: a function that is compiled again and again keeps one number. A node is (parent, code,
 * instruction). Numbers are given and definitions written under one lock, so they come in
 * order.
 *
 * Memory: tables of the library's own, growing by doubling; 24 to 48 bytes a node.
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

/* What a walk wants to know of code without reading it again (pystack.c). */
enum code_traits {
	CODE_MODULE = 1 << 0,   /* <module>, and not of a frozen file */
	CODE_RUNPY = 1 << 1,    /* runpy's _run_module_as_main */
	CODE_RUN_CODE = 1 << 2, /* runpy's _run_code */
	CODE_TRAITS_BITS = 3,
};

/* The number of the code object at this address; 0: it isn't known. */
uint32_t intern_find_code(const void *address, enum code_traits *ret_traits);
/* Gives it one. 0: there is no memory, or the ring was given up. */
uint32_t intern_add_code(const void *address, const struct code_text *text,
			 enum code_traits traits);
/*
 * One bit for each of 64 Ki hashes of code addresses: most frees are told by it that they are
 * no code object, with one load. Bits are never cleared.
 */
extern _Atomic uint8_t intern_code_bits[1 << 13];
extern _Atomic uint32_t intern_epoch_count;

static inline _Atomic uint8_t *intern_code_bit(const void *address, uint8_t *ret_mask)
{
	uint64_t hash = ((uint64_t)(uintptr_t)address >> 4) * 0x9e3779b97f4a7c15ULL >> 48;

	*ret_mask = (uint8_t)(1u << (hash & 7));
	return &intern_code_bits[hash >> 3];
}

void intern_forget_known(const void *address);

/* A block at this address was freed: if it was a code object, its address means nothing now. */
static inline void intern_forget_code(const void *address)
{
	uint8_t mask;
	const _Atomic uint8_t *byte = intern_code_bit(address, &mask);

	if (__builtin_expect(atomic_load_explicit(byte, memory_order_relaxed) & mask, 0))
		intern_forget_known(address);
}

/* Changes whenever an address was forgotten: walks made before may name the wrong code. */
static inline uint32_t intern_epoch(void)
{
	return atomic_load_explicit(&intern_epoch_count, memory_order_acquire);
}

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
