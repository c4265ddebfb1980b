/*
 * gate_junit.h - a gate's result as JUnit XML, which every CI shows as tests: one for each check.
 *
 * A warning passes and says itself in system-out; what has no verdict is an error, so that a
 * reader that counts neither can't take it for a success.
 */
#ifndef MEMTRACE_GATE_JUNIT_H
#define MEMTRACE_GATE_JUNIT_H

#include <stdio.h>

#include "gate.h"

void gate_junit_write(const struct gate_result *result, FILE *out);

#endif
