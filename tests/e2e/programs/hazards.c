/*
 * hazards.c - what may go wrong in a process that isn't ours, for test_hooks.py: a shared
 * library that a traced Python calls.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Every hook once when it works and once when it doesn't, each with errno set to this before.
 */
enum { BEFORE = 77, PAGE = 4096 };
/* Volatile: the compiler would warn of a size that it knew. */
static volatile size_t too_much = PTRDIFF_MAX;
static char *no_arguments[] = {NULL};

static void *block_of(size_t bytes)
{
	void *block = malloc(bytes);

	errno = BEFORE;
	return block;
}

static void *mapping(void)
{
	void *map = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = BEFORE;
	return map;
}

static int aligned(size_t alignment)
{
	void *block = NULL;
	int error = posix_memalign(&block, alignment, 100);

	return error;
}

static int given_back(void *block)
{
	free(block);
	return 0;
}

static int marked(void)
{
	void (*mark)(const char *) = (void (*)(const char *))dlsym(RTLD_DEFAULT,
								   "memtrace_mark");

	dlerror();
	errno = BEFORE;
	if (mark)
		mark("errno");
	return 0;
}

/* Two lists of nothing but names and calls. */
#define POINTERS(X)                                 \
	X(malloc(100))                              \
	X(malloc(100000))                           \
	X(malloc(10 << 20))                         \
	X(malloc(too_much))                         \
	X(calloc(3, 100))                           \
	X(calloc(too_much, 3))                      \
	X(realloc(NULL, 100))                       \
	X(realloc(block_of(100), 100000))           \
	X(realloc(block_of(100000), 100))           \
	X(realloc(block_of(100), too_much))         \
	X(realloc(block_of(100), 0))                \
	X(reallocarray(block_of(100), 3, 100))      \
	X(reallocarray(block_of(100), too_much, 3)) \
	X(aligned_alloc(64, 640))                   \
	X(memalign(64, 640))                        \
	X(memalign(64, too_much))                   \
	X(valloc(100))                              \
	X(valloc(too_much))                         \
	X(pvalloc(100))                             \
	X(pvalloc(too_much))                        \
	X(dlopen("libc.so.6", RTLD_NOW))            \
	X(dlopen("no such library", RTLD_NOW))
