/*
 * words.h - text put together in a fixed buffer, without stdio, locale or heap.
 *
 * Whatever doesn't fit is cut off; `text` always ends with a NUL.
 */
#ifndef MEMTRACE_WORDS_H
#define MEMTRACE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words {
	char *text;
	size_t len;
	size_t capacity; /* with the NUL */
	bool cut;
};

struct words words_over(char *buffer, size_t capacity);
void words_add(struct words *words, const char *text);
void words_bytes(struct words *words, const char *bytes, size_t len);
void words_char(struct words *words, char c);
void words_number(struct words *words, uint64_t number);

#endif
