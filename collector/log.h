/*
 * log.h - the collector's log file, for those who ask for one: a line for each thing that
 * happened.
 */
#ifndef MEMTRACE_LOG_H
#define MEMTRACE_LOG_H

struct log {
	int fd; /* -1: nobody asked */
};

/* `path` may be NULL. A log that can't be opened is none: the run doesn't depend on it. */
void log_open(struct log *log, const char *path);
void log_close(struct log *log);
void log_line(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
