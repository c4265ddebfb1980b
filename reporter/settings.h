/*
 * settings.h - a table of settings, as a tree of JSON values, into a struct, by a list of its keys.
 *
 * Nothing is passed over: a key that isn't known, a needed one that is missing, a value of another
 * kind is an error whose sentence has the file, the key, and what would be right.
 */
#ifndef MEMTRACE_SETTINGS_H
#define MEMTRACE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "../collector/err.h"

/* Where a value stands: "tool.memtrace.gate.budgets[0].max" of a file; "": it is the whole. */
struct settings_place {
	const char *path;
	char key[256];
	struct err *err;
};

/* -1: it is wrong, and the place's err says so. */
typedef int settings_read(struct settings_place *place, const json_t *value, void *ret_value);

struct settings_key {
	const char *name; /* NULL: the list ends */
	settings_read *read;
	size_t offset; /* of what it fills */
	bool needed;
};

/* -1: "FILE: KEY WHAT". */
int settings_wrong(const struct settings_place *place, const char *what);
int settings_read_table(struct settings_place *place, const json_t *table,
			const struct settings_key *keys, void *into);
/* Each of an array's items, in their order; what was begun of them counts, where one is wrong.
 * ret_items: of a pointer to items of that size. */
int settings_read_items(struct settings_place *place, const json_t *value, size_t item_bytes,
			settings_read *read, void *ret_items, size_t *ret_count);
/* NULL: it isn't a text, is empty, or has a NUL in it. */
const char *settings_text(const json_t *value);
int settings_read_text(struct settings_place *place, const json_t *value, void *ret_value);
int settings_read_whole(struct settings_place *place, const json_t *value, int least, int most,
			double *ret_number);
/* A double: a number from 0 on, or a text such as "64MiB". */
int settings_read_amount(struct settings_place *place, const json_t *value, void *ret_value);

#endif
