/*
 * gate_sarif.h - a gate's findings as SARIF 2.1.0, for code scanning.
 *
 * A finding is known again by its rule and its site's key, whichever line it has moved to.
 */
#ifndef MEMTRACE_GATE_SARIF_H
#define MEMTRACE_GATE_SARIF_H

#include <stdio.h>

#include "gate.h"

void gate_sarif_write(const struct gate_result *result, FILE *out);

#endif
