/*
 * python_hooks.h - our functions in CPython's allocator slots.
 *
 * The mem and object domains and the arenas are wrapped; the raw domain reaches malloc by
 * itself. What was there before is called for the work. CPython overwrites domain hooks set
 * before start-up where an allocator is named (PYTHONMALLOC, -X dev), and all of them when it
 * is started a second time in a process (3.12 and later): until an object has been made, every
 * malloc looks whether ours are still there (watch.h). tracemalloc puts its functions on top of
 * ours, and those must never be wrapped: ours would call them, and they ours.
 */
#ifndef MEMTRACE_PYTHON_HOOKS_H
#define MEMTRACE_PYTHON_HOOKS_H

/* Before the interpreter starts. */
void python_hooks_install(void);
/* Puts them back where something else took their place. */
void python_hooks_check(void);
/* The interpreter finalises: it may be started again. */
void python_hooks_expect_restart(void);

#endif
