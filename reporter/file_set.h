/*
 * file_set.h - FILE arguments as a list of runs: a folder stands for all runs in it, a pattern
 * that the shell has left alone for what it matches, and a run counts once, whichever of its
 * files are named.
 */
#ifndef MEMTRACE_FILE_SET_H
#define MEMTRACE_FILE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "../collector/err.h"

struct file_set {
	char **names;
	size_t count, capacity;
	bool several; /* were asked for, however many there are */
};

/* -1: a folder or a pattern has nothing. */
int file_set_init(struct file_set *set, char *const *arguments, size_t count, struct err *err);
void file_set_release(struct file_set *set);

#endif
