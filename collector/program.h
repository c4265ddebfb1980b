/*
 * program.h - the traced process, seen from outside.
 *
 * A process is its number and its start time: a number that is used again is another process,
 * and this one dead. Whatever /proc doesn't tell is "not known", never an error.
 */
#ifndef MEMTRACE_PROGRAM_H
#define MEMTRACE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/stream.h"

struct program {
	pid_t pid;
	uint64_t start; /* field 22 of /proc/PID/stat; 0: not known */
	int pidfd;      /* -1: this kernel has none, or the process is gone */
	int statm_fd;   /* kept open: its figures are asked for all the time */
};

/* What tells it from others of its number, or 0: there is no such process. */
uint64_t program_start_time(uint32_t pid);
void program_init(struct program *program, uint32_t pid, uint64_t start);
void program_release(struct program *program);
/* A zombie is dead: nothing of it will write any more. */
bool program_alive(const struct program *program);
/*
 * The same for who must not call a program running that was just killed: one that is on its
 * way out is given up to two seconds to be gone.
 */
bool program_lasts(const struct program *program);
/* Stopped by a signal or a debugger: time doesn't pass for it. */
bool program_stopped(const struct program *program);
/* Whether that can be known: it lives, and we may look. */
bool program_shows_maps(const struct program *program);
/*
 * Whether it maps the file, by path ("": none) or inode (0: none); false where that isn't
 * known.
 */
bool program_maps(const struct program *program, const char *path, ino_t inode);
uint64_t program_rss_bytes(const struct program *program); /* 0: not known */
/* A mark's figures that can be read from outside; the others are UINT64_MAX. */
void program_figures(const struct program *program, struct stream_mark *ret_figures);

#endif
