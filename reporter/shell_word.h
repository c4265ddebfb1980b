/*
 * shell_word.h - texts as words of a shell, for commands that people copy.
 */
#ifndef MEMTRACE_SHELL_WORD_H
#define MEMTRACE_SHELL_WORD_H

#include "../collector/buf.h"

/* Appends it, in quotes where it needs them; without a NUL. */
void shell_word_append(struct buf *text, const char *word);
/* The same as a text of its own, which the caller frees. */
char *shell_word_new(const char *word);

#endif
