/*
 * live.h - the profile of a run that goes on, for whoever asks for it.
 *
 * A reader raises profile_request in the ring's header. The collector forks: its child has the
 * books as they are at that instant, copy-on-write, writes them to OUT.live-profile and ends,
 * while the collector goes on. Then profile_made is the number that was asked for, and the file
 * is the reader's, to remove; without a file there the profile could not be written.
 *
 * One child at a time: whoever asks meanwhile is served by the next. It ends with the
 * collector.
 */
#ifndef MEMTRACE_LIVE_H
#define MEMTRACE_LIVE_H

#include <stdint.h>
#include <sys/types.h>

#include "drain.h"

struct live {
	pid_t pid;       /* of the child that writes; 0: none does */
	uint32_t number; /* of the request that it writes for, or of the last one */
};

/*
 * At each turn of the collector. A load, where nobody asks; a system call while a child
 * writes.
 */
void live_attend(struct live *live, struct drain *drain, const char *out);
/* Ends the child and removes what nobody has fetched. */
void live_stop(struct live *live, const char *out);
/* What a run of that name that is over has left. */
void live_remove(const char *out);

#endif
