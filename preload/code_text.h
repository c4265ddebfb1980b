/*
 * code_text.h - what a code object says, read from its fields.
 *
 * Every pointer is followed only after the type of what it leads to was compared with the type
 * that the interpreter exports.
 */
#ifndef MEMTRACE_CODE_TEXT_H
#define MEMTRACE_CODE_TEXT_H

#include "intern.h"
#include "thread.h"

enum code_text_result {
	CODE_TEXT_READ,
	CODE_TEXT_FOREIGN, /* no code object: None, or what a C extension put there */
	CODE_TEXT_WRONG,   /* a code object whose fields are not where the layout says */
};

/*
 * The texts in *ret_text lie in `names` (thread.h: CODE_TEXT_BYTES) and in the code object
 * itself.
 */
enum code_text_result code_text_read(const void *code, char *names, struct code_text *ret_text,
				     enum code_traits *ret_traits);

#endif
