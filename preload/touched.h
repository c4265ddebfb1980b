/*
 * touched.h - which pages of the program's anonymous memory it ever touched.
 *
 * To look at a page that was never touched would give the program memory that it doesn't use.
 * The kernel tells: /proc/self/pagemap, a page is present or swapped out. Where that can't be
 * read (no /proc, or a process that has changed its user and may not be looked into), mincore
 * tells what is present, which is the same as long as nothing of the machine is swapped out.
 *
 * By system calls alone: in open, read and close a thread may be cancelled.
 */
#ifndef MEMTRACE_TOUCHED_H
#define MEMTRACE_TOUCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOUCHED_WINDOW = 256 };

/* Pages of a range, a window at a time. */
struct touched {
	long fd; /* of pagemap; below 0: mincore is asked */
	uint64_t page_bytes;
	uint64_t end;                  /* of the range */
	uint64_t first, count;         /* the window: page numbers */
	uint64_t bits[TOUCHED_WINDOW]; /* as pagemap has them */
	bool failed;                   /* since touched_open a question had no answer */
};

/* False: the kernel tells neither way. errno may change. */
bool touched_open(struct touched *touched);
void touched_close(struct touched *touched);

/* The range that the next questions are about; all of it is mapped. */
void touched_range(struct touched *touched, uint64_t address, uint64_t bytes);
/* Whether the page around an address of the range was. False, too: `failed`. */
bool touched_at(struct touched *touched, uint64_t address);

#endif
