/*
 * executable.h - whether a command can be traced, told from its file.
 *
 * The dynamic loader takes LD_PRELOAD only into dynamically linked programs of this machine's
 * kind that don't gain privileges by being started. Of a script its interpreter decides.
 */
#ifndef MEMTRACE_EXECUTABLE_H
#define MEMTRACE_EXECUTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "../collector/err.h"

enum executable_kind {
	EXECUTABLE_TRACEABLE = 0,
	EXECUTABLE_STATIC,        /* no dynamic loader */
	EXECUTABLE_PRIVILEGED,    /* setuid, setgid, file capabilities */
	EXECUTABLE_OTHER_MACHINE, /* another word size or architecture than ours */
	EXECUTABLE_OTHER_LIBC,    /* a loader that isn't glibc's */
	EXECUTABLE_SANITIZED,     /* AddressSanitizer ends it unless that is loaded first */
	EXECUTABLE_UNKNOWN,       /* can't be read, or isn't ELF: the kernel will say */
};

/*
 * The file that executing `name` would run, found as the shell does. On failure *ret_status is
 * the shell's: 127 not found, 126 can't be executed. For the caller to free.
 */
int executable_find(const char *name, char **ret_path, int *ret_status, struct err *err);
enum executable_kind executable_kind(const char *path);
/* Why it can't be traced, as a half sentence: "is statically linked"; NULL: it can. */
const char *executable_obstacle(enum executable_kind kind);

#endif
