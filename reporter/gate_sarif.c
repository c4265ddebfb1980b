#include "gate_sarif.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "gate_surface.h"
#include "json.h"

/* In a message braces are placeholders, and brackets are links. */
static char *message_new(const char *text)
{
	struct buf message;
	buf_init(&message);
	for (uint32_t character; (character = characters_next(&text));) {
		if (character == '{' || character == '}')
			characters_put(&message, character);
		else if (character == '[' || character == ']' || character == '\\')
			buf_u8(&message, '\\');
		characters_put(&message, characters_is_control(character)
						 ? CHARACTERS_REPLACEMENT
						 : character);
	}
	buf_u8(&message, '\0');
	return (char *)message.data;
}

static void write_message(struct json *json, const char *key, const char *text)
{
	char *message = message_new(text);
	json_open_object(json, key);
	json_text(json, "text", message);
	json_close(json);
	free(message);
}

/* RFC 3986: all but what is unreserved, and the slashes between names. */
static char *uri_new(const char *file)
{
	struct buf uri;
	buf_init(&uri);
	if (*file == '/')
		buf_printf(&uri, "file://");
	for (; *file; file++) {
		const unsigned char byte = (unsigned char)*file;
		const bool plain = byte < 0x80 && strchr("abcdefghijklmnopqrstuvwxyz"
							 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
							 "0123456789-._~/",
							 byte);
		if (plain)
			buf_u8(&uri, byte);
		else
			buf_printf(&uri, "%%%02X", byte);
	}
	buf_u8(&uri, '\0');
	return (char *)uri.data;
}

static void write_file(struct json *json, const char *file)
{
	char *uri = uri_new(file);
	json_open_object(json, "artifactLocation");
	json_text(json, "uri", uri);
	if (*file != '/')
		json_text(json, "uriBaseId", "%SRCROOT%");
	json_close(json);
	free(uri);
}

/* `source` NULL: none. */
static void write_physical(struct json *json, const struct gate_frame *frame,
			   const char *source)
{
	json_open_object(json, "physicalLocation");
	write_file(json, frame->file);
	if (frame->line > 0) {
		json_open_object(json, "region");
		json_i64(json, "startLine", frame->line);
		if (source) {
			json_open_object(json, "snippet");
			json_text(json, "text", source);
			json_close(json);
		}
		json_close(json);
	}
	json_close(json);
}

/*
 * GitHub refuses a whole file for one result without a location: what is the whole program's
 * stands at the baseline, or at where budgets usually are.
 */
static void write_location(struct json *json, const struct gate_result *result,
			   const struct gate_check *check)
{
	const struct gate_frame *place = gate_surface_place(check);
	json_open_array(json, "locations");
	json_open_object(json, NULL);
	if (place) {
		write_physical(json, place, check->site->source);
	} else {
		json_open_object(json, "physicalLocation");
		write_file(json,
			   result->baseline_path ? result->baseline_path : "pyproject.toml");
		json_close(json);
	}
	json_close(json);
	json_close(json);
}

/* In the order of calls. */
static void write_stack(struct json *json, const struct gate_site *site)
{
	json_open_array(json, "codeFlows");
	json_open_object(json, NULL);
	json_open_array(json, "threadFlows");
	json_open_object(json, NULL);
	json_open_array(json, "locations");
	for (size_t i = site->frame_count; i-- > 0;) {
		const struct gate_frame *frame = &site->frames[i];
		if (!frame->file)
			continue;
		json_open_object(json, NULL);
		json_open_object(json, "location");
		write_physical(json, frame, i == 0 ? site->source : NULL);
		write_message(json, "message", frame->function ? frame->function : "(unknown)");
		json_close(json);
		json_close(json);
	}
	for (int i = 0; i < 5; i++)
		json_close(json);
}

/* FNV-1a 64. It must never change: findings would all be new ones. */
static uint64_t fingerprint(const struct buf *text)
{
	uint64_t sum = 0xcbf29ce484222325u;
	for (size_t i = 0; i < text->len; i++)
		sum = (sum ^ text->data[i]) * 0x100000001b3u;
	return sum;
}

