/*
 * json.h - JSON, written as it comes.
 *
 * Inside an object every value has a key, inside an array the key is NULL. Numbers that JSON
 * readers keep as doubles stay exact up to 2^53. Bytes that aren't UTF-8 become U+FFFD.
 *
 * No name here is one of jansson's, which reads JSON: a program's own functions go before those
 * of a library with the same name, for the library's callers too.
 */
#ifndef MEMTRACE_JSON_H
#define MEMTRACE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 32 };

struct json {
	FILE *out;
	int depth;
	int line_depth; /* values at most this deep begin a line of their own */
	bool started[JSON_MAX_DEPTH + 1];
	char closers[JSON_MAX_DEPTH + 1];
};

void json_init(struct json *json, FILE *out, int line_depth);
void json_open_object(struct json *json, const char *key);
void json_open_array(struct json *json, const char *key);
void json_close(struct json *json);
void json_text(struct json *json, const char *key, const char *text); /* null for NULL */
/* The bytes of the UTF-8 character that a text goes on with; 0: it goes on with none. */
int json_utf8_length(const char *text);
/* The text alone, quoted, wherever `out` is. */
void json_put_string(FILE *out, const char *text);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_double(struct json *json, const char *key, double value, int decimals);
void json_bool(struct json *json, const char *key, bool value);
void json_put_null(struct json *json, const char *key);
/* UINT64_MAX stands for "could not be read" in profiles: null. */
void json_u64_or_null(struct json *json, const char *key, uint64_t value);

#endif
