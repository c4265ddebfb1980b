/*
 * spin.h - a lock for sections of a few dozen instructions.
 *
 * A section may be longer only while the ring is full, and that wait is bounded. Whoever
 * interrupts a holder on its own thread (a signal handler) finds the thread's guard set and
 * doesn't come here.
 */
#ifndef MEMTRACE_SPIN_H
#define MEMTRACE_SPIN_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline void spin_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline bool spin_try(_Atomic uint32_t *lock)
{
	uint32_t open = 0;

	/* Acquire: pairs with spin_unlock's release. */
	return atomic_compare_exchange_strong_explicit(lock, &open, 1, memory_order_acquire,
						       memory_order_relaxed);
}

static inline void spin_lock(_Atomic uint32_t *lock)
{
	for (unsigned tries = 1; !spin_try(lock); tries++)
		if (tries % 64 == 0)
			sched_yield();
}

static inline void spin_unlock(_Atomic uint32_t *lock)
{
	atomic_store_explicit(lock, 0, memory_order_release);
}

#endif
