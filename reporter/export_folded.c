/*
 * Folded stacks, a line for each: "root;...;leaf BYTES", a frame as "function file:line". A
 * reader splits a line at its last space and the front at semicolons, so names may have spaces
 * but neither semicolons nor line ends.
 */
#include "export.h"

#include <inttypes.h>

#include "../collector/linetable.h"

static void write_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		const unsigned char byte = (unsigned char)*text;
		putc(byte == ';' ? ':' : byte < ' ' || byte == 0x7f ? '?' : byte, out);
	}
}

static void write_frame(const struct lines *lines, const struct frame *frame, FILE *out)
{
	if (frame->kind != FRAME_CODE) {
		write_text(lines_name(lines, frame).text, out);
		return;
	}
	write_text(frame->function, out);
	putc(' ', out);
	write_text(lines_file(lines, frame), out);
	if (frame->line != LINE_NONE)
		fprintf(out, ":%d", frame->line);
}

void export_folded(const struct export *export, FILE *out)
{
	const struct weight *weight = &export->weights[0];
	struct buf frames;
	buf_init(&frames);
	for (size_t i = 0; i < weight->count; i++) {
		export_frames(export->lines, weight->stacks[i].trace, &frames);
		const uint32_t *ids = (const uint32_t *)(const void *)frames.data;
		for (size_t k = 0; k < frames.len / sizeof ids[0]; k++) {
			if (k)
				putc(';', out);
			write_frame(export->lines, &export->lines->frames[ids[k]], out);
		}
		fprintf(out, " %" PRIu64 "\n", weight->stacks[i].bytes);
	}
	buf_release(&frames);
}
