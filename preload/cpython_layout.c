#include "cpython_layout.h"

#include <stddef.h>
#include <string.h>

#include "stream.h"

enum { FIRST_MINOR = 8, VERSIONS = 8, FIRST_DEBUG_MINOR = 13 };

/* What a field of the layout is, by minor version. */
struct column_field {
	uint16_t field, bytes;
	uint16_t value[VERSIONS];
};

/* clang-format off */
enum {
	NONE = LAYOUT_NONE,
	ADDR = INSTR_ADDRESS, BYTE = INSTR_BYTES, UNIT = INSTR_UNITS,
	LNO = LINETABLE_LNOTAB, L310 = LINETABLE_310, LOCS = LINETABLE_LOCATIONS,
	/* sizeof(struct gc_stats) of 3.15, whose inside collection.c knows. */
	RINGS = 1120,
};

#define PLACE(name) offsetof(struct layout, name), sizeof(((struct layout *)0)->name)
#define FIELD(name, v8, v9, v10, v11, v12, v13, v14, v15) \
	{ PLACE(name), { v8, v9, v10, v11, v12, v13, v14, v15 } }

static const struct column_field fields[] = {
	/*                          3.8   3.9  3.10  3.11  3.12  3.13  3.14   3.15 */
	FIELD(tstate_interp,         16,   16,   16,   16,   16,   16,   16,    16),
	FIELD(tstate_thread,        176,  176,  176,  152,  136,  152,  152,   176),
	FIELD(tstate_frame,          24,   24,   24, NONE, NONE,   72,   72,    72),
	FIELD(tstate_cframe,       NONE, NONE, NONE,   56,   56, NONE, NONE,  NONE),
	FIELD(cframe_frame,           0,    0,    0,    8,    0,    0,    0,     0),
	FIELD(frame_code,            32,   32,   32,   32,    0,    0,    0,     0),
	FIELD(frame_previous,        24,   24,   24,   48,    8,    8,    8,     8),
	FIELD(frame_instr,          104,  104,   96,   56,   56,   56,   56,    56),
	FIELD(instr,               BYTE, BYTE, UNIT, ADDR, ADDR, ADDR, ADDR,  ADDR),
	FIELD(code_tags,              0,    0,    0,    0,    0,    0,    3,     3),
	FIELD(frame_owner,         NONE, NONE, NONE,   69,   70,   70,   74,    74),
	FIELD(first_foreign_owner,    0,    0,    0,    3,    3,    3,    3,     3),
	FIELD(code_file,            104,  104,  104,  112,  112,  112,  112,   112),
	FIELD(code_name,            112,  112,  112,  128,  128,  128,  128,   128),
	FIELD(code_linetable,       120,  120,  120,  136,  136,  136,  136,   136),
	FIELD(code_first_line,       40,   40,   40,   72,   68,   68,   68,    68),
	FIELD(code_instructions,      0,    0,    0,  184,  192,  200,  208,   208),
	FIELD(code_first_traced,      0,    0,    0,  168,  176,  184,  192,   192),
	FIELD(linetable_kind,       LNO,  LNO, L310, LOCS, LOCS, LOCS, LOCS,  LOCS),
	FIELD(text_length,           16,   16,   16,   16,   16,   16,   16,    16),
	FIELD(text_state,            32,   32,   32,   32,   32,   32,   32,    32),
	FIELD(text_bits,              2,    2,    2,    2,    2,    2,    2,     2),
	FIELD(text_ascii,            48,   48,   48,   48,   40,   40,   40,    40),
	FIELD(text_compact,          72,   72,   72,   72,   56,   56,   56,    56),
	FIELD(bytes_size,            16,   16,   16,   16,   16,   16,   16,    16),
	FIELD(bytes_data,            32,   32,   32,   32,   32,   32,   32,    32),
	FIELD(object_type,            8,    8,    8,    8,    8,    8,    8,     8),
	FIELD(type_flags,           168,  168,  168,  168,  168,  168,  168,   168),
	FIELD(runtime_gc,           344, NONE, NONE, NONE, NONE, NONE, NONE,  NONE),
	FIELD(interp_gc,              0,  616,  616,  648,  112, 7400, 7408,  7400),
	FIELD(interp_gil,             0,    0,    0,    0,  384,   16,   16,    16),
	FIELD(gc_collecting,        200,  200,  200,  200,  200,  200,  192,   112),
	FIELD(gc_stats,             128,  128,  128,  128,  128,  128,  120,   104),
	FIELD(gc_rings_bytes,         0,    0,    0,    0,    0,    0,    0, RINGS),
	FIELD(runtime_finalizing,    16,   16,   16,   24,   24,  608,  784,   912),
};
/* clang-format on */

/*
 * Where in _Py_DebugOffsets (64-bit words from _PyRuntime on) a field of the layout is told, by
 * minor version from FIRST_DEBUG_MINOR on. The compact str's data follows the ASCII one's by 16
 * bytes in all of them.
 */
