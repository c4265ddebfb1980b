/*
 * gate_json.h - a gate's result as JSON, schema memtrace.gate/1: all that it knows.
 */
#ifndef MEMTRACE_GATE_JSON_H
#define MEMTRACE_GATE_JSON_H

#include <stdio.h>

#include "gate.h"

void gate_json_write(const struct gate_result *result, FILE *out);

#endif
