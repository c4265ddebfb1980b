/*
 * select.h - FILE arguments become profiles.
 *
 * Any file of a run will do; without an argument it is the newest run in the working directory,
 * by the start time inside it. What isn't ready is waited for, or recovered, or explained.
 */
#ifndef MEMTRACE_SELECT_H
#define MEMTRACE_SELECT_H

#include <stdbool.h>

#include "../collector/profile_read.h"

struct selected {
	struct profile *profile;
	bool running;       /* the profile is of a run that goes on, as far as it is */
	bool recovered_now; /* made by us, a moment ago */
};

int select_open(const char *name, struct selected *ret_selected, struct err *err);
/* The OUT of the newest run in the working directory, for the caller to free. */
int select_newest(char **ret_name, struct err *err);

#endif
