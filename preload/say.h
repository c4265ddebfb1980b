/*
 * say.h - the few lines this library ever writes to the program's stderr.
 *
 * One write(2) a line, nothing else; `texts` ends with NULL.
 */
#ifndef MEMTRACE_SAY_H
#define MEMTRACE_SAY_H

void say(const char *const texts[]);

#endif
