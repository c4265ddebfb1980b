#include "linetable.h"

#include <stdbool.h>

/*
 * Lines are kept as uint32_t while they add up: hostile deltas may wrap, which is defined for
 * unsigned numbers and harmless, since any line is a valid answer to a table that lies.
 */
struct walk {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t range_end; /* first byte offset after the range that was read last */
	uint32_t computed;
	bool no_line;
};

static uint32_t signed_byte(uint8_t byte)
{
	return (uint32_t)(int32_t)(int8_t)byte;
}

/*
 * co_lnotab: pairs of (address step, line step). It lists where lines start, so the last one
 * that starts at or before the instruction is its line, and behind the last one there is no
 * end.
 */
static int32_t lnotab_line(struct walk *w, uint64_t instr)
{
	uint64_t addr = 0;

	for (; w->end - w->at >= 2; w->at += 2) {
		addr += w->at[0];
		if (addr > instr)
			break;
		w->computed += signed_byte(w->at[1]);
	}
	return (int32_t)w->computed;
}

/*
 * co_linetable of 3.10: pairs of (range length, line step); -128 marks a range without a
 * line.
 */
static bool next_310(struct walk *w)
{
	enum { NO_LINE = 0x80 };

	if (w->end - w->at < 2)
		return false;
	w->range_end += w->at[0];
	w->no_line = w->at[1] == NO_LINE;
	if (!w->no_line)
		w->computed += signed_byte(w->at[1]);
	w->at += 2;
	return true;
}

/*
 * Six bits a byte, lowest first; bit 6 tells that more follow. What doesn't fit 32 bits is
 * lost.
 */
static uint32_t location_varint(const uint8_t *at, const uint8_t *end)
{
	uint32_t value = 0;
	unsigned int shift = 0;

	for (; at < end; at++, shift += 6) {
		if (shift < 32)
			value |= (uint32_t)(*at & 63) << shift;
		if (!(*at & 64))
			break;
	}
	return value;
}

/* The lowest bit is the sign. */
static uint32_t location_svarint(const uint8_t *at, const uint8_t *end)
{
	uint32_t value = location_varint(at, end);

	return value & 1 ? 0 - (value >> 1) : value >> 1;
}

/*
 * An entry of Objects/locations.md: the first byte is 1kkkkccc, the range is c + 1 code units
 * of two bytes. All bytes up to the next one with bit 7 belong to it; columns among them
 * don't matter here.
 */
static bool next_location(struct walk *w)
{
	enum { ONE_LINE0 = 10, ONE_LINE2 = 12, NO_COLUMNS = 13, LONG = 14, NONE = 15 };
	unsigned int kind;

	if (w->at >= w->end)
		return false;
	kind = *w->at >> 3 & 15;
	w->range_end += 2 * ((*w->at & 7) + 1u);
	w->no_line = kind == NONE;
	if (kind >= ONE_LINE0 && kind <= ONE_LINE2)
		w->computed += kind - ONE_LINE0;
	else if (kind == NO_COLUMNS || kind == LONG)
		w->computed += location_svarint(w->at + 1, w->end);
	do
		w->at++;
	while (w->at < w->end && !(*w->at & 0x80));
	return true;
}

static int32_t range_line(struct walk *w, bool (*next)(struct walk *w), uint64_t instr)
{
	while (w->range_end <= instr)
		if (!next(w))
			return LINE_NONE;
	return w->no_line ? LINE_NONE : (int32_t)w->computed;
}

int32_t linetable_line(enum linetable_kind kind, const void *table, size_t len,
		       int32_t first_line, int32_t instr)
{
	struct walk w = {.at = table, .computed = (uint32_t)first_line};

	if (instr < 0)
		return first_line;
	w.end = len ? w.at + len : w.at;
	switch (kind) {
	case LINETABLE_LNOTAB:
		return lnotab_line(&w, (uint64_t)instr);
	case LINETABLE_310:
		return range_line(&w, next_310, (uint64_t)instr);
	case LINETABLE_LOCATIONS:
		return range_line(&w, next_location, (uint64_t)instr);
	case LINETABLE_NONE:
		break;
	}
	return LINE_NONE;
}

/* What an entry has behind its line step. */
static void long_columns(const uint8_t *at, const uint8_t *end,
			 struct linetable_stretch *stretch)
{
	enum { LINE_STEP, MORE_LINES, COLUMN, END_COLUMN, NUMBERS };
	uint32_t numbers[NUMBERS] = {0};

	for (size_t i = 0; i < NUMBERS; i++) {
		numbers[i] = location_varint(at, end);
		while (at < end && *at & 64)
			at++;
		at += at < end;
	}
	stretch->column = numbers[COLUMN] - 1;
	stretch->columns = numbers[MORE_LINES] ? 0 : numbers[END_COLUMN] - numbers[COLUMN];
}

static void find_columns(const uint8_t *entry, const uint8_t *end,
			 struct linetable_stretch *stretch)
{
	enum { SHORT_FORMS = 10, ONE_LINE2 = 12, LONG = 14 };
	const unsigned int kind = *entry >> 3 & 15;

	if (kind < SHORT_FORMS && end - entry > 1) {
		stretch->column = kind << 3 | entry[1] >> 4;
		stretch->columns = entry[1] & 15;
	} else if (kind >= SHORT_FORMS && kind <= ONE_LINE2 && end - entry > 2) {
		stretch->column = entry[1];
		stretch->columns = (uint32_t)entry[2] - entry[1];
	} else if (kind == LONG) {
		long_columns(entry + 1, end, stretch);
	}
}

static void each_lnotab(struct walk *w, linetable_visit *visit, void *user)
{
	for (; w->end - w->at >= 2; w->at += 2) {
		const struct linetable_stretch stretch = {.line = (int32_t)w->computed,
							  .bytes = w->at[0]};

		if (w->at[0])
			visit(user, &stretch);
		w->computed += signed_byte(w->at[1]);
	}
	visit(user, &(struct linetable_stretch){.line = (int32_t)w->computed});
}

void linetable_each(enum linetable_kind kind, const void *table, size_t len, int32_t first_line,
		    linetable_visit *visit, void *user)
{
	struct walk w = {.at = table, .computed = (uint32_t)first_line};

	w.end = len ? w.at + len : w.at;
	if (kind == LINETABLE_LNOTAB)
		each_lnotab(&w, visit, user);
	while (kind == LINETABLE_310 || kind == LINETABLE_LOCATIONS) {
		const uint8_t *entry = w.at;
		const uint64_t start = w.range_end;

		if (!(kind == LINETABLE_310 ? next_310(&w) : next_location(&w)))
			return;
		struct linetable_stretch stretch = {
			.line = w.no_line ? LINE_NONE : (int32_t)w.computed,
			.bytes = (uint32_t)(w.range_end - start),
		};
		if (kind == LINETABLE_LOCATIONS)
			find_columns(entry, w.at, &stretch);
		visit(user, &stretch);
	}
}
