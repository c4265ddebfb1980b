/*
 * err.h - one sentence that says what went wrong, where, and at which offset.
 *
 * Functions that can fail return 0 or -1 and take a `struct err *` last. It is written on
 * failure only; the caller may put more in front. Nobody but a command's main prints it.
 */
#ifndef MEMTRACE_ERR_H
#define MEMTRACE_ERR_H

struct err {
	char text[1024];
};

/* Both return -1, so that `return err_set(err, ...)` reads well. `err` may be NULL. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "prefix: " in front of the sentence that is there. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
