#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t find_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	char *end;
	if (columns && *columns) {
		const unsigned long value = strtoul(columns, &end, 10);
		if (!*end && value >= 20 && value <= 10000)
			return value;
	}
	struct winsize size;
	if (!isatty(fd))
		return 0;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

static bool wants_color(int fd, enum term_color color)
{
	if (color != TERM_COLOR_AUTO)
		return color == TERM_COLOR_ALWAYS;
	const char *no_color = getenv("NO_COLOR");
	const char *name = getenv("TERM");
	return isatty(fd) && !(no_color && *no_color) && name && strcmp(name, "dumb") != 0;
}

/*
 * The order in which setlocale looks; a C library without that locale installed would say no.
 */
static bool locale_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

void term_init(struct term *term, FILE *out, enum term_color color)
{
	const int fd = fileno(out);
	*term = (struct term){
		.out = out,
		.width = find_width(fd),
		.color = wants_color(fd, color),
		/* A pipe keeps names as they are: whoever reads them wants the bytes. */
		.utf8 = !isatty(fd) || locale_is_utf8(),
		.blocks = locale_is_utf8(),
	};
}

const char *term_bold(const struct term *term)
{
	return term->color ? "\x1b[1m" : "";
}

const char *term_dim(const struct term *term)
{
	return term->color ? "\x1b[2m" : "";
}

const char *term_alarm(const struct term *term)
{
	return term->color ? "\x1b[33m" : "";
}

const char *term_hue(const struct term *term, unsigned hue)
{
	static const char *const hues[TERM_HUES] = {"\x1b[36m", "\x1b[33m", "\x1b[35m",
						    "\x1b[32m", "\x1b[34m", "\x1b[31m"};
	return term->color && hue < TERM_HUES ? hues[hue] : "";
}

const char *term_plain(const struct term *term)
{
	return term->color ? "\x1b[0m" : "";
}

static bool is_printed(const struct term *term, const unsigned char *at)
{
	if (*at < 0x20 || *at == 0x7f)
		return false;
	/* U+0080 to U+009F are control characters too. */
	if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
		return false;
	return *at < 0x80 || term->utf8;
}

void term_text(const struct term *term, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (is_printed(term, at))
			putc(*at, term->out);
		else
			fprintf(term->out, "\\x%02x", *at);
	}
}

size_t term_text_width(const struct term *term, const char *text)
{
	size_t width = 0;
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (!is_printed(term, at))
			width += 4;
		else if ((*at & 0xc0) != 0x80)
			width++;
	}
	return width;
}
