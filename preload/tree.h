/*
 * tree.h - the traced process that this one descends from, found through /proc.
 *
 * The environment of the program is left as it is, so nothing is handed down in it: a traced
 * ancestor is told by the ring that it maps, and the ring's header says where the tree's
 * relative file pattern begins.
 */
#ifndef MEMTRACE_TREE_H
#define MEMTRACE_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "stream.h"

struct tree_ancestor {
	pid_t pid;
	uint64_t run_id;
	char folder[RING_FOLDER_BYTES];
	char out[RING_PATH_BYTES];
};

/* The nearest one that lives; false: there is none, or /proc doesn't tell. */
bool tree_find_ancestor(struct tree_ancestor *ret_ancestor);

#endif
