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
#include <time.h>

enum { SLOTS = 64, THREADS_MOST = 16, TRAY_BLOCKS = 128 };

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
		workers[i] = (struct worker){.state = 88172645463325252ULL + (uint64_t)i * 7919,
					     .rounds = rounds};
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
	struct worker w = {.state = 4101842887655102017ULL, .rounds = rounds};

	work(&w);
	for (int i = 0; i < SLOTS; i++)
		free(atomic_exchange(&slots[i], NULL));
	return w.allocations;
}

/* As fast as the machine goes: next to nothing is done but to allocate and to free. */
struct tray {
	void *blocks[TRAY_BLOCKS];
};

static struct tray trays[SLOTS + THREADS_MOST];
static _Atomic(struct tray *) shelves[SLOTS];
static const size_t sizes[] = {16, 400, 64, 32, 900, 128, 48, 250};

static void *rush_along(void *argument)
{
	struct worker *w = argument;
	struct tray *tray = &trays[SLOTS + w->state % THREADS_MOST];

	for (long i = 0; i < w->rounds; i++) {
		for (int at = 0; at < TRAY_BLOCKS; at++)
			tray->blocks[at] =
				malloc(sizes[at % (sizeof(sizes) / sizeof(sizes[0]))]);
		w->allocations += TRAY_BLOCKS;
		/* Another thread's, most often. */
		tray = atomic_exchange(&shelves[(i * 7 + (long)w->state) % SLOTS], tray);
		for (int at = 0; at < TRAY_BLOCKS; at++)
			free(tray->blocks[at]);
	}
	return NULL;
}

/*
 * Returns how many allocations were made; none is live when it returns. *ret_seconds: how long it
 * took.
 */
long rush(int threads, long rounds, double *ret_seconds)
{
	pthread_t ids[THREADS_MOST];
	struct worker workers[THREADS_MOST];
	struct timespec start, end;
	long allocations = 0;

	for (int i = 0; i < SLOTS; i++)
		atomic_store(&shelves[i], &trays[i]);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < threads; i++) {
		workers[i] = (struct worker){.state = (uint64_t)i, .rounds = rounds};
		pthread_create(&ids[i], NULL, rush_along, &workers[i]);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		allocations += workers[i].allocations;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	*ret_seconds = (double)(end.tv_sec - start.tv_sec) +
		       (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	for (int i = 0; i < SLOTS; i++)
		for (int at = 0; at < TRAY_BLOCKS; at++)
			free(atomic_load(&shelves[i])->blocks[at]);
	return allocations;
}
