/*
 * late.h - a libpython that is loaded after the program has begun, by a server's plug-in or an
 * embedder.
 *
 * dlopen is put in front of only to note that this thread loads something, and is then jumped
 * to: the loader takes its caller's search path, so it must see the program's return address,
 * and nothing can be done after it. The thread's next malloc that doesn't come from the loader
 * or the C library comes from a constructor or from after the return: what has been loaded is
 * relocated by then, no lock of theirs is held, and libpython is looked for. Until that malloc,
 * other threads ask of each of theirs whether it comes from a libpython: one of them may have
 * been told to run it.
 *
 * A libpython that was found is never unloaded: our hooks point into it.
 */
#ifndef MEMTRACE_LATE_H
#define MEMTRACE_LATE_H

/* The process is no Python so far: look out for one. */
void late_begin(void);
/* From a malloc while WATCH_LOAD counts; `caller` is where it returns to. */
void late_look(const void *caller);

#endif
