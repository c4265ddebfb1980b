/*
 * probe.h - what this machine would do with a traced program, one fact at a time.
 *
 * `memtrace doctor` prints these. Each is one line: what was looked at, what was found, whether
 * that is well. Nothing is changed; where files would go, one is made and removed.
 */
#ifndef MEMTRACE_PROBE_H
#define MEMTRACE_PROBE_H

#include <stddef.h>

enum probe_verdict { PROBE_FINE = 0, PROBE_NOTE, PROBE_BAD };

struct probe {
	const char *what;
	enum probe_verdict verdict;
	char found[512];
};

struct probe probe_library(void);
struct probe probe_collector(void);
/* Of the interpreter that a command runs, as it says itself. */
struct probe probe_interpreter(const char *python);
struct probe probe_allocator(void);
/* Whether the loader takes the library into this command. */
struct probe probe_command(const char *command);
/* Whether a profile can be written where it would go, on which kind of file system. */
struct probe probe_output(void);
struct probe probe_file_limit(void);

#endif