#define NUMBERS(X)                                                             \
	X(given_back(NULL))                                                    \
	X(given_back(block_of(100)))                                           \
	X(given_back(block_of(10 << 20)))                                      \
	X(aligned(64))                                                         \
	X(aligned(3))                                                          \
	X(mapping() == MAP_FAILED)                                             \
	X(mmap(NULL, 0, 0, 0, -1, 0) == MAP_FAILED)                            \
	X(munmap(mapping(), 4 * PAGE))                                         \
	X(munmap((char *)mapping() + 1, PAGE))                                 \
	X(mremap(mapping(), 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED) \
	X(mremap(mapping(), 4 * PAGE, 0, MREMAP_MAYMOVE) == MAP_FAILED)        \
	X(execve("/no/such/file", no_arguments, no_arguments))                 \
	X(execv("/", no_arguments))                                            \
	X(execvp("no such file", no_arguments))                                \
	X(execl("/no/such/file", "x", (char *)NULL))                           \
	X(execlp("no such file", "x", (char *)NULL))                           \
	X(execle("/no/such/file", "x", (char *)NULL, no_arguments))            \
	X(fexecve(-1, no_arguments, no_arguments))                             \
	X(execveat(-1, "x", no_arguments, no_arguments, 0))                    \
	X(wait(NULL))                                                          \
	X(waitpid(-1, NULL, WNOHANG))                                          \
	X(waitpid(1, NULL, 0))                                                 \
	X(wait3(NULL, 0, NULL))                                                \
	X(wait4(-1, NULL, 0, NULL))                                            \
	X(waitid(P_ALL, 0, NULL, WEXITED))                                     \
	X(marked())

enum {
#define X(call) +1
	POINTER_COUNT = 0 POINTERS(X),
	CALLS = POINTER_COUNT NUMBERS(X),
#undef X
};

/* errno has to be taken before anything is printed. */
static void try_call(int index)
{
	int at = 0;

	errno = BEFORE;
#define X(call)                                                                           \
	if (at++ == index) {                                                              \
		void *volatile result = call;                                             \
		int error = errno;                                                        \
		dprintf(1, "%s: %s, errno %d\n", #call, result ? "some" : "none", error); \
		return;                                                                   \
	}
	POINTERS(X)
#undef X
#define X(call)                                                          \
	if (at++ == index) {                                             \
		volatile long result = (long)(call);                     \
		int error = errno;                                       \
		dprintf(1, "%s: %ld, errno %d\n", #call, result, error); \
		return;                                                  \
	}
	NUMBERS(X)
#undef X
}

static void *try_in_thread(void *index)
{
	try_call((int)(intptr_t)index);
	return NULL;
}

void errno_here(void)
{
	for (int i = 0; i < CALLS; i++)
		try_call(i);
}

/* Each is the first event of its thread. */
void errno_in_threads(void)
{
	for (int i = 0; i < CALLS; i++) {
		pthread_t id;

		pthread_create(&id, NULL, try_in_thread, (void *)(intptr_t)i);
		pthread_join(id, NULL);
	}
}

/* Each is the first event of its process. */
void errno_in_children(void)
{
	for (int i = 0; i < CALLS; i++) {
		pid_t pid = fork();

		if (!pid) {
			try_call(i);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/*
 * Blocks that are made in the destructors of a thread's keys, as long as the C library calls
 * them.
 */
enum { LATE_BYTES = 7001, EARLY_BYTES = 7003 };
static pthread_key_t first_key, second_key;
static _Atomic int made_late;

static void make_late(void *earlier)
{
	char *kept = malloc(LATE_BYTES);

	free(earlier);
	if (kept)
		made_late++;
	/* It has a value again: the C library goes round until it has had enough. */
	pthread_setspecific(first_key, malloc(EARLY_BYTES));
}

static void *use_keys(void *unused)
{
	(void)unused;
	pthread_setspecific(first_key, malloc(EARLY_BYTES));
	pthread_setspecific(second_key, malloc(EARLY_BYTES));
	return NULL;
}

/* How many blocks of 7001 bytes were made by threads that had ended otherwise. */
int blocks_of_ended_threads(int threads)
{
	pthread_key_create(&first_key, make_late);
	pthread_key_create(&second_key, free);
	for (int i = 0; i < threads; i++) {
		pthread_t id;

		pthread_create(&id, NULL, use_keys, NULL);
		pthread_join(id, NULL);
	}
	return made_late;
}

/* A handler that allocates, as long as the program itself takes nothing from malloc. */
enum { HANDLER_BYTES = 3001, HANDLER_BLOCKS = 64 };
static void *volatile handlers[HANDLER_BLOCKS];
static volatile sig_atomic_t handled;

static void allocate_in_handler(int number)
{
	int saved = errno;
	unsigned at = (unsigned)handled++ % HANDLER_BLOCKS;

	(void)number;
	free(handlers[at]);
	handlers[at] = malloc(HANDLER_BYTES);
	errno = saved;
}

static void set_timer(long microseconds)
{
	struct itimerval often = {{0, microseconds}, {0, microseconds}};

	setitimer(ITIMER_REAL, &often, NULL);
}

/* On a stack of its own, of the size that is meant for that. */
void handlers_begin(void)
{
	size_t bytes = (size_t)sysconf(_SC_SIGSTKSZ);
	stack_t stack = {.ss_sp = malloc(bytes), .ss_size = bytes};
	struct sigaction action = {.sa_handler = allocate_in_handler,
				   .sa_flags = SA_RESTART | SA_ONSTACK};

	sigaltstack(&stack, NULL);
	sigaction(SIGALRM, &action, NULL);
	set_timer(100);
}

int handlers_done(void)
{
	return handled;
}

void handlers_end(void)
{
	set_timer(0);
}

/* Takes them all away, and makes as many of another size. */
enum { AFTERWARDS_BYTES = 3011 };

void handlers_forget(void)
{
	for (int i = 0; i < HANDLER_BLOCKS; i++) {
		free(handlers[i]);
		handlers[i] = malloc(AFTERWARDS_BYTES);
	}
}

/* A child that shares its parent's memory until it is another program or gone. */
enum { CHILD_BYTES = 9001 };
static void *volatile of_child;

void *block_of_vfork(const char *program)
{
	char *arguments[] = {(char *)(uintptr_t)program, NULL};
	pid_t pid = vfork();

	if (!pid) {
		of_child = malloc(CHILD_BYTES);
		free(malloc(CHILD_BYTES));
		execv("/no/such/file", arguments);
		if (*program)
			execv(program, arguments);
		_exit(3);
	}
	waitpid(pid, NULL, 0);
	return of_child;
}

/* What is done after main, and after the tracer has ended, frees what was made before. */
static void *volatile until_the_end;

static void at_end(void)
{
	void *block = malloc(5001);

	free(until_the_end);
	until_the_end = realloc(block, 50001);
	dprintf(1, "at exit: %s\n", until_the_end ? "some" : "none");
}

__attribute__((destructor)) static void at_unloading(void)
{
	if (until_the_end) {
		free(until_the_end);
		free(calloc(10, 500));
		dprintf(1, "unloaded\n");
	}
}

void allocate_at_the_end(void)
{
	until_the_end = malloc(4001);
	atexit(at_end);
}

/* A thread with the smallest stack there may be, and its child. */
enum { SMALL_BYTES = 7013 };
static void *volatile of_small[2];

static void *work_with_little(void *unused)
{
	of_small[0] = malloc(SMALL_BYTES);
	marked();
	pid_t pid = fork();

	if (!pid) {
		of_small[1] = malloc(SMALL_BYTES);
		marked();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return unused;
}

int work_on_a_small_stack(size_t bytes)
{
	pthread_attr_t attributes;
	pthread_t id;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, bytes);
	int error = pthread_create(&id, &attributes, work_with_little, NULL);

	return error ? error : pthread_join(id, NULL);
}
