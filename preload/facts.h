/*
 * facts.h - what is known of the process from the start, sent as R_INFO.
 */
#ifndef MEMTRACE_FACTS_H
#define MEMTRACE_FACTS_H

#include <stdint.h>

/* `allocator`: PYTHONMALLOC or NULL. argc 0: the program's arguments stay private. */
void facts_send(const char *program, const char *allocator, int argc, char *const argv[]);
/* One more: a later one of the same key replaces it. */
void facts_send_one(const char *key, const char *value);
void facts_send_number(const char *key, uint64_t value);
/* The traced process that this one descends from: its run, and where its profile goes. */
void facts_send_parent(uint64_t run_id, const char *path);
/* What differs in a forked child, besides. */
void facts_send_child(void);
/* Appends the profile's path as a line to a file that `memtrace run` made. */
void facts_list(const char *list, const char *path);

#endif
