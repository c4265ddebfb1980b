/*
 * paragraph.h - sentences, wrapped at the width of the terminal between words, and never
 * between a number and its unit.
 */
#ifndef MEMTRACE_PARAGRAPH_H
#define MEMTRACE_PARAGRAPH_H

#include "term.h"

/*
 * Every line but the first begins with `indent`. Texts may come out of a file: see term_text.
 */
void paragraph_print(const struct term *term, const char *text, const char *indent);
/* The first line begins with `bullet`, which has its own space at its end. */
void paragraph_item(const struct term *term, const char *bullet, const char *text,
		    const char *indent);
void paragraph_printf(const struct term *term, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* In the colour of warnings. */
void paragraph_warn(const struct term *term, const char *sentence);

#endif
