/*
 * gate_text.h - a gate's result on a terminal: the verdict first, then what failed with its
 * line, its stack and how it came there, then what warned, and the command to run it all again.
 */
#ifndef MEMTRACE_GATE_TEXT_H
#define MEMTRACE_GATE_TEXT_H

#include "gate.h"
#include "term.h"

void gate_text_write(const struct gate_result *result, const struct term *term);

#endif
