#include "paragraph.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "../collector/mem.h"

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
		const size_t len = strcspn(text, " ");
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
