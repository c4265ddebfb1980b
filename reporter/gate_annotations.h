/*
 * gate_annotations.h - a gate's findings as workflow commands, which GitHub shows beside the lines.
 *
 * Of each kind it shows ten of a step; where there are more, the last says how many.
 */
#ifndef MEMTRACE_GATE_ANNOTATIONS_H
#define MEMTRACE_GATE_ANNOTATIONS_H

#include <stdio.h>

#include "gate.h"

enum { GATE_ANNOTATIONS_SHOWN = 10 };

void gate_annotations_write(const struct gate_result *result, FILE *out);

#endif
