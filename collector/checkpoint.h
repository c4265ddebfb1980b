/*
 * checkpoint.h - old journal becomes a checkpoint, beside the collector.
 *
 * A process of its own replays the closed segments of a run (the last checkpoint first, which
 * is one of them) and writes OUT.checkpoint, a journal that leaves the same heap. It never
 * touches the collector's heap, so the collector goes on meanwhile as if nothing was. When the
 * file is whole the collector gives it the name of the first segment, in one step, and removes
 * the others that it stands for: at any instant the names that are there lead a recovery to the
 * same state.
 *
 * That process ends with the collector.
 */
#ifndef MEMTRACE_CHECKPOINT_H
#define MEMTRACE_CHECKPOINT_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct checkpoint {
	/* The collector's program, run with --checkpoint; NULL: a fork does the work. */
	const char *program;
	pid_t pid;       /* 0: none is being made */
	uint32_t covers; /* segments, by the one that is being made */
};

enum checkpoint_state {
	CHECKPOINT_NONE, /* none is being made */
	CHECKPOINT_UNDER_WAY,
	CHECKPOINT_WHOLE, /* OUT.checkpoint is there */
	CHECKPOINT_FAILED,
};

/* Begins one for the segments up to `covers`. -1: no process can be made. */
int checkpoint_start(struct checkpoint *checkpoint, const char *out, uint32_t covers,
		     struct err *err);
/* WHOLE and FAILED are told once. A system call while one is being made. */
enum checkpoint_state checkpoint_poll(struct checkpoint *checkpoint, const char *out);
/*
 * OUT.checkpoint becomes segment 1; those before `covers` that it stands for go. `covered`:
 * what the segment 1 of before stood for. -1: everything is as it was. The size in bytes.
 */
int checkpoint_adopt(const char *out, uint32_t covered, uint32_t covers, uint64_t *ret_bytes,
		     struct err *err);
/* Ends the process and removes what it has written. */
void checkpoint_stop(struct checkpoint *checkpoint, const char *out);
/* What one that was being made has left. */
void checkpoint_remove(const char *out);
/* What that process does, a child of `collector`. */
int checkpoint_make(const char *out, uint32_t covers, pid_t collector, struct err *err);

#endif
