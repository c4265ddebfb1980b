/*
 * gate_outputs.h - where a gate's result goes: the terminal, and each surface that was asked for.
 */
#ifndef MEMTRACE_GATE_OUTPUTS_H
#define MEMTRACE_GATE_OUTPUTS_H

#include "gate.h"
#include "term.h"

/* Each a file of its own. */
enum gate_output {
	GATE_OUTPUT_JSON = 0,
	GATE_OUTPUT_JUNIT,
	GATE_OUTPUT_SARIF,
	GATE_OUTPUT_OPENMETRICS,
	GATE_OUTPUT_MARKDOWN, /* "auto": adds it to the summary of a GitHub job, if this is one */
	GATE_OUTPUT_COUNT
};

enum gate_annotations {
	GATE_ANNOTATIONS_AUTO = 0,
	GATE_ANNOTATIONS_GITHUB,
	GATE_ANNOTATIONS_NONE
};

struct gate_outputs {
	const char *files[GATE_OUTPUT_COUNT]; /* NULL: not asked for */
	enum gate_annotations annotations;
	enum term_color color;
};

/* Sorts the result's checks. A file that can't be written is no verdict for who reads it. */
void gate_outputs_write(const struct gate_outputs *outputs, struct gate_result *result);

#endif
