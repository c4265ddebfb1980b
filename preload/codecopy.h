/*
 * codecopy.h - which copy of a function's instructions a thread runs.
 *
 * Without a GIL, from 3.14 on, each thread that runs a function has a copy of its instructions,
 * to specialise them alone (co_tlbc in cpython/code.h). The first copy is the code object's
 * own. An instruction is counted from the beginning of the copy that it is in.
 *
 * The list of copies is replaced when it grows, and the old one freed once every attached
 * thread has come by: only such a thread may read it. One that isn't attached (malloc by code
 * that runs beside the interpreter) knows what it saw here while it was.
 *
 * Threads: any. Signals: like a walk.
 */
#ifndef MEMTRACE_CODECOPY_H
#define MEMTRACE_CODECOPY_H

/* The first instruction of the copy of `code` that `instr` is in; NULL: it can't be told. */
const char *codecopy_first(const void *code, const void *instr);

#endif
