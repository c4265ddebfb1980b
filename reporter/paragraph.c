#include "paragraph.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../collector/mem.h"

/* Whether a unit as units.c writes them comes first, and isn't the beginning of a word. */
static bool begins_with_unit(const char *text)
{
	static const char *const units[] = {"B",  "KiB", "MiB", "GiB", "TiB", "kB", "MB",
					    "GB", "TB",  "ms",  "s",   "min", "h",  "%"};
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		const size_t len = strlen(units[i]);
		if (strncmp(text, units[i], len) == 0 && !isalnum((unsigned char)text[len]))
			return true;
	}
	return false;
}

/* Up to where a line may end: a number and its unit stay together. */
static size_t unbroken_len(const char *text)
{
	const size_t len = strcspn(text, " ");
	if (!len || text[len] != ' ' || !isdigit((unsigned char)text[len - 1]) ||
	    !begins_with_unit(text + len + 1))
		return len;
	return len + 1 + strcspn(text + len + 1, " ");
}

void paragraph_print(const struct term *term, const char *text, const char *indent)
{
	paragraph_item(term, "", text, indent);
}

void paragraph_item(const struct term *term, const char *bullet, const char *text,
		    const char *indent)
{
	const size_t width = term->width ? term->width : SIZE_MAX;
	const size_t begin = term_text_width(term, bullet);
	size_t column = begin;
	fputs(bullet, term->out);
	while (*text) {
		const size_t len = unbroken_len(text);
		__attribute__((cleanup(mem_scope))) char *word = mem_copy(text, len + 1);
		word[len] = '\0';
		const size_t word_width = term_text_width(term, word);
		if (column > begin && column + 1 + word_width > width) {
			fprintf(term->out, "\n%s", indent);
			column = strlen(indent);
		} else if (column > begin) {
			putc(' ', term->out);
			column++;
		}
		term_text(term, word);
		column += word_width;
		text += len + (text[len] == ' ');
	}
	putc('\n', term->out);
}

void paragraph_printf(const struct term *term, const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	paragraph_print(term, text, "  ");
}

void paragraph_warn(const struct term *term, const char *sentence)
{
	fputs(term_alarm(term), term->out);
	paragraph_printf(term, "warning: %s", sentence);
	fputs(term_plain(term), term->out);
}
