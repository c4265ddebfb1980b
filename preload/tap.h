/*
 * tap.h - between the hooks and the stream: one hooked call in, at most one event out.
 *
 * A hook brackets the real function with tap_begin... and tap_end...; where the former says no,
 * it just calls the real function. Frees are recorded in begin, allocations in end (stream.h,
 * "Order"); call.h tells an allocation from the same memory seen twice.
 *
 * Errors: none; errno is left as the real function set it.
 */
#ifndef MEMTRACE_TAP_H
#define MEMTRACE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"

bool tap_begin(struct call *call, enum event_domain domain, size_t bytes);
void tap_end(struct call *call, const void *ptr);
bool tap_begin_realloc(struct call *call, enum event_domain domain, const void *ptr,
		       size_t bytes);
void tap_end_realloc(struct call *call, const void *ptr);
/* `bytes`: of an arena or a mapping; otherwise 0. */
bool tap_begin_free(struct call *call, enum event_domain domain, const void *ptr, size_t bytes);
void tap_end_free(struct call *call);
/* Python makes a new object in a block that it had kept; the GIL is held. */
void tap_reuse(const void *block);
/* A mapping was made inside this call: anonymous memory to use, or anything else. */
void tap_end_map(struct call *call, const void *ptr, bool anonymous);

/* mremap: the old range goes first; where the call fails it comes back, as made here. */
bool tap_begin_remap(struct call *call, const void *old, size_t old_bytes, size_t new_bytes);
void tap_end_remap(struct call *call, const void *ptr, size_t old_bytes);

#endif
