/*
 * launch.h - a run begins: its files, its ring, its collector.
 *
 * Memory: paths are put together in static buffers, here and in output.c and tree.c. One thread
 * begins a run, and its stack may be as small as the program's smallest.
 */
#ifndef MEMTRACE_LAUNCH_H
#define MEMTRACE_LAUNCH_H

#include <stdbool.h>

#include "options.h"

/*
 * In the constructor. False: this process isn't traced; if anything went wrong it has been
 * said.
 */
bool launch_run(const struct options *options, const char *program);
/*
 * In a forked child: a ring of its own, which the collector's own child waits for. False: no
 * ring.
 */
bool launch_child(const struct options *options);
/* The profile's path. */
const char *launch_path(void);

#endif
