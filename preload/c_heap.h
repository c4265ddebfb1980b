/*
 * c_heap.h - the heap beside the interpreter's arenas: who serves malloc, and what its free
 * memory is made of, sent as R_INFO (libmemtrace(7) lists the keys).
 *
 * The one place where the library uses stdio: glibc's malloc_info(3) writes to a FILE and to
 * nothing else. That FILE is made once, in the constructor, with a buffer of ours: what is
 * written to it later takes no memory, and no lock but its own and, for a moment each, those of
 * the arenas, as mallinfo2 does.
 *
 * Threads: c_heap_send at any time from any thread that holds its guard and isn't inside the
 * allocator; of two at once one does nothing.
 */
#ifndef MEMTRACE_C_HEAP_H
#define MEMTRACE_C_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* Before the first record that may be a block's. Sends who serves malloc. */
void c_heap_init(void);
/* Whether glibc does: its figures say nothing of another's heap. */
bool c_heap_is_glibc(void);
/* As of `mark`, which comes next. `top_bytes` as mallinfo2.keepcost. */
void c_heap_send(const char *mark, uint64_t top_bytes);
/* In a forked child: another thread may have been in the middle of it. */
void c_heap_after_fork(void);

#endif
