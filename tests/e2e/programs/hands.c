/*
 * hands.c - blocks that change hands between threads, for test_threads.py.
 *
 * Every block that is made here is freed here: whatever a tracer still calls live afterwards is
 * a phantom.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { SLOTS = 64, THREADS_MOST = 16 };

static _Atomic(void *) slots[SLOTS];

struct worker {
	uint64_t state;
	long rounds;
	long allocations;
};

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void *work(void *argument)
{
	struct worker *w = argument;

	for (long i = 0; i < w->rounds; i++) {
		uint64_t dice = next(&w->state);
		size_t slot = dice % SLOTS;
		size_t size = 1 + (dice >> 20) % 2000;
		void *mine = atomic_exchange(&slots[slot], NULL);
		void *bigger = realloc(mine, size);

		w->allocations++;
		free(atomic_exchange(&slots[(dice >> 40) % SLOTS], bigger));
	}
	return NULL;
}

/* Returns how many allocations were made; none is live when it returns. */
long churn(int threads, long rounds)
{
	pthread_t ids[THREADS_MOST];
	struct worker workers[THREADS_MOST];
	long allocations = 0;

	for (int i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .state = 88172645463325252ULL + (uint64_t)i * 7919,
					      .rounds = rounds };
		pthread_create(&ids[i], NULL, work, &workers[i]);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		allocations += workers[i].allocations;
	}
	for (int i = 0; i < SLOTS; i++)
		free(atomic_exchange(&slots[i], NULL));
	return allocations;
}

/* The same in the caller's thread, which has a Python stack. */
long churn_here(long rounds)
{
	struct worker w = { .state = 4101842887655102017ULL, .rounds = rounds };

	work(&w);
	for (int i = 0; i < SLOTS; i++)
		free(atomic_exchange(&slots[i], NULL));
	return w.allocations;
}
