/*
 * arenas.h - the interpreter's arenas as they are now, for whoever reads their pools.
 *
 * Kept by the arena hooks alone, so that it owes nothing to the collector's books. An arena
 * belongs to an owner: the interpreter whose allocator got it, 0 for the main one and all that
 * share its GIL. An owner's arenas come and go with its GIL held only.
 *
 * Memory: 24 bytes an arena, the library's own, ascending by address.
 * Threads: any; callers hold their thread's guard. Sections are short: nothing waits in them.
 */
#ifndef MEMTRACE_ARENAS_H
#define MEMTRACE_ARENAS_H

#include <stdbool.h>
#include <stdint.h>

struct arena {
	uint64_t address;
	uint64_t bytes;
	uint32_t owner;
	uint32_t audited; /* the audit that read it last, or that it is too young for */
};

/* False: there is no memory for it. */
bool arenas_add(struct arena arena);
void arenas_remove(uint64_t address);

/* The owner's next arena above an address. False: there is none. */
bool arenas_next(uint32_t owner, uint64_t above, struct arena *ret_arena);
/* Whether an arena of the owner, or of anybody, has not had this audit yet. */
bool arenas_owed(uint32_t owner, uint32_t audit);
bool arenas_any_owed(uint32_t audit);
/* All arenas of the owner have had it. */
void arenas_audited(uint32_t owner, uint32_t audit);
/* There never was one. */
bool arenas_never(void);

/* Across a fork the table may not be half changed. */
void arenas_lock(void);
void arenas_unlock(void);

#endif
