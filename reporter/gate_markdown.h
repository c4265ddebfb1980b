/*
 * gate_markdown.h - a gate's result as Markdown, for a merge request or a job's summary.
 *
 * Both have a limit in bytes. What doesn't fit is left out in whole rows and findings, the least
 * bad ones, and the last line says how many.
 */
#ifndef MEMTRACE_GATE_MARKDOWN_H
#define MEMTRACE_GATE_MARKDOWN_H

#include <stdio.h>

#include "gate.h"

enum {
	GATE_MARKDOWN_COMMENT_BYTES = 65000,      /* of a comment on GitHub: 65536 characters */
	GATE_MARKDOWN_SUMMARY_BYTES = 1024 << 10, /* of a step's summary on GitHub */
};

/* At most limit_bytes, whatever the result. */
void gate_markdown_write(const struct gate_result *result, size_t limit_bytes, FILE *out);

#endif
