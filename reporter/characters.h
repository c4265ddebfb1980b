/*
 * characters.h - texts out of a program, character by character, for formats that can't take
 * every byte.
 *
 * A name in a profile may hold anything: bytes that aren't UTF-8, control characters, the syntax
 * of the file that it is written to. A writer takes it apart here, and puts each character as
 * its format wants it.
 */
#ifndef MEMTRACE_CHARACTERS_H
#define MEMTRACE_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "../collector/buf.h"

enum { CHARACTERS_REPLACEMENT = 0xfffd };

/* The next one, and the text behind it; 0: the end. A byte that isn't UTF-8 is U+FFFD. */
uint32_t characters_next(const char **at);
/* As UTF-8, without a NUL. */
void characters_put(struct buf *buf, uint32_t character);
/* Moves, hides or reverses what stands beside it: line ends, too. */
bool characters_is_control(uint32_t character);
/* A text in one line that shows all there is; what controls becomes U+FFFD. Without a NUL. */
void characters_put_line(struct buf *buf, const char *text);

#endif
