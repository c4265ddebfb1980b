#include "map_held.h"

#include <string.h>

#include "../collector/linetable.h"
#include "units.h"

/* Where nothing else ends the list. */
enum { MOST_NAMES = 8, LONGEST_NAME = 1024 };

struct list {
	const struct map_held *held;
	const struct term *term;
	size_t left;
	bool begun;
};

static const char *times(const struct term *term)
{
	return term->blocks ? "×" : "x";
}

static const struct group *group_of(const struct list *list, const struct map_holder *holder)
{
	return &list->held->map->of.pinning->rows[holder->line].group;
}

static size_t holder_width(const struct list *list, const struct map_holder *holder,
			   const char *function)
{
	const struct map_line *line = &list->held->map->named[holder->line];
	size_t width = term_text_width(list->term, line->name) + 2 +
		       strlen(units_count(holder->blocks).text);
	if (function)
		width += strlen(" in ") + term_text_width(list->term, function);
	return width;
}

static void print_holder(const struct list *list, const struct map_holder *holder,
			 const char *function)
{
	const struct term *term = list->term;
	const struct map_line *line = &list->held->map->named[holder->line];
	fputs(term_hue(term, line->hue), term->out);
	term_text(term, line->name);
	fputs(term_plain(term), term->out);
	if (function) {
		fputs(" in ", term->out);
		term_text(term, function);
	}
	fprintf(term->out, " %s%s", times(term), units_count(holder->blocks).text);
}

static bool inside_character(char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The end of a name that doesn't fit, or its beginning. */
static void print_end(const struct term *term, const char *name, size_t room)
{
	const size_t len = strlen(name);
	if (len > LONGEST_NAME)
		name += len - LONGEST_NAME;
	while (*name && (inside_character(*name) || term_text_width(term, name) + 2 > room))
		name++;
	fputs(term->blocks ? "…" : "..", term->out);
	term_text(term, name);
}

static void print_beginning(const struct term *term, const char *name, size_t room)
{
	char part[LONGEST_NAME + 1];
	size_t len = strlen(name) < LONGEST_NAME ? strlen(name) : LONGEST_NAME;
	memcpy(part, name, len);
	part[len] = '\0';
	while (len && term_text_width(term, part) + 2 > room) {
		/* Up to and with the byte that begins the last character. */
		while (len > 1 && inside_character(part[len - 1]))
			len--;
		part[--len] = '\0';
	}
	term_text(term, part);
	fputs(term->blocks ? "…" : "..", term->out);
}

/* The first one alone, without its count. Where a line ends its name, that is what matters. */
static void print_short(const struct list *list)
{
	const struct map_held *held = list->held;
	const struct term *term = list->term;
	const struct map_line *line = &held->map->named[held->holders[0].line];
	const struct group *group = group_of(list, &held->holders[0]);
	const bool ends_with_line = group->line != LINE_NONE || !group->function;
	char rest[32] = "";
	if (held->other_blocks)
		snprintf(rest, sizeof rest, " + others");
	else if (held->count > 1)
		snprintf(rest, sizeof rest, " +%zu", held->count - 1);
	const size_t room = list->left > strlen(rest) ? list->left - strlen(rest) : 0;
	fputs(term_hue(term, line->hue), term->out);
	if (term_text_width(term, line->name) <= room)
		term_text(term, line->name);
	else
		(ends_with_line ? print_end : print_beginning)(term, line->name, room);
	fprintf(term->out, "%s%s", term_plain(term), rest);
}

static bool print_next(struct list *list, const struct map_holder *holder, size_t reserved,
		       bool functions)
{
	const struct group *group = group_of(list, holder);
	const char *function = functions && group->line != LINE_NONE ? group->function : NULL;
	const size_t gap = list->begun ? 2 : 0;
	size_t width = holder_width(list, holder, function) + gap;
	if (list->left != SIZE_MAX && width + reserved > list->left && function)
		width = holder_width(list, holder, function = NULL) + gap;
	if (list->left != SIZE_MAX && width + reserved > list->left) {
		return false;
	}
	fputs(list->begun ? ", " : "", list->term->out);
	print_holder(list, holder, function);
	list->left -= list->left == SIZE_MAX ? 0 : width;
	list->begun = true;
	return true;
}

static size_t more_text(size_t count, uint64_t other_blocks, char *text, size_t size)
{
	text[0] = '\0';
	/* How many lines others are nobody knows. */
	if (other_blocks)
		snprintf(text, size, "others");
	else if (count)
		snprintf(text, size, "%s more", units_count(count).text);
	return strlen(text);
}

void map_held_print(const struct map_held *held, const struct term *term, size_t width,
		    bool functions)
{
	struct list list = {.held = held, .term = term, .left = width};
	char more[64];
	size_t shown = 0;
	const size_t before = strlen(held->before);
	if (before) {
		fputs(held->before, term->out);
		list.begun = true;
		list.left -= width == SIZE_MAX ? 0 : before < width ? before : width;
	}
	while (shown < held->count && shown < MOST_NAMES) {
		const size_t rest = more_text(held->count - shown - 1, held->other_blocks, more,
					      sizeof more);
		if (!print_next(&list, &held->holders[shown], rest ? rest + 2 : 0, functions))
			break;
		shown++;
	}
	if (held->count && !list.begun) {
		print_short(&list);
		return;
	}
	const size_t rest = more_text(held->count - shown, held->other_blocks, more,
				      sizeof more);
	if (!shown && held->count && !held->other_blocks)
		snprintf(more, sizeof more, "%s lines", units_count(held->count).text);
	if (rest && list.begun && (width == SIZE_MAX || rest + 2 <= list.left))
		fprintf(term->out, ", %s", more);
	else if (rest && !held->count)
		fputs("not known", term->out);
}