/* Of what stays when lines move: the rule, and the site's key or the title. */
static void write_fingerprint(struct json *json, const struct gate_check *check)
{
	struct buf text;
	buf_init(&text);
	buf_printf(&text, "%s ", gate_surface_rule(check).text);
	gate_surface_put_name(&text, check);
	char sum[32];
	snprintf(sum, sizeof sum, "%016" PRIx64 ":1", fingerprint(&text));
	buf_release(&text);
	json_open_object(json, "partialFingerprints");
	json_text(json, "primaryLocationLineHash", sum);
	json_close(json);
}

static void write_finding(struct json *json, const struct gate_result *result,
			  const struct gate_check *check)
{
	json_open_object(json, NULL);
	json_text(json, "ruleId", gate_surface_rule(check).text);
	json_text(json, "level", check->outcome == GATE_WARNED ? "warning" : "error");
	write_message(json, "message",
		      check->message ? check->message : gate_surface_outcome(check->outcome));
	write_location(json, result, check);
	if (gate_surface_place(check))
		write_stack(json, check->site);
	write_fingerprint(json, check);
	json_close(json);
}

static void write_rule(struct json *json, const char *id, const char *sentence)
{
	json_open_object(json, NULL);
	json_text(json, "id", id);
	json_open_object(json, "shortDescription");
	json_text(json, "text", sentence);
	json_close(json);
	json_close(json);
}

/* All there are, so that they are the same from run to run. */
static void write_rules(struct json *json)
{
	json_open_array(json, "rules");
	for (enum gate_metric metric = 0; metric < GATE_METRIC_COUNT; metric++) {
		char sentence[96];
		snprintf(sentence, sizeof sentence, "%s is above its budget.",
			 gate_metrics[metric].key);
		const struct gate_check check = {.kind = GATE_CHECK_BUDGET, .metric = metric};
		write_rule(json, gate_surface_rule(&check).text, sentence);
	}
	write_rule(json, "memtrace/new-site",
		   "A line holds memory that held none in the baseline.");
	write_rule(json, "memtrace/leak", "A line holds more memory with every iteration.");
	json_close(json);
}

static void write_notification(struct json *json, const char *level, const char *text)
{
	json_open_object(json, NULL);
	json_text(json, "level", level);
	write_message(json, "message", text);
	json_close(json);
}

static void write_invocation(struct json *json, const struct gate_result *result)
{
	const char *const trouble = gate_surface_trouble(result);
	json_open_array(json, "invocations");
	json_open_object(json, NULL);
	if (result->command)
		json_text(json, "commandLine", result->command);
	json_u64(json, "exitCode", (uint64_t)result->status);
	json_bool(json, "executionSuccessful", !trouble);
	json_open_array(json, "toolExecutionNotifications");
	if (trouble)
		write_notification(json, "error", trouble);
	for (size_t i = 0; i < result->warning_count; i++)
		write_notification(json, "note", result->warnings[i]);
	json_close(json);
	json_close(json);
	json_close(json);
}

static void write_tool(struct json *json)
{
	json_open_object(json, "tool");
	json_open_object(json, "driver");
	json_text(json, "name", "memtrace");
	json_text(json, "semanticVersion", MEMTRACE_VERSION);
	write_rules(json);
	json_close(json);
	json_close(json);
}

void gate_sarif_write(const struct gate_result *result, FILE *out)
{
	struct json json;
	json_init(&json, out, 4);
	json_open_object(&json, NULL);
	json_text(&json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_text(&json, "version", "2.1.0");
	json_open_array(&json, "runs");
	json_open_object(&json, NULL);
	write_tool(&json);
	write_invocation(&json, result);
	json_text(&json, "columnKind", "unicodeCodePoints");
	json_open_array(&json, "results");
	for (size_t i = 0; i < result->check_count; i++)
		if (gate_surface_is_finding(&result->checks[i]))
			write_finding(&json, result, &result->checks[i]);
	json_close(&json);
	json_close(&json);
	json_close(&json);
	json_close(&json);
}
