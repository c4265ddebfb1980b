#include "gate_junit.h"

#include <string.h>

#include "characters.h"
#include "gate_surface.h"

/* XML 1.0 forbids most control characters even as references. */
static bool is_allowed(uint32_t character)
{
	if (character < 0x20)
		return character == '\t' || character == '\n' || character == '\r';
	return character != 0xfffe && character != 0xffff;
}

/* In an attribute a line's end would be read as a space, and a quote would end it. */
static void put_escaped(struct buf *xml, const char *text, bool attribute)
{
	for (uint32_t character; (character = characters_next(&text));) {
		const bool special = strchr("<>&\"'\r", (int)character) && character < 0x80;
		if (!is_allowed(character))
			characters_put(xml, CHARACTERS_REPLACEMENT);
		else if (special || (attribute && character < 0x20))
			buf_printf(xml, "&#%u;", character);
		else
			characters_put(xml, character);
	}
}

static void put_attribute(struct buf *xml, const char *name, const char *value)
{
	buf_printf(xml, " %s=\"", name);
	put_escaped(xml, value, true);
	buf_u8(xml, '"');
}

static void put_number(struct buf *xml, const char *name, size_t value)
{
	buf_printf(xml, " %s=\"%zu\"", name, value);
}

/* The counts that <testsuites> and <testsuite> both have. */
static void put_counts(struct buf *xml, const struct gate_result *result)
{
	const size_t no_verdict = gate_surface_trouble(result) != NULL;
	put_number(xml, "tests", result->check_count + no_verdict);
	put_number(xml, "failures", gate_result_count(result, GATE_FAILED));
	put_number(xml, "errors", gate_result_count(result, GATE_UNKNOWN) + no_verdict);
	put_number(xml, "skipped", 0);
}

static void put_property(struct buf *xml, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(xml, "<property");
	put_attribute(xml, "name", name);
	put_attribute(xml, "value", value);
	buf_printf(xml, "/>\n");
}

static void put_properties(struct buf *xml, const struct gate_result *result)
{
	const struct gate_environment *environment = &result->environment;
	buf_printf(xml, "<properties>\n");
	put_property(xml, "status", gate_surface_status(result->status));
	put_property(xml, "command", result->command);
	put_property(xml, "baseline", result->baseline_path);
	put_property(xml, "python", environment->python);
	put_property(xml, "allocator", environment->allocator);
	put_property(xml, "mode", environment->mode);
	buf_printf(xml, "</properties>\n");
}

static const char *message_of(const struct gate_check *check)
{
	return check->message ? check->message : check->title ? check->title : "";
}

/* What a log shows of it: the sentence, the stack, and how to see it again. */
static void put_text(struct buf *xml, const struct gate_result *result,
		     const struct gate_check *check)
{
	struct buf text;
	buf_init(&text);
	buf_printf(&text, "%s\n", message_of(check));
	if (check->site)
		gate_surface_put_stack(&text, check->site);
	if (result->command)
		buf_printf(&text, "to run it again: %s\n", result->command);
	buf_u8(&text, '\0');
	put_escaped(xml, buf_chars(&text), false);
	buf_release(&text);
}

static void put_outcome(struct buf *xml, const struct gate_result *result,
			const struct gate_check *check)
{
	static const char *const tags[] = {
		[GATE_WARNED] = "system-out",
		[GATE_FAILED] = "failure",
		[GATE_UNKNOWN] = "error",
	};
	const char *const tag = tags[check->outcome];
	buf_printf(xml, "<%s", tag);
	if (check->outcome != GATE_WARNED) {
		put_attribute(xml, "type", gate_surface_rule(check).text);
		put_attribute(xml, "message", message_of(check));
	}
	buf_u8(xml, '>');
	put_text(xml, result, check);
	buf_printf(xml, "</%s>", tag);
}

static void put_case(struct buf *xml, const struct gate_result *result,
		     const struct gate_check *check)
{
	struct buf name;
	buf_init(&name);
	gate_surface_put_name(&name, check);
	buf_u8(&name, '\0');
	buf_printf(xml, "<testcase classname=\"memtrace.gate\"");
	put_attribute(xml, "name", buf_chars(&name));
	buf_release(&name);
	const struct gate_frame *place = gate_surface_place(check);
	if (place)
		put_attribute(xml, "file", place->file);
	if (place && place->line > 0)
		put_number(xml, "line", (size_t)place->line);
	buf_printf(xml, " time=\"0\">");
	if (gate_surface_is_finding(check))
		put_outcome(xml, result, check);
	buf_printf(xml, "</testcase>\n");
}

/* Most readers count cases: one of its own, so that there is one that isn't a success. */
static void put_trouble(struct buf *xml, const struct gate_result *result)
{
	const char *const trouble = gate_surface_trouble(result);
	if (!trouble)
		return;
	buf_printf(xml,
		   "<testcase classname=\"memtrace.gate\" name=\"verdict\" time=\"0\">"
		   "<error type=\"memtrace/%s\"",
		   gate_surface_status(result->status));
	put_attribute(xml, "message", trouble);
	buf_u8(xml, '>');
	put_escaped(xml, trouble, false);
	buf_printf(xml, "</error></testcase>\n");
}

static void put_warnings(struct buf *xml, const struct gate_result *result)
{
	if (result->warning_count == 0)
		return;
	buf_printf(xml, "<system-out>");
	for (size_t i = 0; i < result->warning_count; i++) {
		put_escaped(xml, result->warnings[i], false);
		buf_u8(xml, '\n');
	}
	buf_printf(xml, "</system-out>\n");
}

void gate_junit_write(const struct gate_result *result, FILE *out)
{
	struct buf xml;
	buf_init(&xml);
	buf_printf(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<testsuites name=\"memtrace gate\"");
	put_counts(&xml, result);
	buf_printf(&xml, ">\n<testsuite name=\"memtrace gate\"");
	put_counts(&xml, result);
	buf_printf(&xml, " time=\"0\">\n");
	put_properties(&xml, result);
	put_trouble(&xml, result);
	for (size_t i = 0; i < result->check_count; i++)
		put_case(&xml, result, &result->checks[i]);
	put_warnings(&xml, result);
	buf_printf(&xml, "</testsuite>\n</testsuites>\n");
	fwrite(xml.data, 1, xml.len, out);
	buf_release(&xml);
}