struct debug_offset {
	uint16_t field, bytes;
	uint16_t entry[3]; /* 3.13, 3.14, 3.15; 0: not told */
};

/* clang-format off */
#define TELLS(name, v13, v14, v15) { PLACE(name), { v13, v14, v15 } }
/* clang-format on */

static const struct debug_offset debug_offsets[] = {
	TELLS(runtime_finalizing, 32, 32, 32),
	TELLS(interp_gc, 80, 88, 88),
	TELLS(interp_gil, 112, 120, 120),
	TELLS(tstate_interp, 176, 200, 200),
	TELLS(tstate_thread, 192, 216, 240),
	TELLS(tstate_frame, 184, 208, 208),
	TELLS(frame_previous, 232, 256, 320),
	TELLS(frame_code, 240, 264, 328),
	TELLS(frame_instr, 248, 272, 336),
	TELLS(frame_owner, 264, 288, 352),
	TELLS(code_file, 280, 320, 384),
	TELLS(code_name, 296, 336, 400),
	TELLS(code_linetable, 304, 344, 408),
	TELLS(code_first_line, 312, 352, 416),
	TELLS(code_instructions, 344, 384, 448),
	TELLS(code_copies, 0, 392, 456),
	TELLS(object_type, 360, 408, 472),
	TELLS(bytes_size, 520, 600, 696),
	TELLS(bytes_data, 528, 608, 704),
	TELLS(text_state, 544, 624, 720),
	TELLS(text_length, 552, 632, 728),
	TELLS(text_ascii, 560, 640, 736),
	TELLS(gc_collecting, 576, 656, 760),
	TELLS(gc_rings_bytes, 0, 0, 776),
	TELLS(gc_stats, 0, 0, 784),
};

static uint64_t word_at(const void *runtime, size_t offset)
{
	uint64_t word;

	memcpy(&word, (const char *)runtime + offset, sizeof(word));
	return word;
}

static void set_field(struct layout *layout, uint16_t field, uint16_t bytes, uint64_t value)
{
	char *place = (char *)layout + field;
	uint16_t narrow = (uint16_t)value;
	uint32_t wide = (uint32_t)value;

	memcpy(place, bytes == 2 ? (void *)&narrow : (void *)&wide, bytes);
}

static bool apply_debug_offset(const struct debug_offset *debug, const void *runtime,
			       struct layout *layout)
{
	uint16_t entry = debug->entry[layout->minor - FIRST_DEBUG_MINOR];
	uint64_t value = word_at(runtime, entry);

	if (!entry)
		return true;
	if (value >= (debug->bytes == 2 ? LAYOUT_NONE : 1u << 24))
		return false;
	set_field(layout, debug->field, debug->bytes, value);
	return true;
}

/*
 * An object's header has 16 bytes more without a GIL; what has no entry above moves along. From
 * 3.14 on a str's state begins with a byte of its own for interning.
 */
static void apply_free_threading(struct layout *layout)
{
	enum { MORE_HEADER = 16, TEXT_BITS_AFTER_A_BYTE = 8 };

	layout->free_threaded = true;
	layout->code_first_traced += MORE_HEADER;
	layout->type_flags += MORE_HEADER;
	if (layout->minor >= 14)
		layout->text_bits = TEXT_BITS_AFTER_A_BYTE;
}

static bool apply_debug_offsets(unsigned long version_hex, const void *runtime,
				struct layout *layout)
{
	enum { VERSION = 8, FREE_THREADED = 16 };

	if (memcmp(runtime, "xdebugpy", 8) ||
	    word_at(runtime, VERSION) >> 16 != version_hex >> 16)
		return false;
	if (word_at(runtime, FREE_THREADED))
		apply_free_threading(layout);
	for (size_t i = 0; i < sizeof(debug_offsets) / sizeof(debug_offsets[0]); i++)
		if (!apply_debug_offset(&debug_offsets[i], runtime, layout))
			return false;
	layout->text_compact = layout->text_ascii + 16;
	/* A pre-release's rings are laid out otherwise. */
	if (layout->gc_rings_bytes && layout->gc_rings_bytes != RINGS)
		layout->gc_stats = LAYOUT_NONE;
	return true;
}

/* False: there is no column for that version. */
static bool apply_column(unsigned minor, struct layout *layout)
{
	if (minor < FIRST_MINOR || minor >= FIRST_MINOR + VERSIONS)
		return false;
	*layout = (struct layout){.minor = (uint16_t)minor};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		set_field(layout, fields[i].field, fields[i].bytes,
			  fields[i].value[minor - FIRST_MINOR]);
	return true;
}

bool layout_find(unsigned minor, unsigned long version_hex, const void *runtime,
		 struct layout *ret_layout)
{
	struct layout layout;

	if (!apply_column(minor, &layout))
		return false;
	if (minor >= FIRST_DEBUG_MINOR && !apply_debug_offsets(version_hex, runtime, &layout))
		return false;
	*ret_layout = layout;
	return true;
}
