/*
 * cpython_layout.h - where CPython keeps what a stack walk reads: the one table of offsets.
 *
 * Offsets are bytes, a column of them a version. They come from the internal headers of each
 * release (pycore_frame.h, pycore_interp.h, pycore_runtime.h, cpython/code.h,
 * cpython/unicodeobject.h); from 3.13 on the interpreter's own _Py_DebugOffsets
 * (pycore_debug_offsets.h; 3.13: pycore_runtime.h) replace what they cover. Whether a column
 * fits the interpreter at hand is decided at run time: types are compared before anything is
 * read through (pystack.c), and lines with the interpreter's own (R_CHECK).
 *
 * How to support a release is told in CONTRIBUTING.md; scripts/layout-column prints its column.
 */
#ifndef MEMTRACE_CPYTHON_LAYOUT_H
#define MEMTRACE_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

enum { LAYOUT_NONE = 0xffff };

/*
 * What a frame's instruction is: an address in the code, or a number counted from its
 * beginning.
 */
enum layout_instr { INSTR_ADDRESS = 0, INSTR_BYTES = 1, INSTR_UNITS = 2 /* of two bytes */ };

struct layout {
	uint16_t minor; /* of version 3 */
	bool free_threaded;

	uint16_t tstate_interp;
	uint16_t tstate_thread; /* pthread_t of the thread that made it */
	/*
	 * Where the innermost frame hangs: in the thread state, or in the cframe that it points
	 * to.
	 */
	uint16_t tstate_frame;
	uint16_t tstate_cframe, cframe_frame; /* LAYOUT_NONE: there is no cframe */

	uint16_t frame_code, frame_previous, frame_instr;
	uint16_t instr; /* enum layout_instr */
	/* Low bits of the code pointer that are no address. */
	uint16_t code_tags;
	/*
	 * Owners from the second on belong to C, not to a Python function: such frames are
	 * passed over. LAYOUT_NONE: frames have no owner.
	 */
	uint16_t frame_owner, first_foreign_owner;

	uint16_t code_file, code_name, code_linetable, code_first_line, code_instructions;
	uint16_t
		code_first_traced; /* in units of two bytes; 0: the version has no such field */
	/*
	 * Without a GIL, from 3.14 on: the list of a function's instructions, one copy for each
	 * thread that ran it, the first of which is the code object's own. 0: there is no list.
	 */
	uint16_t code_copies;

	uint16_t text_length, text_state, text_ascii, text_compact; /* str: the data's places */
	uint16_t text_bits; /* of the state: where its kind's three begin, and compact, ASCII */
	uint16_t bytes_size, bytes_data;
	uint16_t object_type, type_flags;

	/*
	 * The collector's state: in the interpreter's, or (LAYOUT_NONE: not) in the runtime's.
	 */
	uint16_t runtime_gc;
	uint32_t interp_gc;
	uint16_t interp_gil; /* pointer to its GIL's state; 0: there is one for all */
	uint16_t gc_collecting;
	uint16_t gc_stats; /* LAYOUT_NONE: collections can't be counted */
	/* Of what gc_stats points to; 0: it points to nothing, the counters lie there. */
	uint16_t gc_rings_bytes;
	uint16_t runtime_finalizing;

	uint32_t linetable_kind; /* enum linetable_kind of stream.h */
};

/*
 * Fills in the layout of version 3.minor. `runtime` is the address of _PyRuntime. False: that
 * version isn't known, or what the interpreter says of itself contradicts the column.
 */
bool layout_find(unsigned minor, unsigned long version_hex, const void *runtime,
		 struct layout *ret_layout);

#endif
