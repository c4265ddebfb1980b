/*
 * table.h - rows of cells in columns that line up.
 *
 * Memory: cells are copied. Cells are text out of files: they are printed through term_text.
 */
#ifndef MEMTRACE_TABLE_H
#define MEMTRACE_TABLE_H

#include "term.h"

enum { TABLE_MAX_COLUMNS = 12 };

struct table {
	const char *columns; /* one character each: 'l' or 'r', the side a cell keeps to */
	size_t column_count;
	char **cells;
	size_t cell_count, cell_capacity;
	/*
	 * The last column gives way where a row is wider than the terminal: "...the/end.py:1".
	 */
	bool cuts_last;
};

void table_init(struct table *table, const char *columns);
void table_release(struct table *table);
/* Cells come row by row; NULL is an empty one. */
void table_cell(struct table *table, const char *text);
/* The first row is the heading. */
void table_print(const struct table *table, const struct term *term);

#endif
