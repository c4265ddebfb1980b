/*
 * interrupts.c - threads that are interrupted or cancelled in the middle of allocating, for
 * test_interrupts.py.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

static _Atomic int started, finished;

static void *allocate(void *rounds)
{
	started = 1;
	for (long i = 0; i < (long)rounds; i++) {
		char *volatile block = malloc(700);

		free(block);
	}
	finished = 1;
	pthread_testcancel();
	return NULL;
}

/*
 * A thread that is cancelled while it does nothing but allocate: 1 if it got to its end first.
 */
int cancelled_at_its_end(long rounds)
{
	pthread_t id;
	void *result;

	pthread_create(&id, NULL, allocate, (void *)rounds);
	while (!started)
		;
	pthread_cancel(id);
	pthread_join(id, &result);
	return finished && result == PTHREAD_CANCELED;
}

static void (*mark)(const char *);
static volatile sig_atomic_t handled;

static void make_mark(int number)
{
	(void)number;
	if (mark)
		mark("tick");
	handled++;
}

/* Allocates until so many handlers have made a mark each. */
void marks_in_handlers(int wanted)
{
	struct sigaction action = { .sa_handler = make_mark, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	char *volatile blocks[16];

	mark = (void (*)(const char *))dlsym(RTLD_DEFAULT, "memtrace_mark");
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (size_t i = 0; handled < wanted; i++) {
		for (size_t k = 0; k < 16; k++)
			blocks[k] = malloc(2000 + 16 * k + i % 7777);
		for (size_t k = 0; k < 16; k++)
			free(blocks[k]);
	}
	setitimer(ITIMER_REAL, &never, NULL);
}
