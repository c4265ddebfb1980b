#include "buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void buf_init(struct buf *buf)
{
	*buf = (struct buf){0};
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	buf_init(buf);
}

static uint8_t *buf_room(struct buf *buf, size_t len)
{
	size_t needed;
	if (__builtin_add_overflow(buf->len, len, &needed))
		needed = SIZE_MAX;
	buf->data = mem_grow(buf->data, &buf->capacity, needed, 1);
	return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
	if (len == 0)
		return;
	memcpy(buf_room(buf, len), bytes, len);
	buf->len += len;
}

void buf_u8(struct buf *buf, uint8_t value)
{
	buf_append(buf, &value, 1);
}

void buf_varint(struct buf *buf, uint64_t value)
{
	uint8_t *out = buf_room(buf, 10);
	size_t len = 0;

	while (value >= 0x80) {
		out[len++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[len++] = (uint8_t)value;
	buf->len += len;
}

void buf_text(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text) + 1);
}

static void print(struct buf *buf, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	assert(len >= 0);
	/* vsnprintf wants room for a NUL that isn't part of the buffer's bytes. */
	char *out = (char *)buf_room(buf, (size_t)len + 1);
	vsnprintf(out, (size_t)len + 1, format, again);
	va_end(again);
	buf->len += (size_t)len;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(buf, format, args);
	va_end(args);
}

const char *buf_format(struct buf *buf, const char *format, ...)
{
	va_list args;

	buf->len = 0;
	va_start(args, format);
	print(buf, format, args);
	va_end(args);
	buf_u8(buf, '\0');
	return buf_chars(buf);
}

const char *buf_chars(const struct buf *buf)
{
	return (const char *)buf->data;
}

struct cursor cursor_over(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	return (struct cursor){.at = at, .end = len ? at + len : at};
}

const uint8_t *cursor_bytes(struct cursor *c, size_t len)
{
	if (c->failed || (size_t)(c->end - c->at) < len) {
		c->failed = true;
		return NULL;
	}
	const uint8_t *bytes = c->at;
	if (len)
		c->at += len;
	return bytes;
}

uint64_t cursor_varint(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && c->at < c->end && !c->failed; shift += 7) {
		uint8_t byte = *c->at++;
		/* The tenth byte has room for one bit of the value. */
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	c->failed = true;
	return 0;
}

const char *cursor_text(struct cursor *c)
{
	size_t left = (size_t)(c->end - c->at);
	const uint8_t *nul = left && !c->failed ? memchr(c->at, '\0', left) : NULL;

	if (!nul) {
		c->failed = true;
		return NULL;
	}
	const char *text = (const char *)c->at;
	c->at = nul + 1;
	return text;
}
