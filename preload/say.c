#include "say.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "words.h"

/* The kernel's own set of signals is shorter than the C library's. */
enum { SIGSET_BYTES = 8 };

/* Nobody may be reading: a line isn't worth waiting for. */
static bool takes_more(void)
{
	struct pollfd stream = {.fd = STDERR_FILENO, .events = POLLOUT};
	struct timespec at_once = {0};

	return syscall(SYS_ppoll, &stream, 1, &at_once, NULL, SIGSET_BYTES) == 1 &&
	       stream.revents == POLLOUT;
}

/* What a write may send its thread: no reader, a file at its limit, a terminal in use. */
static void fill_signals_of_writing(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGPIPE);
	sigaddset(set, SIGXFSZ);
	sigaddset(set, SIGTTOU);
}

/* A signal that a write of ours caused would end the program; its own ones stay pending. */
static void write_unharmed(const char *text, size_t len)
{
	struct timespec at_once = {0};
	sigset_t set, before, pending;

	fill_signals_of_writing(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	sigpending(&pending);
	/* Not write, where a thread may be cancelled. */
	if (syscall(SYS_write, STDERR_FILENO, text, len) < 0) {
		if (sigismember(&pending, SIGPIPE))
			sigdelset(&set, SIGPIPE);
		if (sigismember(&pending, SIGXFSZ))
			sigdelset(&set, SIGXFSZ);
		sigdelset(&set, SIGTTOU);
		syscall(SYS_rt_sigtimedwait, &set, NULL, &at_once, SIGSET_BYTES);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void say(const char *const texts[])
{
	int saved = errno;
	char buffer[1024];
	/* One byte is kept for the newline. */
	struct words line = words_over(buffer, sizeof(buffer) - 1);

	words_add(&line, "memtrace: ");
	for (size_t i = 0; texts[i]; i++)
		words_add(&line, texts[i]);
	buffer[line.len] = '\n';
	if (takes_more())
		write_unharmed(buffer, line.len + 1);
	errno = saved;
}
