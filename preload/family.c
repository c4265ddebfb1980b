#include "family.h"

#include <pthread.h>
#include <unistd.h>

#include "arenas.h"
#include "audit.h"
#include "cancel.h"
#include "intern.h"
#include "life.h"
#include "ring.h"
#include "thread.h"

/* Under the guard of the thread that forks; the C library lets one thread fork at a time. */
static uint64_t forks;
static bool prepared;

uint64_t family_fork_id(void)
{
	return forks;
}

void family_tell(struct ring_header *parents, enum fork_state state)
{
	struct fork_slot *slot = &parents->forks[forks % RING_FORKS];

	slot->pid = (uint32_t)getpid();
	atomic_store_explicit(&slot->state, state, memory_order_relaxed);
	/* Release: whoever finds the id finds the rest. Pairs with the collector's acquire. */
	atomic_store_explicit(&slot->id, (uint32_t)forks, memory_order_release);
}

static void before_fork(void)
{
	prepared = false;
	/* A handler that interrupted our own work and forks: its child stays dormant. */
	if (!life_present() || !thread_enter())
		return;
	if ((!life_traced() && !life_begin_child()) || ring_given_up()) {
		thread_leave();
		return;
	}
	prepared = true;
	cancel_flush();
	thread_lock();
	intern_lock();
	arenas_lock();
	ring_put(record_head(R_FORK, ++forks), 0);
}

static void unlock(void)
{
	arenas_unlock();
	intern_unlock();
	thread_unlock();
	thread_leave();
}

static void in_parent(void)
{
	if (prepared)
		unlock();
}

static void in_child(void)
{
	if (!prepared)
		return;
	thread_after_fork();
	audit_after_fork();
	unlock();
	family_tell(ring.header, FORK_WAITS);
	life_forked();
}

void family_init(void)
{
	pthread_atfork(before_fork, in_parent, in_child);
}
