/*
 * The file format of https://www.speedscope.app/file-format-schema.json: all frames once, and
 * each weight as a profile of samples, which are stacks with their bytes. "Left heavy" is the
 * view for them; "time order" has them in the order in which they first came.
 */
#include "export.h"

#include "../collector/linetable.h"
#include "json.h"

static void write_frame(const struct lines *lines, const struct frame *frame, struct json *json)
{
	json_open_object(json, NULL);
	const bool code = frame->kind == FRAME_CODE;
	json_text(json, "name", code ? frame->function : lines_name(lines, frame).text);
	if (code) {
		json_text(json, "file", lines_file(lines, frame));
		if (frame->line != LINE_NONE)
			json_i64(json, "line", frame->line);
	}
	json_close(json);
}

static void write_samples(const struct export *export, const struct weight *weight,
			  struct json *json)
{
	struct buf frames;
	buf_init(&frames);
	json_open_array(json, "samples");
	for (size_t i = 0; i < weight->count; i++) {
		export_frames(export->lines, weight->stacks[i].trace, &frames);
		const uint32_t *ids = (const uint32_t *)(const void *)frames.data;
		json_open_array(json, NULL);
		for (size_t k = 0; k < frames.len / sizeof ids[0]; k++)
			json_u64(json, NULL, ids[k]);
		json_close(json);
	}
	json_close(json);
	buf_release(&frames);
}

static void write_profile(const struct export *export, const struct weight *weight,
			  struct json *json)
{
	json_open_object(json, NULL);
	json_text(json, "type", "sampled");
	json_text(json, "name", weight->caption);
	json_text(json, "unit", "bytes");
	json_u64(json, "startValue", 0);
	json_u64(json, "endValue", weight->total_bytes);
	write_samples(export, weight, json);
	json_open_array(json, "weights");
	for (size_t i = 0; i < weight->count; i++)
		json_u64(json, NULL, weight->stacks[i].bytes);
	json_close(json);
	json_close(json);
}

void export_speedscope(const struct export *export, FILE *out)
{
	struct json json;
	json_init(&json, out, 2);
	json_open_object(&json, NULL);
	json_text(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
	json_text(&json, "name", export->name);
	json_text(&json, "exporter", "memtrace " MEMTRACE_VERSION);
	json_u64(&json, "activeProfileIndex", 0);
	json_open_object(&json, "shared");
	json_open_array(&json, "frames");
	for (size_t i = 0; i < export->lines->frame_count; i++)
		write_frame(export->lines, &export->lines->frames[i], &json);
	json_close(&json);
	json_close(&json);
	json_open_array(&json, "profiles");
	for (size_t i = 0; i < export->weight_count; i++)
		write_profile(export, &export->weights[i], &json);
	json_close(&json);
	json_close(&json);
}
