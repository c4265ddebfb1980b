/*
 * caption.h - what a row is called in text: "app.py:12", "load (app.py)", ...
 */
#ifndef MEMTRACE_CAPTION_H
#define MEMTRACE_CAPTION_H

#include "../collector/buf.h"
#include "grouping.h"

/* A folder with a slash at its end; "" leaves paths as they are. */
struct caption_folder {
	char path[4096];
};

struct caption_folder caption_working_directory(void);
/* Files under the folder read better without it, and open just as well from there. */
const char *caption_path(const struct caption_folder *folder, const char *path);
/* Appends, without a NUL. */
void caption_append(const struct group *group, enum grouping_by by,
		    const struct caption_folder *folder, struct buf *text);
/* "lines", "functions", ... */
const char *caption_plural(enum grouping_by by);

#endif
