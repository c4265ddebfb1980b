#include "gate_outputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate_annotations.h"
#include "gate_json.h"
#include "gate_junit.h"
#include "gate_markdown.h"
#include "gate_openmetrics.h"
#include "gate_sarif.h"
#include "gate_text.h"

typedef void surface_write(const struct gate_result *result, FILE *out);

static void comment_write(const struct gate_result *result, FILE *out)
{
	gate_markdown_write(result, GATE_MARKDOWN_COMMENT_BYTES, out);
}

static surface_write *const surfaces[GATE_OUTPUT_COUNT] = {
	[GATE_OUTPUT_JSON] = gate_json_write,
	[GATE_OUTPUT_JUNIT] = gate_junit_write,
	[GATE_OUTPUT_SARIF] = gate_sarif_write,
	[GATE_OUTPUT_OPENMETRICS] = gate_openmetrics_write,
	[GATE_OUTPUT_MARKDOWN] = comment_write,
};

static void close_file(FILE *out, const char *path, struct gate_result *result)
{
	const bool failed = !out || ferror(out);
	if ((out && fclose(out)) || failed)
		gate_result_no_verdict(result, "can't write %s: %s", path, strerror(errno));
}

/* What other steps of the job have written stays, and counts. */
static void add_to_summary(struct gate_result *result)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	if (!path || !*path)
		return;
	FILE *out = fopen(path, "ae");
	const long there = out && !fseek(out, 0, SEEK_END) ? ftell(out) : 0;
	const size_t used = there > 0 ? (size_t)there : 0;
	if (out && used < GATE_MARKDOWN_SUMMARY_BYTES)
		gate_markdown_write(result, GATE_MARKDOWN_SUMMARY_BYTES - used, out);
	close_file(out, path, result);
}

static void write_files(const struct gate_outputs *outputs, struct gate_result *result)
{
	for (size_t i = 0; i < GATE_OUTPUT_COUNT; i++) {
		const char *path = outputs->files[i];
		if (path && i == GATE_OUTPUT_MARKDOWN && !strcmp(path, "auto")) {
			add_to_summary(result);
		} else if (path) {
			FILE *out = fopen(path, "we");
			if (out)
				surfaces[i](result, out);
			close_file(out, path, result);
		}
	}
}

static bool wants_annotations(enum gate_annotations annotations)
{
	const char *actions = getenv("GITHUB_ACTIONS");
	return annotations == GATE_ANNOTATIONS_GITHUB ||
	       (annotations == GATE_ANNOTATIONS_AUTO && actions && !strcmp(actions, "true"));
}

void gate_outputs_write(const struct gate_outputs *outputs, struct gate_result *result)
{
	struct term term;
	gate_result_sort(result);
	write_files(outputs, result);
	term_init(&term, stdout, outputs->color);
	gate_text_write(result, &term);
	if (wants_annotations(outputs->annotations))
		gate_annotations_write(result, stdout);
}
