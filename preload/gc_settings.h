/*
 * gc_settings.h - how the cyclic collector is set, sent as R_INFO whenever it has changed:
 * gc.enabled, gc.frozen (whether gc.freeze() keeps objects away from it) and gc.thresholds.
 *
 * Nothing tells when a program changes them: they are looked at when collections begin and end,
 * and at marks. Any thread may look; the fields are plain numbers.
 */
#ifndef MEMTRACE_GC_SETTINGS_H
#define MEMTRACE_GC_SETTINGS_H

#include "cpython_layout.h"

/* `state`: the collector's, of the interpreter that the layout describes. */
void gc_settings_look(const char *state, const struct layout *layout);

#endif
