/*
 * spawn.h - starts the collector, so that the program never meets it.
 *
 * It is no child of the program's: an intermediate process with exit signal 0 makes it and
 * goes; the program neither gets SIGCHLD nor can wait for it. It has an empty environment and
 * none of the program's descriptors; it makes itself a session of its own.
 */
#ifndef MEMTRACE_SPAWN_H
#define MEMTRACE_SPAWN_H

#include <stdbool.h>

#include "options.h"

/* `log`: absolute, or NULL. False: it could not be started; that has been said. */
bool spawn_collector(const struct options *options, const char *out, const char *log);

#endif
