/*
 * needed.h - the libraries that an executable asks the loader for (DT_NEEDED).
 */
#ifndef MEMTRACE_NEEDED_H
#define MEMTRACE_NEEDED_H

#include <stdbool.h>

/* Whether one of them has a name that begins so; false also of what is no ELF file. */
bool needed_begins(int fd, const char *begin);

#endif
