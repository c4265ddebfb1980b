#include "table.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

void table_init(struct table *table, const char *columns)
{
	*table = (struct table){.columns = columns, .column_count = strlen(columns)};
	assert(table->column_count > 0 && table->column_count <= TABLE_MAX_COLUMNS);
}

void table_release(struct table *table)
{
	for (size_t i = 0; i < table->cell_count; i++)
		free(table->cells[i]);
	free(table->cells);
}

void table_cell(struct table *table, const char *text)
{
	table->cells = mem_grow(table->cells, &table->cell_capacity, table->cell_count + 1,
				sizeof table->cells[0]);
	table->cells[table->cell_count++] = mem_text(text ? text : "");
}

static void measure(const struct table *table, const struct term *term, size_t *widths)
{
	for (size_t i = 0; i < table->cell_count; i++) {
		const size_t column = i % table->column_count;
		const size_t width = term_text_width(term, table->cells[i]);
		if (width > widths[column])
			widths[column] = width;
	}
}

/* What the other columns leave to the last one. */
static size_t room_of_last(const struct table *table, const struct term *term,
			   const size_t *widths)
{
	enum { LEAST = 12 };
	size_t taken = 0;
	for (size_t i = 0; i + 1 < table->column_count; i++)
		taken += widths[i] + 2;
	return term->width > taken + LEAST ? term->width - taken : LEAST;
}

/* The end of a path tells more than its beginning. */
static void print_end(const struct term *term, const char *text, size_t room)
{
	static const char dots[] = "...";
	const size_t keep = room - strlen(dots);
	while (term_text_width(term, text) > keep) {
		text++;
		/* Not from inside a character. */
		while ((*text & 0xc0) == 0x80)
			text++;
	}
	fputs(dots, term->out);
	term_text(term, text);
}

static void print_cell(const struct table *table, const struct term *term, size_t index,
		       size_t width)
{
	const size_t column = index % table->column_count;
	const size_t pad = width - term_text_width(term, table->cells[index]);
	const bool last = column + 1 == table->column_count;
	if (table->columns[column] == 'r')
		fprintf(term->out, "%*s", (int)pad, "");
	term_text(term, table->cells[index]);
	/* No spaces at the end of a line. */
	if (table->columns[column] == 'l' && !last)
		fprintf(term->out, "%*s", (int)pad, "");
	fputs(last ? "\n" : "  ", term->out);
}

void table_print(const struct table *table, const struct term *term)
{
	size_t widths[TABLE_MAX_COLUMNS] = {0};
	assert(table->cell_count % table->column_count == 0);
	measure(table, term, widths);
	const size_t room = term->width ? room_of_last(table, term, widths) : SIZE_MAX;
	for (size_t i = 0; i < table->cell_count; i++) {
		if (i == 0)
			fputs(term_bold(term), term->out);
		const bool last = i % table->column_count + 1 == table->column_count;
		if (last && table->cuts_last && i >= table->column_count &&
		    term_text_width(term, table->cells[i]) > room) {
			print_end(term, table->cells[i], room);
			putc('\n', term->out);
			continue;
		}
		print_cell(table, term, i, widths[i % table->column_count]);
		if (i + 1 == table->column_count)
			fputs(term_plain(term), term->out);
	}
}
