#include "python.h"

#include <dlfcn.h>
#include <string.h>

struct python python;

static void *symbol(const char *name)
{
	return dlsym(python.library, name);
}

/* "3.11.2 (...": Py_Version exists from 3.11 on only. */
static unsigned long parse_version(const char *text)
{
	unsigned long parts[3] = {0};

	for (unsigned i = 0; i < 3; i++) {
		for (; *text >= '0' && *text <= '9'; text++)
			parts[i] = parts[i] * 10 + (unsigned long)(*text - '0');
		if (*text == '.')
			text++;
	}
	return parts[0] << 24 | parts[1] << 16 | parts[2] << 8;
}

static void find_version(void)
{
	const unsigned long *constant = symbol("Py_Version");
	const char *(*text)(void) = (const char *(*)(void))symbol("Py_GetVersion");

	python.version = text ? text() : "";
	python.version_hex = constant ? *constant : parse_version(python.version);
	python.minor = (unsigned)(python.version_hex >> 16 & 0xff);
}

static void find_functions(void)
{
#define FIND(field, name) python.field = (__typeof__(python.field))symbol(name)
	FIND(get_allocator, "PyMem_GetAllocator");
	FIND(set_allocator, "PyMem_SetAllocator");
	FIND(get_arena_allocator, "PyObject_GetArenaAllocator");
	FIND(set_arena_allocator, "PyObject_SetArenaAllocator");
	FIND(unchecked_tstate, "PyThreadState_GetUnchecked");
	if (!python.unchecked_tstate)
		FIND(unchecked_tstate, "_PyThreadState_UncheckedGet");
	FIND(gilstate_tstate, "PyGILState_GetThisThreadState");
	FIND(code_line, "PyCode_Addr2Line");
	FIND(interpreter_id, "PyInterpreterState_GetID");
	FIND(code_type, "PyCode_Type");
	FIND(text_type, "PyUnicode_Type");
	FIND(bytes_type, "PyBytes_Type");
	FIND(runtime, "_PyRuntime");
#undef FIND
}

static const char *missing(void)
{
	if (python.version_hex >> 24 != 3)
		return "it is not CPython 3";
	if (!python.runtime || !python.unchecked_tstate || !python.gilstate_tstate ||
	    !python.code_line || !python.code_type || !python.text_type || !python.bytes_type)
		return "it is not CPython, or hides what is needed";
	if (!python.get_allocator || !python.get_arena_allocator || !python.set_arena_allocator)
		return "it has no allocator hooks";
	/* Py_TRACE_REFS moves every field of every object. */
	if (symbol("_Py_PrintReferences"))
		return "it was built with Py_TRACE_REFS";
	if (!layout_find(python.minor, python.version_hex, python.runtime, &python.layout))
		return "this version is not known";
	return NULL;
}

/*
 * Its objects live in a heap of its own that nothing tells of: what is left is malloc and mmap.
 */
static bool is_pypy(void)
{
	if (!symbol("pypy_main_startup"))
		return false;
	python.implementation = "pypy";
	python.version = "";
	python.why_not = "it is PyPy, whose objects are in a heap of its own";
	return true;
}

static bool identify(void *library)
{
	python.library = library;
	find_functions();
	python.implementation = "cpython";
	if (!python.set_allocator)
		return is_pypy();
	find_version();
	python.why_not = missing();
	python.has_layout = !python.why_not;
	return true;
}

bool python_find(void *library)
{
	bool found = identify(library);

	/* What wasn't there is no error that the program should hear of. */
	dlerror();
	return found;
}
