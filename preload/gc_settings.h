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

/* The youngest generation. */
struct gc_young {
	int32_t threshold; /* more objects than that, and it is collected; 0: it never is */
	int32_t count;     /* so many more were allocated than freed since */
};

/* `state`: the collector's, of the interpreter that the layout describes. */
void gc_settings_look(const char *state, const struct layout *layout);
/* False: nothing is known of it yet. With the GIL. */
bool gc_settings_young(const char *state, const struct layout *layout,
		       struct gc_young *ret_young);

#endif
