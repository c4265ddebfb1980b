#include "cpython_layout.h"

#include <stddef.h>
#include <string.h>

#include "stream.h"

static const struct layout rows[] = {
	{
		.minor = 11,
		.tstate_interp = 16,
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
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 48,
		.text_compact = 72,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.interp_gc = 648,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 24,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
	{
		.minor = 12,
		.tstate_interp = 16,
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
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 40,
		.text_compact = 56,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.interp_gc = 112,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 24,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
	{
		.minor = 13,
		.tstate_interp = 16,
		.tstate_frame = 72,
		.tstate_cframe = LAYOUT_NONE,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instr = 56,
		.frame_owner = 70,
		.first_foreign_owner = 3,
		.code_file = 112,
		.code_name = 128,
		.code_linetable = 136,
		.code_first_line = 68,
		.code_instructions = 200,
		.text_length = 16,
		.text_state = 32,
		.text_ascii = 40,
		.text_compact = 56,
		.bytes_size = 16,
		.bytes_data = 32,
		.object_type = 8,
		.interp_gc = 7400,
		.gc_collecting = 200,
		.gc_stats = 128,
		.runtime_finalizing = 608,
		.linetable_kind = LINETABLE_LOCATIONS,
	},
};

/* Where in _Py_DebugOffsets (64-bit words from _PyRuntime on) a field of the layout is told. */
struct debug_offset {
	uint16_t entry;
	uint16_t field;
	uint8_t bytes;
};

#define TELLS(at, name) { at, offsetof(struct layout, name), sizeof(((struct layout *)0)->name) }

static const struct debug_offset debug_offsets_13[] = {
	TELLS(32, runtime_finalizing), TELLS(80, interp_gc),	   TELLS(176, tstate_interp),
	TELLS(184, tstate_frame),      TELLS(232, frame_previous), TELLS(240, frame_code),
	TELLS(248, frame_instr),       TELLS(264, frame_owner),	   TELLS(280, code_file),
	TELLS(296, code_name),	       TELLS(304, code_linetable), TELLS(312, code_first_line),
	TELLS(344, code_instructions), TELLS(360, object_type),	   TELLS(520, bytes_size),
	TELLS(528, bytes_data),	       TELLS(544, text_state),	   TELLS(552, text_length),
	TELLS(560, text_ascii),	       TELLS(576, gc_collecting),
};

static uint64_t word_at(const void *runtime, size_t offset)
{
	uint64_t word;

	memcpy(&word, (const char *)runtime + offset, sizeof(word));
	return word;
}

static bool apply_debug_offset(const struct debug_offset *debug, const void *runtime, struct layout *layout)
{
	uint64_t value = word_at(runtime, debug->entry);
	char *field = (char *)layout + debug->field;

	if (value >= (debug->bytes == 2 ? LAYOUT_NONE : 1u << 24))
		return false;
	uint16_t narrow = (uint16_t)value;
	uint32_t wide = (uint32_t)value;

	memcpy(field, debug->bytes == 2 ? (void *)&narrow : (void *)&wide, debug->bytes);
	return true;
}

static bool apply_debug_offsets(unsigned long version_hex, const void *runtime, struct layout *layout)
{
	enum { VERSION = 8, FREE_THREADED = 16 };

	if (memcmp(runtime, "xdebugpy", 8) || word_at(runtime, VERSION) >> 16 != version_hex >> 16 ||
	    word_at(runtime, FREE_THREADED))
		return false;
	for (size_t i = 0; i < sizeof(debug_offsets_13) / sizeof(debug_offsets_13[0]); i++)
		if (!apply_debug_offset(&debug_offsets_13[i], runtime, layout))
			return false;
	return true;
}

bool layout_find(unsigned minor, unsigned long version_hex, const void *runtime, struct layout *ret_layout)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct layout layout = rows[i];

		if (layout.minor != minor)
			continue;
		if (minor >= 13 && !apply_debug_offsets(version_hex, runtime, &layout))
			return false;
		*ret_layout = layout;
		return true;
	}
	return false;
}
