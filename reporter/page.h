/*
 * page.h - text that is printed again and again in the place where it was.
 *
 * On a terminal a page replaces the one before it, in one write, and is cut where the screen
 * ends. Elsewhere pages follow each other, and are written out at their end.
 */
#ifndef MEMTRACE_PAGE_H
#define MEMTRACE_PAGE_H

#include "term.h"

struct page {
	FILE *out;   /* of the terminal */
	size_t rows; /* 0: no terminal */
	char *text;
	size_t len;
};

/* What is written to term->out until page_end is the page. */
void page_begin(struct page *page, struct term *term);
void page_end(struct page *page, struct term *term);

#endif
