/*
 * event.h - one allocation, and the record that it becomes.
 *
 * The domain is the hook that saw it; kind, size and class in the record follow from it and
 * from the call that it was made in (call.h). A small allocation goes into the cancelling
 * table, everything else straight into the ring.
 *
 * Threads: any, with the guard held (thread.h).
 */
#ifndef MEMTRACE_EVENT_H
#define MEMTRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

enum event_domain { EVENT_MALLOC, EVENT_MEM, EVENT_OBJECT, EVENT_ARENA, EVENT_MAP };

enum { EVENT_PAGE_SHIFT = 12 };

struct call;
struct thread;

struct event {
	uint64_t address;
	uint64_t bytes;
	enum event_domain domain;
	bool anonymous; /* EVENT_MAP */
};

/* The domains that the interpreter's own allocator serves: the GIL is held around them. */
static inline bool event_is_block(enum event_domain domain)
{
	return domain == EVENT_MEM || domain == EVENT_OBJECT;
}

/*
 * Records it with the stack that runs; `call` is the one that made it. `kept_class`: of a
 * realloc in place, the size class that the block had; otherwise 0.
 */
void event_record(struct thread *self, const struct call *call, const struct event *event,
		  uint32_t kept_class);

/* A mapping's size in a record: 16 TiB or more of reserved space are as many as fit. */
uint64_t event_pages(uint64_t bytes);

#endif
