#include "cpython_layout.h"

#include <stddef.h>
#include <string.h>

#include "stream.h"

/* sizeof(struct gc_stats) of 3.15, whose inside collection.c knows. */
enum { GC_RINGS_BYTES = 1120 };

static const struct layout rows[] = {
	{
		.minor = 8,
		.tstate_interp = 16,
		.tstate_thread = 176,
		.tstate_frame = 24,
		.tstate_cframe = LAYOUT_NONE,
		.frame_code = 32,
		.frame_previous = 24,
		.frame_instr = 104,
		.instr = INSTR_BYTES,
		.frame_owner = LAYOUT_NONE,
		.code_file = 104,
		.code_name = 112,
		.code_linetable = 120,
		.code_first_line = 40,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 48,
		.text_compact = 72,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = 344,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 16,
		.linetable_kind = LINETABLE_LNOTAB,
	},
	{
		.minor = 9,
		.tstate_interp = 16,
		.tstate_thread = 176,
		.tstate_frame = 24,
		.tstate_cframe = LAYOUT_NONE,
		.frame_code = 32,
		.frame_previous = 24,
		.frame_instr = 104,
		.instr = INSTR_BYTES,
		.frame_owner = LAYOUT_NONE,
		.code_file = 104,
		.code_name = 112,
		.code_linetable = 120,
		.code_first_line = 40,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 48,
		.text_compact = 72,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = LAYOUT_NONE,
		.interp_gc = 616,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 16,
		.linetable_kind = LINETABLE_LNOTAB,
	},
	{
		.minor = 10,
		.tstate_interp = 16,
		.tstate_thread = 176,
		.tstate_frame = 24,
		.tstate_cframe = LAYOUT_NONE,
		.frame_code = 32,
		.frame_previous = 24,
		.frame_instr = 96,
		.instr = INSTR_UNITS,
		.frame_owner = LAYOUT_NONE,
		.code_file = 104,
		.code_name = 112,
		.code_linetable = 120,
		.code_first_line = 40,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 48,
		.text_compact = 72,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = LAYOUT_NONE,
		.interp_gc = 616,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 16,
		.linetable_kind = LINETABLE_310,
	},
	{
		.minor = 11,
		.tstate_interp = 16,
		.tstate_thread = 152,
		.tstate_frame = LAYOUT_NONE,
		.tstate_cframe = 56,
		.cframe_frame = 8,
		.frame_code = 32,
		.frame_previous = 48,
		.frame_instr = 56,
		.frame_owner = 69,
		.first_foreign_owner = 3,
		.code_file = 112,
		.code_name = 128,
		.code_linetable = 136,
		.code_first_line = 72,
		.code_instructions = 184,
		.code_first_traced = 168,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 48,
		.text_compact = 72,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = LAYOUT_NONE,
		.interp_gc = 648,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 24,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
	{
		.minor = 12,
		.tstate_interp = 16,
		.tstate_thread = 136,
		.tstate_frame = LAYOUT_NONE,
		.tstate_cframe = 56,
		.cframe_frame = 0,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instr = 56,
		.frame_owner = 70,
		.first_foreign_owner = 3,
		.code_file = 112,
		.code_name = 128,
		.code_linetable = 136,
		.code_first_line = 68,
		.code_instructions = 192,
		.code_first_traced = 176,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 40,
		.text_compact = 56,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = LAYOUT_NONE,
		.interp_gc = 112,
		.interp_gil = 384,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 24,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
	{
		.minor = 13,
		.tstate_interp = 16,
		.tstate_thread = 152,
		.tstate_frame = 72,
		.tstate_cframe = LAYOUT_NONE,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instr = 56,
		.code_tags = 0,
		.frame_owner = 70,
		.first_foreign_owner = 3,
		.code_file = 112,
		.code_name = 128,
		.code_linetable = 136,
		.code_first_line = 68,
		.code_instructions = 200,
		.code_first_traced = 184,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 40,
		.text_compact = 56,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = LAYOUT_NONE,
		.interp_gc = 7400,
		.interp_gil = 16,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 608,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
	{
		.minor = 14,
		.tstate_interp = 16,
		.tstate_thread = 152,
		.tstate_frame = 72,
		.tstate_cframe = LAYOUT_NONE,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instr = 56,
		.code_tags = 3,
		.frame_owner = 74,
		.first_foreign_owner = 3,
		.code_file = 112,
		.code_name = 128,
		.code_linetable = 136,
		.code_first_line = 68,
		.code_instructions = 208,
		.code_first_traced = 192,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 40,
		.text_compact = 56,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = LAYOUT_NONE,
		.interp_gc = 7408,
		.interp_gil = 16,
		.gc_collecting = 192,
		.gc_stats = 120,
		.runtime_finalizing = 784,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
	{
		.minor = 15,
		.tstate_interp = 16,
		.tstate_thread = 176,
		.tstate_frame = 72,
		.tstate_cframe = LAYOUT_NONE,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instr = 56,
		.code_tags = 3,
		.frame_owner = 74,
		.first_foreign_owner = 3,
		.code_file = 112,
		.code_name = 128,
		.code_linetable = 136,
		.code_first_line = 68,
		.code_instructions = 208,
		.code_first_traced = 192,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 40,
		.text_compact = 56,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.runtime_gc = LAYOUT_NONE,
		.interp_gc = 7400,
		.interp_gil = 16,
		.gc_collecting = 112,
		.gc_stats = 104,
		.gc_rings_bytes = GC_RINGS_BYTES,
		.runtime_finalizing = 912,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
};

/*
 * Where in _Py_DebugOffsets (64-bit words from _PyRuntime on) a field of the layout is told, by
 * minor version from 13 on. The compact str's data follows the ASCII one's by 16 bytes in all
 * of them.
 */
struct debug_offset {
	uint16_t field;
	uint16_t bytes;
	uint16_t entry[3]; /* 3.13, 3.14, 3.15; 0: not told */
};

/* clang-format off */
#define TELLS(name, ...) \
	{ offsetof(struct layout, name), sizeof(((struct layout *)0)->name), { __VA_ARGS__ } }
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

static bool apply_debug_offset(const struct debug_offset *debug, const void *runtime,
			       struct layout *layout)
{
	uint16_t entry = debug->entry[layout->minor - 13];
	uint64_t value = word_at(runtime, entry);
	char *field = (char *)layout + debug->field;

	if (!entry)
		return true;
	if (value >= (debug->bytes == 2 ? LAYOUT_NONE : 1u << 24))
		return false;
	uint16_t narrow = (uint16_t)value;
	uint32_t wide = (uint32_t)value;

	memcpy(field, debug->bytes == 2 ? (void *)&narrow : (void *)&wide, debug->bytes);
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
	if (layout->gc_rings_bytes && layout->gc_rings_bytes != GC_RINGS_BYTES)
		layout->gc_stats = LAYOUT_NONE;
	return true;
}

/* What has been the same in all versions, but for builds without a GIL. */
static void apply_common(struct layout *layout)
{
	enum { TYPE_FLAGS = 168, TEXT_BITS = 2 };

	layout->type_flags = TYPE_FLAGS;
	layout->text_bits = TEXT_BITS;
}

bool layout_find(unsigned minor, unsigned long version_hex, const void *runtime,
		 struct layout *ret_layout)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct layout layout = rows[i];

		if (layout.minor != minor)
			continue;
		apply_common(&layout);
		if (minor >= 13 && !apply_debug_offsets(version_hex, runtime, &layout))
			return false;
		*ret_layout = layout;
		return true;
	}
	return false;
}
