/*
 * export.h - a profile in formats that other tools read.
 *
 * A format is a file, export_NAME.c, and a row of export_formats. It writes weights of stacks
 * (weight.h); some take several at once, others one. Stacks come root first, as those tools
 * have them, and frames that aren't code by the name that reports give them.
 */
#ifndef MEMTRACE_EXPORT_H
#define MEMTRACE_EXPORT_H

#include <stdio.h>

#include "../collector/buf.h"
#include "weight.h"

struct export
{
	const struct lines *lines;
	const struct weight *weights; /* those that are known */
	size_t weight_count;          /* at least 1 */
	const char *name;             /* of the profile, for a title */
};

struct export_format {
	const char *name;
	bool many; /* takes more than one weight */
	void (*write)(const struct export *export, FILE *out);
};

extern const struct export_format export_formats[]; /* ends with a NULL name */

void export_folded(const struct export *export, FILE *out);
void export_speedscope(const struct export *export, FILE *out);

/* The frames of a stack, root first, as `uint32_t`s; "(no Python frame)" where it has none. */
void export_frames(const struct lines *lines, uint32_t trace, struct buf *ret_frames);

#endif
