/*
 * say.h - the few lines this library ever writes to the program's stderr.
 *
 * One write(2) a line, nothing else; `texts` ends with NULL. A line that can't be written at
 * once is left out: a full pipe must not hold the program, nor one without a reader end it by
 * SIGPIPE.
 *
 * Signals: those that a write can cause are held back from the calling thread meanwhile.
 */
#ifndef MEMTRACE_SAY_H
#define MEMTRACE_SAY_H

void say(const char *const texts[]);

#endif
