/*
 * adopted.h - collectors among the program's own children.
 *
 * Whoever is PID 1 or a subreaper gets orphans for children, and collectors are orphans: its
 * own, those of Pythons that it has started, and those of their forks. Each is called
 * memtrace-collector and lives in another session than the program; that is all that is left to
 * see of one that has ended, and it is seen by a program that isn't traced itself, too.
 */
#ifndef MEMTRACE_ADOPTED_H
#define MEMTRACE_ADOPTED_H

#include <stdbool.h>
#include <sys/types.h>

/* What /proc calls a collector: its name as the kernel cuts it. */
#define ADOPTED_NAME "memtrace-collec"

/* Orphans come here. System calls; where it is false there are no collectors to look for. */
bool adopted_may_be(void);
/* A child of this process; it may be a zombie. */
bool adopted_is_ours(pid_t pid);
/*
 * There is a child that is no collector, or it can't be known. Children have threads for
 * parents; any thread may wait for them.
 */
bool adopted_has_others(void);
/*
 * Collectors that have ended go, as far as none of the program's own children stands before
 * them: who waits for one child at a time would never do it.
 */
void adopted_reap(void);

#endif
