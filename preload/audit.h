/*
 * audit.h - what the interpreter's own pool headers say, for comparison with what the events
 * made of them.
 *
 * An audit is owed to a mark, by every interpreter that has arenas, and made by each at its own
 * next event of the mem or object domain: its GIL is held then, and nothing of the event has
 * been recorded or carried out yet. Headers and lists of free blocks of Objects/obmalloc.c are
 * read where they lie, checked as any other input, and never in a page that the interpreter has
 * not touched.
 *
 * Interpreters that share the main one's GIL count as that one. One audit is made at a time; an
 * interpreter that finds another at it stays owing. Where blocks were missed (recording was
 * paused) there are no audits any more: they would find what is known.
 *
 * Threads: any. Callers hold the guard except where it says otherwise.
 */
#ifndef MEMTRACE_AUDIT_H
#define MEMTRACE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once, when the ring is there. `allocator`: PYTHONMALLOC or NULL. */
void audit_init(bool wanted, const char *allocator);
/* From now on there are none, and why: a text that stays. Without the guard. */
void audit_stop(const char *why);

/* One belongs to the mark of this number, from every interpreter. */
void audit_owe(uint32_t mark);
/*
 * In an event of the mem or object domain, before anything of it is recorded: makes the audit
 * that this interpreter owes.
 */
void audit_look(void);

/* From the arena hooks, without the guard: after one was allocated, before one is freed. */
void audit_arena_made(const void *address, size_t bytes);
void audit_arena_goes(const void *address);

/* In the child: the thread that made one is not here. */
void audit_after_fork(void);

#endif
