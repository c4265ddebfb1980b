/*
 * race_reader.h - a ring of the library's, and a thread that reads it as the stream's header
 * says.
 *
 * The reader shares no code with the collector's. It never naps, so the ring is as often full
 * as the writers are faster; it is the smallest one unless told otherwise. What it finds wrong
 * it says once, in `wrong`: cmocka's assertions are for the main thread.
 *
 * `make tsan` builds the tests that include this with ThreadSanitizer, and the modules with
 * them.
 */
#ifndef MEMTRACE_RACE_READER_H
#define MEMTRACE_RACE_READER_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../preload/ring.h"

enum { RACE_THREADS = 6, RACE_SENTENCE = 160, RACE_STUMBLE_NS = 100000 };

/* MEMTRACE_RACE_ROUNDS asks for other than the few that suit every check. */
static inline uint32_t race_rounds(uint32_t usual)
{
	const char *asked = getenv("MEMTRACE_RACE_ROUNDS");

	return asked ? (uint32_t)strtoul(asked, NULL, 10) : usual;
}

static inline uint64_t race_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint64_t race_seed(uint32_t thread)
{
	return 88172645463325252ULL + thread * 7919ULL;
}

struct race_reader {
	void (*take)(struct race_reader *reader, const struct record *record);
	void *model;
	uint64_t position;
	char wrong[RACE_SENTENCE];
	pthread_t thread;
	_Atomic bool stop;
};

#define race_check(reader, condition, ...)                                               \
	do {                                                                             \
		if (!(condition) && !(reader)->wrong[0])                                 \
			snprintf((reader)->wrong, sizeof((reader)->wrong), __VA_ARGS__); \
	} while (0)

static inline struct record race_wait_for_record(uint64_t position)
{
	struct record *slot = &ring.slots[position & (ring.capacity - 1)];
	struct record record;

	/* Acquire: pairs with ring_commit's release. */
	while ((record.head = __atomic_load_n(&slot->head, __ATOMIC_ACQUIRE)) >> 54 !=
	       record_lap(position, ring.capacity))
		sched_yield();
	record.body = __atomic_load_n(&slot->body, __ATOMIC_RELAXED);
	return record;
}

static inline void *race_read(void *argument)
{
	struct race_reader *reader = argument;
	struct ring_header *header = ring.header;

	for (;;) {
		bool last = atomic_load(&reader->stop);
		uint64_t head = atomic_load_explicit(&header->head, memory_order_relaxed);

		while (reader->position < head) {
			struct record record = race_wait_for_record(reader->position++);

			reader->take(reader, &record);
			/* Release: pairs with has_room's acquire. */
			atomic_store_explicit(&header->tail, reader->position,
					      memory_order_release);
		}
		atomic_fetch_add_explicit(&header->heartbeat, 1, memory_order_relaxed);
		if (last)
			return NULL;
		sched_yield();
	}
}

static inline bool race_begin(struct race_reader *reader, uint64_t record_bytes)
{
	int fd = memfd_create("race", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)ring_file_bytes(record_bytes)) ||
	    !ring_open(fd, record_bytes))
		return false;
	close(fd);
	/* However slow the machine: the reader lives in this process. */
	ring.wait_for_ever = true;
	atomic_store(&ring.header->collector_pid, (uint32_t)getpid());
	return !pthread_create(&reader->thread, NULL, race_read, reader);
}

/* When nobody writes any more. The ring stays for the test to look at. */
static inline void race_end(struct race_reader *reader)
{
	atomic_store(&reader->stop, true);
	pthread_join(reader->thread, NULL);
}

/*
 * The gaps that a race needs are a few instructions wide: here a thread may stop for long in
 * any.
 */
static inline void race_stumble(int number)
{
	int saved = errno;

	(void)number;
	nanosleep(&(struct timespec){.tv_nsec = RACE_STUMBLE_NS}, NULL);
	errno = saved;
}

struct race_worker {
	pthread_t thread;
	void *(*work)(void *);
	uintptr_t number;
	_Atomic bool done;
};

static inline void *race_work(void *argument)
{
	struct race_worker *worker = argument;

	worker->work((void *)worker->number);
	atomic_store(&worker->done, true);
	return NULL;
}

/* Runs the threads; each gets its number, and stumbles now and then. */
static inline void race_run(void *(*work)(void *))
{
	struct race_worker workers[RACE_THREADS];
	struct sigaction action = {.sa_handler = race_stumble, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &action, NULL);
	for (uintptr_t i = 0; i < RACE_THREADS; i++) {
		workers[i] = (struct race_worker){.work = work, .number = i};
		pthread_create(&workers[i].thread, NULL, race_work, &workers[i]);
	}
	for (int i = 0; i < RACE_THREADS; i++) {
		while (!atomic_load(&workers[i].done)) {
			for (int other = i; other < RACE_THREADS; other++)
				pthread_kill(workers[other].thread, SIGUSR1);
			nanosleep(&(struct timespec){.tv_nsec = RACE_STUMBLE_NS}, NULL);
		}
		pthread_join(workers[i].thread, NULL);
	}
}

#endif
