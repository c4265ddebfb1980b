#include "gate_annotations.h"

#include <string.h>

#include "characters.h"
#include "gate_surface.h"

/* A command ends with its line; a property ends with ',' or ':'. */
static void put_escaped(struct buf *line, const char *text, const char *special)
{
	for (uint32_t character; (character = characters_next(&text));) {
		if (character < 0x80 && strchr(special, (int)character))
			buf_printf(line, "%%%02X", character);
		else
			characters_put(line, characters_is_control(character)
						     ? CHARACTERS_REPLACEMENT
						     : character);
	}
}

static void put_property(struct buf *line, const char *text)
{
	put_escaped(line, text, "%\r\n:,");
}

static void put_message(struct buf *line, const char *text)
{
	put_escaped(line, text, "%\r\n");
}

/* Beside a line of the repository alone: what lies elsewhere can't be shown there. */
static const struct gate_frame *place_of(const struct gate_check *check)
{
	const struct gate_frame *place = gate_surface_place(check);
	return place && place->file[0] != '/' && strncmp(place->file, "../", 3) ? place : NULL;
}

static void put_command(struct buf *line, const char *kind, const struct gate_frame *place,
			const char *title)
{
	buf_printf(line, "::%s ", kind);
	if (place) {
		buf_printf(line, "file=");
		put_property(line, place->file);
		buf_u8(line, ',');
	}
	if (place && place->line > 0)
		buf_printf(line, "line=%d,", (int)place->line);
	buf_printf(line, "title=");
	put_property(line, "memtrace gate: ");
	put_property(line, title);
	buf_printf(line, "::");
}

static void put_check(struct buf *line, const char *kind, const struct gate_check *check)
{
	struct buf text;
	buf_init(&text);
	buf_printf(&text, "%s\n", check->message ? check->message : "");
	if (check->site)
		gate_surface_put_stack(&text, check->site);
	while (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	buf_u8(&text, '\0');
	put_command(line, kind, place_of(check), check->title ? check->title : "");
	put_message(line, buf_chars(&text));
	buf_u8(line, '\n');
	buf_release(&text);
}

/* What nobody could judge fails a build as much as what was judged to fail. */
static bool is_of_kind(const struct gate_check *check, bool error)
{
	return gate_surface_is_finding(check) && error == (check->outcome != GATE_WARNED);
}

/* The worst come first; `taken` places of their kind are taken by something else. */
static void put_checks(struct buf *lines, const struct gate_result *result, bool error,
		       size_t taken)
{
	const char *const kind = error ? "error" : "warning";
	size_t count = 0, shown = 0;
	for (size_t i = 0; i < result->check_count; i++)
		count += is_of_kind(&result->checks[i], error);
	size_t room = GATE_ANNOTATIONS_SHOWN - taken;
	if (count > room)
		room--;
	for (size_t i = 0; i < result->check_count && shown < room; i++) {
		if (is_of_kind(&result->checks[i], error)) {
			put_check(lines, kind, &result->checks[i]);
			shown++;
		}
	}
	if (shown < count) {
		put_command(lines, kind, NULL, "more");
		buf_printf(lines, "%zu more, less bad than those shown\n", count - shown);
	}
}

static void put_sentence(struct buf *lines, const char *kind, const char *title,
			 const char *sentence)
{
	put_command(lines, kind, NULL, title);
	put_message(lines, sentence);
	buf_u8(lines, '\n');
}

static void put_notices(struct buf *lines, const struct gate_result *result)
{
	size_t shown = result->warning_count;
	if (shown > GATE_ANNOTATIONS_SHOWN)
		shown = GATE_ANNOTATIONS_SHOWN - 1;
	for (size_t i = 0; i < shown; i++)
		put_sentence(lines, "notice", "note", result->warnings[i]);
	if (shown < result->warning_count) {
		put_command(lines, "notice", NULL, "more");
		buf_printf(lines, "%zu more\n", result->warning_count - shown);
	}
}

void gate_annotations_write(const struct gate_result *result, FILE *out)
{
	struct buf lines;
	buf_init(&lines);
	const char *const trouble = gate_surface_trouble(result);
	if (trouble)
		put_sentence(&lines, "error", gate_surface_status(result->status), trouble);
	put_checks(&lines, result, true, trouble ? 1 : 0);
	put_checks(&lines, result, false, 0);
	put_notices(&lines, result);
	if (lines.len)
		fwrite(lines.data, 1, lines.len, out);
	buf_release(&lines);
}
