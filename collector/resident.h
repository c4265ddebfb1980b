/*
 * resident.h - a program's resident set, page by page, by what it is for.
 *
 * What the kernel tells (smaps.h) is laid over what the heap knows: arenas, blocks that malloc
 * maps one by one, what the program mapped itself. In an area that holds several of those, the
 * kernel's page table (/proc/PID/pagemap) says which pages are there; where it may not be read,
 * the area's resident bytes are shared out by size. An area's parts always add up to what is
 * resident of it.
 *
 * glibc's arenas are known by their shape (64 MiB, aligned, unused address space behind), and
 * thread stacks by the kernel's pointer to each thread's list of robust futexes, which glibc
 * keeps at the top of the stack. The zeroed data of a program or library, behind its file, is
 * that file's. The library's own memory is what the ring says.
 *
 * Nothing is stopped for it: what changes meanwhile is between two of its states.
 */
#ifndef MEMTRACE_RESIDENT_H
#define MEMTRACE_RESIDENT_H

#include "heap.h"
#include "mapped.h"
#include "program.h"

struct resident_query {
	const struct program *program;
	const char *ring_path;
	const struct ring_header *ring; /* says what is the library's own; NULL: nothing does */
	const struct heap *heap;
};

/*
 * Times and rss_bytes are the caller's, and so is what was noted of `ret_mapped`: mapped_finish
 * and mapped_release. False: the kernel doesn't tell, and there is nothing to release.
 */
bool resident_look(const struct resident_query *query, struct stream_resident *ret_resident,
		   struct mapped *ret_mapped);

#endif
