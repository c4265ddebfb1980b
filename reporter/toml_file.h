/*
 * toml_file.h - a TOML file as a tree of JSON values: tables are objects, dates and times are
 * texts as they would be written. Debian's only kept TOML library is one for C++, which stays
 * behind this.
 */
#ifndef MEMTRACE_TOML_FILE_H
#define MEMTRACE_TOML_FILE_H

#include <jansson.h>

#include "../collector/err.h"

/* The caller owns it. NULL: it can't be read, or isn't TOML; the sentence has the line. */
json_t *toml_file_read(const char *path, struct err *err);

#endif
