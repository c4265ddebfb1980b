/*
 * real.h - the functions behind the ones this library puts in front.
 *
 * They are the next ones in the search order: glibc's, or those of another preloaded allocator.
 * Until they are known, blocks come from a small static pool, which real_free and real_realloc
 * recognise.
 *
 * Threads: resolved once, by the constructor or by the first allocation before it; both happen
 * while the process has one thread.
 */
#ifndef MEMTRACE_REAL_H
#define MEMTRACE_REAL_H

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>

struct dl_find_object;

struct real {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void (*free)(void *);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*munmap)(void *, size_t);
	void *(*mremap)(void *, size_t, size_t, int, ...);
	int (*execve)(const char *, char *const[], char *const[]);
	int (*execvpe)(const char *, char *const[], char *const[]);
	int (*fexecve)(int, char *const[], char *const[]);
	int (*execveat)(int, const char *, char *const[], char *const[], int);
	pid_t (*wait4)(pid_t, int *, int, struct rusage *);
	int (*waitid)(idtype_t, id_t, siginfo_t *, int);
	void (*_exit)(int);
	void (*abort)(void);
	void *(*dlopen)(const char *, int);
	struct mallinfo2 (*mallinfo2)(void); /* NULL before glibc 2.33 */
	int (*malloc_info)(int, FILE *);
	int (*_dl_find_object)(void *, struct dl_find_object *); /* NULL before glibc 2.35 */
};

extern struct real real;

/* Finds them all; called again it does nothing. False while it is under way already. */
bool real_resolve(void);
/* As the C library's, for any pointer that any of them gave out. */
void *real_malloc(size_t bytes);
void *real_calloc(size_t count, size_t bytes);
void *real_realloc(void *ptr, size_t bytes);
void real_free(void *ptr);

#endif
