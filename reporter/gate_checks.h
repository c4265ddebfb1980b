/*
 * gate_checks.h - checks that were made elsewhere, of single tests, become a gate's.
 *
 * The file is JSON of the schema "memtrace.gate-checks/1", as the pytest plugin writes it. Each of
 * its `checks` is an object of
 *
 *	test      what was judged: the test's name
 *	outcome   "passed", "failed" or "unknown", which is no verdict for the gate
 *	metric    "peak_live" or "growth_per_iteration"; where the outcome is unknown, null
 *	measured, limit   in the metric's unit; likewise
 *	message   a sentence
 *	source    the text of the line that is most to blame; null: none
 *	frames    from that line outwards: {function, file, line}
 *
 * A file without any check is no verdict: what was to be measured wasn't.
 */
#ifndef MEMTRACE_GATE_CHECKS_H
#define MEMTRACE_GATE_CHECKS_H

#include "../collector/err.h"
#include "gate.h"

/* Whether it is JSON, where other files are profiles. */
bool gate_checks_are_in(const char *path);
/* Behind those that are there. */
int gate_checks_read(const char *path, struct gate_result *result, struct err *err);

#endif
