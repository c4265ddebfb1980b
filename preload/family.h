/*
 * family.h - forks: a child is traced as its parent was, and knows what its parent knew.
 *
 * Before a fork the waiting allocations are sent, and R_FORK after them: the collector forks at
 * that record, so the child's collector begins with the parent's books. The tables of code and
 * stacks are private memory, which a fork copies; their locks are held across it. The child has
 * no ring until its first event: one that only calls exec leaves no file.
 *
 * Children that no fork handler knows of (a raw clone, vfork) find themselves dormant.
 */
#ifndef MEMTRACE_FAMILY_H
#define MEMTRACE_FAMILY_H

#include "stream.h"

void family_init(void);
/* In a child: the fork that made it. */
uint64_t family_fork_id(void);
/*
 * In a child, about itself, into the parent's header; nothing where it isn't one that is waited
 * for.
 */
void family_tell(struct ring_header *parents, enum fork_state state);

#endif
