/*
 * fields.h - one record a line, as "SECTION key=value ..." or as a JSON object.
 *
 * What `memtrace dump` writes. Both forms come from the same calls, so they can't say different
 * things. Texts are quoted as JSON quotes them in both.
 */
#ifndef MEMTRACE_FIELDS_H
#define MEMTRACE_FIELDS_H

#include "json.h"

struct fields {
	bool as_json;
	struct json json;
	FILE *out;
};

void fields_init(struct fields *fields, FILE *out, bool as_json);
void fields_begin(struct fields *fields, const char *section);
void fields_end(struct fields *fields);
void fields_text(struct fields *fields, const char *key, const char *text); /* NULL: null */
void fields_u64(struct fields *fields, const char *key, uint64_t value);
void fields_i64(struct fields *fields, const char *key, int64_t value);
void fields_null(struct fields *fields, const char *key);
/* Numbers under one key, as an array. */
void fields_u64s(struct fields *fields, const char *key, const uint64_t *values, size_t count);
/* A number in JSON, hexadecimal for people. */
void fields_address(struct fields *fields, const char *key, uint64_t address);
/* An item of MARK; PROFILE_PEAK, which is none: null. */
void fields_mark(struct fields *fields, const char *key, uint32_t mark);
/* UINT64_MAX means "could not be read": null. */
void fields_known(struct fields *fields, const char *key, uint64_t value);

#endif
