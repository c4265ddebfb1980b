/*
 * gate_surface.h - what the surfaces of a gate's result share: its words, its rules, its figures
 * and its findings as plain text.
 *
 * A surface is a file, gate_NAME.c, and one function that writes a result as other programs read
 * it. None decides anything: what is worst comes first already. Whether all could be written
 * the stream knows.
 */
#ifndef MEMTRACE_GATE_SURFACE_H
#define MEMTRACE_GATE_SURFACE_H

#include "../collector/buf.h"
#include "gate.h"

const char *gate_surface_outcome(enum gate_outcome outcome); /* "failed" */
const char *gate_surface_status(enum gate_status status);    /* "regression", "no-verdict" */
const char *gate_surface_kind(enum gate_check_kind kind);    /* "new-site" */
/* Failed, warned or without an outcome: what a reader is to look at. */
bool gate_surface_is_finding(const struct gate_check *check);
/* Where there is no verdict, or the command failed: in one sentence why. Else NULL. */
const char *gate_surface_trouble(const struct gate_result *result);

struct gate_surface_text {
	char text[64];
};
/* What a check broke: "memtrace/budget/live_end", "memtrace/new-site", "memtrace/leak". */
struct gate_surface_text gate_surface_rule(const struct gate_check *check);
/* As people read them: "1.5 MiB", "1,234 blocks"; "" for NAN. */
struct gate_surface_text gate_surface_bytes(double bytes);
struct gate_surface_text gate_surface_figure(enum gate_metric metric, double value);

/* The frame that a check points at. NULL: none with a file. */
const struct gate_frame *gate_surface_place(const struct gate_check *check);

/* A name of its own among all checks that stays from run to run: the title of a budget, the key
 * of a site. */
void gate_surface_put_name(struct buf *buf, const struct gate_check *check);
/* "FILE:LINE in FUNCTION", in one line. */
void gate_surface_put_frame(struct buf *buf, const struct gate_frame *frame);
/* Lines: the stack, innermost first, with the source line under the first, then the figures. */
void gate_surface_put_stack(struct buf *buf, const struct gate_site *site);

#endif
