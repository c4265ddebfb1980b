/*
 * collection.h - what a Python event can tell about the interpreter's state beside its stack.
 *
 * Cyclic collections: an event inside one is seen by the interpreter's own `collecting` flag;
 * the edges of that flag, with the counters beside it, become R_GC records. Finalisation: the
 * runtime's own flag, looked at with each event that holds the GIL.
 */
#ifndef MEMTRACE_COLLECTION_H
#define MEMTRACE_COLLECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "python.h"
#include "stream.h"
#include "thread.h"

/* What an event looks at while nothing changes. */
struct collection_watch {
	/*
	 * The first interpreter is known, its figures are, and no collection is waited for that
	 * would end without a trace.
	 */
	bool trusted;
	/* The collector's state is here, or, NULL, at an offset in the interpreter's. */
	const char *fixed;
	size_t collecting;
};

extern struct collection_watch collection_watch;

/*
 * Whether the thread is in a cyclic collection: F_GC or 0. With the GIL it notices the
 * beginning and end of collections and of finalisation; `tstate` is the state that runs then.
 */
enum free_flags collection_notice(struct thread *self, const char *tstate, bool gil_held);

/* With the GIL, and trusted: whether it would notice nothing. */
static inline bool collection_unchanged(const struct thread *self, const char *tstate)
{
	const struct collection_watch *watch = &collection_watch;
	const char *place;
	int32_t collecting;

	if (!tstate || python_finaliser())
		return false;
	memcpy(&place, tstate + python.layout.tstate_interp, sizeof(place));
	place = watch->fixed ? watch->fixed : place;
	memcpy(&collecting, place + watch->collecting, sizeof(collecting));
	return (collecting != 0) == self->in_collection;
}

/* collection_notice, most often in a few instructions. */
static inline enum free_flags collection_flags(struct thread *self, const char *tstate,
					       bool gil_held)
{
	if (__builtin_expect(gil_held && collection_watch.trusted &&
				     collection_unchanged(self, tstate),
			     1))
		return self->in_collection ? F_GC : 0;
	return collection_notice(self, tstate, gil_held);
}

/* A collection may begin soon: an object is about to be allocated, with the GIL. */
void collection_expect(struct thread *self, const char *tstate);

/* The collections since the last event of Python's, as far as the interpreter still lives. */
void collection_catch_up(void);

/* How the collector is set, where that was changed; any thread may ask. */
void collection_look(void);

/* The interpreter was started again: what is known of it is of the one before. */
void collection_restart(void);

#endif
