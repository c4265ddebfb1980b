/*
 * python_hooks.h - our functions in CPython's allocator slots.
 *
 * The mem and object domains and the arenas are wrapped; the raw domain reaches malloc by itself. What was there
 * before is called for the work. CPython overwrites domain hooks set before start-up where an allocator is named
 * (PYTHONMALLOC, -X dev): until our object hook has fired once, every malloc looks whether it is still there.
 */
#ifndef MEMTRACE_PYTHON_HOOKS_H
#define MEMTRACE_PYTHON_HOOKS_H

#include <stdatomic.h>
#include <stdbool.h>

/* Non-zero while the hooks may still be overwritten. */
extern _Atomic bool python_hooks_unsettled;

/* Before the interpreter starts. */
void python_hooks_install(void);
/* Puts them back where something else took their place. */
void python_hooks_check(void);

#endif
