/*
 * output.h - the files of a run: OUT, which claims the name, and OUT.ring.
 *
 * The pattern's %x is the script's base name without ".py" (or the program's), %p the pid, %t
 * the start time, %h the host. A name that exists gets -2, -3, ... before its last suffix.
 * Folders are not made; where one can't be written to, /var/tmp/memtrace-UID takes its place.
 *
 * Files are made 0600, with O_EXCL and O_NOFOLLOW.
 */
#ifndef MEMTRACE_OUTPUT_H
#define MEMTRACE_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output {
	char path[PATH_MAX]; /* absolute */
	int ring_fd;         /* OUT.ring, ring_bytes long, zero */
	uint64_t record_bytes;
	int error; /* why it is not where the pattern says; 0: it is */
};

/* The program's base name as %x has it, into `name`. */
void output_program(int argc, char *const argv[], char *name, size_t capacity);
/*
 * `folder`: where a relative pattern begins. `elsewhere`: whether another place may be taken.
 * False: no file could be made, and `error` is why.
 */
bool output_claim(const char *pattern, const char *folder, const char *program,
		  uint64_t record_bytes, bool elsewhere, struct output *ret_output);
/* Takes the files away again: nothing was written. */
void output_drop(const struct output *output);

#endif
