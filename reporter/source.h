/*
 * source.h - the text of a source line, where the file is on this machine.
 *
 * Files are read once and kept. A file that was changed after the run began may have another
 * line there now: the caller is told.
 */
#ifndef MEMTRACE_SOURCE_H
#define MEMTRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "term.h"

struct source_file {
	char *path;
	char *text; /* NUL-terminated; NULL: can't be read */
	size_t len;
	int64_t changed_ns; /* mtime */
};

struct source {
	struct source_file *files;
	size_t count, capacity;
	int64_t run_start_ns;
};

void source_init(struct source *source, uint64_t run_start_real_ns);
void source_release(struct source *source);
/*
 * The line without the space around it, `*ret_len` bytes, not terminated; NULL: no such line
 * here. It is good until source_release.
 */
const char *source_line(struct source *source, const char *path, int32_t line, size_t *ret_len,
			bool *ret_changed);
/* The line below what it is about, on a line of its own; nothing where it can't be had. */
void source_print(struct source *source, const struct term *term, const char *path,
		  int32_t line);

#endif
