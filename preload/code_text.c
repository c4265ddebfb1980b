#include "code_text.h"

#include <string.h>

#include "python.h"
#include "words.h"

/* PyASCIIObject.state, cpython/unicodeobject.h: bits counted from layout.text_bits on. */
enum { KIND_MASK = 7, STATE_COMPACT = 1 << 3, STATE_ASCII = 1 << 4 };

/* PyTypeObject.tp_flags, Include/object.h: the same from 3.8 to 3.15. */
enum { TYPE_BYTES = 1 << 27, TYPE_TEXT = 1 << 28 };

static _Atomic bool layout_proven;

static const void *field(const void *object, uint16_t offset)
{
	return *(const void *const *)((const char *)object + offset);
}

static bool is_a(const void *object, const void *type)
{
	return object && (uintptr_t)object % 8 == 0 &&
	       field(object, python.layout.object_type) == type;
}

/*
 * Of that type or derived from it: compile() keeps a file name of any subclass of str. A type's
 * own flags are looked at only after a code object was met with all fields of the very types,
 * as the first ones of an interpreter have: until then the pointer may be none.
 */
static bool is_kind_of(const void *object, const void *type, uint64_t flag)
{
	uint64_t flags;

	if (is_a(object, type))
		return true;
	if (!atomic_load_explicit(&layout_proven, memory_order_relaxed) || !object ||
	    (uintptr_t)object % 8)
		return false;
	memcpy(&flags,
	       (const char *)field(object, python.layout.object_type) +
		       python.layout.type_flags,
	       sizeof(flags));
	return flags & flag;
}

static int64_t read_length(const void *object, uint16_t offset)
{
	int64_t length;

	memcpy(&length, (const char *)object + offset, sizeof(length));
	return length < 0 ? 0 : length;
}

static uint32_t read_character(const void *data, uint32_t kind, int64_t i)
{
	switch (kind) {
	case 1:
		return ((const uint8_t *)data)[i];
	case 2:
		return ((const uint16_t *)data)[i];
	default:
		return ((const uint32_t *)data)[i];
	}
}

/*
 * Lone surrogates (file names that aren't UTF-8) become U+FFFD, as any decoder would show them.
 * A character that doesn't fit is left out whole.
 */
static void add_character(struct words *words, uint32_t c)
{
	char utf8[4];
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		c = 0xfffd;
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (words->len + len >= words->capacity) {
		words->cut = true;
		return;
	}
	for (size_t i = len; i-- > 1; c >>= 6)
		utf8[i] = (char)(0x80 | (c & 0x3f));
	utf8[0] = (char)(lead[len] | c);
	words_bytes(words, utf8, len);
}

static void add_text(struct words *words, const void *text)
{
	const struct layout *layout = &python.layout;
	uint32_t state;

	memcpy(&state, (const char *)text + layout->text_state, sizeof(state));
	state >>= layout->text_bits;
	int64_t length = read_length(text, layout->text_length);
	const char *data = (const char *)text + layout->text_compact;

	if (state & STATE_ASCII && state & STATE_COMPACT) {
		words_bytes(words, (const char *)text + layout->text_ascii, (size_t)length);
		return;
	}
	/* A subclass of str keeps its data elsewhere, behind a pointer in the same place. */
	if (!(state & STATE_COMPACT))
		data = field(text, layout->text_compact);
	for (int64_t i = 0; data && i < length && !words->cut; i++)
		add_character(words, read_character(data, state & KIND_MASK, i));
}

static bool is(const char *text, size_t len, const char *expected)
{
	return strlen(expected) == len && !memcmp(text, expected, len);
}

static enum code_traits traits_of(const struct code_text *text)
{
	bool frozen = text->file_bytes > 7 && !memcmp(text->file, "<frozen", 7);
	bool runpy = is(text->file, text->file_bytes, "<frozen runpy>") ||
		     (text->file_bytes > 9 &&
		      is(text->file + text->file_bytes - 9, 9, "/runpy.py"));

	if (is(text->name, text->name_bytes, "<module>"))
		return frozen ? 0 : CODE_MODULE;
	if (runpy && is(text->name, text->name_bytes, "_run_module_as_main"))
		return CODE_RUNPY;
	return runpy && is(text->name, text->name_bytes, "_run_code") ? CODE_RUN_CODE : 0;
}

static uint32_t first_traced(const void *code)
{
	int32_t units;

	if (!python.layout.code_first_traced)
		return 0;
	memcpy(&units, (const char *)code + python.layout.code_first_traced, sizeof(units));
	return units > 0 && units < 1 << 24 ? (uint32_t)units * 2 : 0;
}

enum code_text_result code_text_read(const void *code, char *names, struct code_text *ret_text,
				     enum code_traits *ret_traits)
{
	const struct layout *layout = &python.layout;

	if (!is_a(code, python.code_type))
		return CODE_TEXT_FOREIGN;
	const void *file = field(code, layout->code_file);
	const void *name = field(code, layout->code_name);
	const void *linetable = field(code, layout->code_linetable);

	if (!is_kind_of(file, python.text_type, TYPE_TEXT) ||
	    !is_kind_of(name, python.text_type, TYPE_TEXT) ||
	    !is_kind_of(linetable, python.bytes_type, TYPE_BYTES))
		return CODE_TEXT_WRONG;

	if (is_a(file, python.text_type) && is_a(name, python.text_type) &&
	    is_a(linetable, python.bytes_type))
		atomic_store_explicit(&layout_proven, true, memory_order_relaxed);

	struct code_text text = {
		.file = names,
		.linetable = (const char *)linetable + layout->bytes_data,
		.linetable_bytes = (size_t)read_length(linetable, layout->bytes_size),
		.linetable_kind = layout->linetable_kind,
		.first_traced = first_traced(code),
	};
	/* A long path leaves the name its room. */
	struct words words = words_over(names, CODE_TEXT_BYTES - 1024);

	add_text(&words, file);
	text.file_bytes = words.len;
	text.name = names + words.len;
	words = words_over(names + words.len, CODE_TEXT_BYTES - words.len);
	add_text(&words, name);
	text.name_bytes = words.len;
	memcpy(&text.first_line, (const char *)code + layout->code_first_line,
	       sizeof(text.first_line));
	*ret_traits = traits_of(&text);
	*ret_text = text;
	return CODE_TEXT_READ;
}
