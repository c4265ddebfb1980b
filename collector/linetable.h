/*
 * linetable.h - from an instruction's byte offset to its source line.
 *
 * The three formats CPython has had, after Objects/codeobject.c and Objects/locations.md of
 * those releases. The bytes are input: any bytes give a line or LINE_NONE, never a read past
 * `len`.
 */
#ifndef MEMTRACE_LINETABLE_H
#define MEMTRACE_LINETABLE_H

#include <stddef.h>
#include <stdint.h>

#include "../preload/stream.h"

enum { LINE_NONE = -1 };

/*
 * The line of `instr` (byte offset into the code), as PyCode_Addr2Line gives it. Negative
 * offsets give first_line; LINE_NONE: the table has no line for it.
 */
int32_t linetable_line(enum linetable_kind kind, const void *table, size_t len,
		       int32_t first_line, int32_t instr);

/* Instructions that follow each other and stand for the same piece of source. */
struct linetable_stretch {
	int32_t line;   /* LINE_NONE: none */
	uint32_t bytes; /* of code; 0: the table doesn't tell */
	/* Where in the line, from 3.11 on; no columns: not known, or several lines. */
	uint32_t column, columns;
};

typedef void linetable_visit(void *user, const struct linetable_stretch *stretch);

/* All stretches, in the order of the instructions: at most one for each byte of the table. */
void linetable_each(enum linetable_kind kind, const void *table, size_t len, int32_t first_line,
		    linetable_visit *visit, void *user);

#endif
