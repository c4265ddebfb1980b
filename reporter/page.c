#include "page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t find_rows(int fd)
{
	struct winsize size;
	if (!isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 ? size.ws_row : 24;
}

void page_begin(struct page *page, struct term *term)
{
	*page = (struct page){.out = term->out, .rows = find_rows(fileno(term->out))};
	FILE *memory = page->rows ? open_memstream(&page->text, &page->len) : NULL;
	if (memory)
		term->out = memory;
	else
		page->rows = 0;
}

/* The last row stays free: a newline there would move the first one out. */
static size_t fitting(const char *text, size_t len, size_t rows)
{
	const char *end = text;
	for (size_t row = 0; row + 1 < rows && end < text + len; row++) {
		const char *newline = memchr(end, '\n', (size_t)(text + len - end));
		end = newline ? newline + 1 : text + len;
	}
	return (size_t)(end - text);
}

void page_end(struct page *page, struct term *term)
{
	if (page->rows) {
		fclose(term->out);
		term->out = page->out;
		/* Home, and nothing of the page before. */
		fputs("\x1b[H\x1b[2J", page->out);
		fwrite(page->text, 1, fitting(page->text, page->len, page->rows), page->out);
		free(page->text);
	}
	fflush(page->out);
}
