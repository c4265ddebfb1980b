/*
 * term.h - where text goes: how wide it may be, and whether colour helps.
 *
 * COLUMNS and the terminal's own size decide the width; a pipe has none, so that a row stays
 * one line for grep. NO_COLOR and TERM=dumb turn colour off where nobody asked for it.
 */
#ifndef MEMTRACE_TERM_H
#define MEMTRACE_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum term_color { TERM_COLOR_AUTO = 0, TERM_COLOR_ALWAYS, TERM_COLOR_NEVER };

struct term {
	FILE *out;
	size_t width; /* 0: unlimited */
	bool color;
	bool utf8;
	bool blocks; /* the locale has block elements, U+2580 to U+259F */
};

void term_init(struct term *term, FILE *out, enum term_color color);

/* Escape sequences, or "" without colour. */
const char *term_bold(const struct term *term);
const char *term_dim(const struct term *term);
const char *term_alarm(const struct term *term);
/* One of TERM_HUES colours that differ from each other and from plain text. */
enum { TERM_HUES = 6 };
const char *term_hue(const struct term *term, unsigned hue);
const char *term_plain(const struct term *term);

/*
 * Text out of a file: control characters, which could drive the terminal, come out as \xNN, and
 * so does what isn't ASCII where the locale isn't UTF-8.
 */
void term_text(const struct term *term, const char *text);
/* Characters that term_text would print. */
size_t term_text_width(const struct term *term, const char *text);

#endif
