/*
 * buf.h - bytes that grow, and a cursor that reads bytes without running past them.
 *
 * Memory: the buffer owns `data`; buf_release gives it back. A cursor owns nothing.
 * Varints are LEB128.
 */
#ifndef MEMTRACE_BUF_H
#define MEMTRACE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len;
	size_t capacity;
};

void buf_init(struct buf *buf);
void buf_release(struct buf *buf);
void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_u8(struct buf *buf, uint8_t value);
void buf_varint(struct buf *buf, uint64_t value);
void buf_text(struct buf *buf, const char *text); /* with its NUL */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A text in place of what was in the buffer, with its NUL. Returns it. */
const char *buf_format(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A buffer's bytes as a text; its NUL has been appended. */
const char *buf_chars(const struct buf *buf);

/* Reads past the end give 0 and set `failed`, which stays set: check once, after a group. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

struct cursor cursor_over(const void *bytes, size_t len);
uint64_t cursor_varint(struct cursor *c);
const uint8_t *cursor_bytes(struct cursor *c, size_t len); /* NULL when fewer are left */
const char *cursor_text(struct cursor *c);                 /* NULL when no NUL follows */

#endif
