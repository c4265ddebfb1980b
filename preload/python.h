/*
 * python.h - the interpreter in this process: its exported functions, its version, its layout.
 *
 * Found by dlsym in the constructor, or when a libpython was loaded (late.h): CPython's static
 * data is there and nothing has run yet. The structs are those of the public headers
 * (Include/cpython/pymem.h, objimpl.h), which have been the same since 3.5.
 */
#ifndef MEMTRACE_PYTHON_H
#define MEMTRACE_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython_layout.h"

enum py_domain { PY_RAW = 0, PY_MEM = 1, PY_OBJECT = 2 };

struct py_allocator {
	void *ctx;
	void *(*malloc)(void *ctx, size_t bytes);
	void *(*calloc)(void *ctx, size_t count, size_t bytes);
	void *(*realloc)(void *ctx, void *ptr, size_t bytes);
	void (*free)(void *ctx, void *ptr);
};

struct py_arena_allocator {
	void *ctx;
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *ptr, size_t bytes);
};

struct python {
	void *library; /* where its functions are: RTLD_DEFAULT, or one that was loaded late */

	void (*get_allocator)(int domain, struct py_allocator *allocator);
	void (*set_allocator)(int domain, struct py_allocator *allocator);
	void (*get_arena_allocator)(struct py_arena_allocator *allocator);
	void (*set_arena_allocator)(struct py_arena_allocator *allocator);
	/*
	 * The thread state that runs on this thread: which of the two is right, pystack.c
	 * knows.
	 */
	void *(*unchecked_tstate)(void);
	void *(*gilstate_tstate)(void);
	int (*code_line)(void *code, int instr);
	int64_t (*interpreter_id)(const void *interp);
	const void *code_type, *text_type, *bytes_type;
	const void *runtime;

	unsigned long version_hex;
	unsigned minor;
	const char *implementation; /* "cpython" or "pypy" */
	const char *version; /* "3.11.2 (main, ...)": up to the first space it is the number */
	bool has_layout;     /* otherwise: no hooks but malloc's and mmap's */
	const char *why_not;
	struct layout layout;
};

extern struct python python;

/*
 * In all that the program began with, or in a library. False: there is no Python that we know
 * of.
 */
bool python_find(void *library);

/*
 * The state of the thread that finalises the interpreter; NULL: none does. Only where
 * has_layout.
 */
static inline const void *python_finaliser(void)
{
	const char *place = (const char *)python.runtime + python.layout.runtime_finalizing;

	/* Acquire: pairs with the interpreter's store. */
	return __atomic_load_n((const void *const *)place, __ATOMIC_ACQUIRE);
}

#endif
