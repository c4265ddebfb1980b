#include "spawn.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adopted.h"
#include "memory.h"
#include "real.h"
#include "ring.h"
#include "say.h"
#include "words.h"

enum { STACK_BYTES = 64 << 10, ARGUMENTS = 10 /* with the NULL at the end */ };

struct spawn {
	const char *path;
	char *argv[ARGUMENTS];
	char *stack;
	int error; /* of execve; the memory is shared */
	int pid;
};

/* In the collector-to-be, on a stack of its own, in the program's memory: system calls only. */
static int become_collector(void *argument)
{
	struct spawn *spawn = argument;
	char *no_environment[] = {NULL};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_setsid);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	syscall(SYS_execve, spawn->path, spawn->argv, no_environment);
	spawn->error = errno;
	syscall(SYS_exit_group, 127);
	return 0;
}

/* Named at once: where the program is killed in here, somebody adopts us (adopted.h). */
static int intermediate(void *argument)
{
	struct spawn *spawn = argument;

	syscall(SYS_prctl, PR_SET_NAME, ADOPTED_NAME);
	syscall(SYS_setsid);
	spawn->pid = clone(become_collector, spawn->stack + STACK_BYTES, CLONE_VM | CLONE_VFORK,
			   spawn);
	if (spawn->pid < 0)
		spawn->error = errno;
	syscall(SYS_exit_group, 0);
	return 0;
}

/*
 * Both clones wait until the child has gone on (CLONE_VFORK): `error` is there when this
 * returns.
 */
static void run(struct spawn *spawn)
{
	char *stacks = memory_get(2 * STACK_BYTES);
	sigset_t all, before;

	if (!stacks) {
		spawn->error = ENOMEM;
		return;
	}
	spawn->stack = stacks;
	/* No handler of the program's may run in there. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	int pid = clone(intermediate, stacks + 2 * STACK_BYTES, CLONE_VM | CLONE_VFORK, spawn);

	if (pid < 0)
		spawn->error = errno;
	else
		while (real.wait4(pid, NULL, __WCLONE, NULL) < 0 && errno == EINTR)
			;
	sigprocmask(SIG_SETMASK, &before, NULL);
	memory_drop(stacks, 2 * STACK_BYTES);
}

static bool try_beside(const char *library, size_t folder_len, const char *rest, char *path)
{
	struct words words = words_over(path, PATH_MAX);

	words_bytes(&words, library, folder_len);
	words_add(&words, rest);
	return !words.cut && !access(path, X_OK);
}

/*
 * Beside the library, as in a build or a copied pair of files, or where `make install` puts it.
 */
static bool find_collector(const struct options *options, char *path)
{
	Dl_info self;

	if (options->collector) {
		struct words words = words_over(path, PATH_MAX);

		words_add(&words, options->collector);
		return true;
	}
	if (!dladdr((void *)(uintptr_t)&spawn_collector, &self) || !self.dli_fname)
		return false;
	const char *slash = strrchr(self.dli_fname, '/');
	size_t folder = slash ? (size_t)(slash - self.dli_fname) : 0;

	/* $LIB may be lib, lib64 or lib/x86_64-linux-gnu. */
	return slash && (try_beside(self.dli_fname, folder, "/memtrace-collector", path) ||
			 try_beside(self.dli_fname, folder,
				    "/../libexec/memtrace/memtrace-collector", path) ||
			 try_beside(self.dli_fname, folder,
				    "/../../libexec/memtrace/memtrace-collector", path));
}

bool spawn_collector(const struct options *options, const char *out, const char *log)
{
	static const char *const events[] = {"off", "full", "all"};
	char path[PATH_MAX], journal[24];
	struct words bytes = words_over(journal, sizeof(journal));

	words_number(&bytes, options->journal_bytes);
	if (!find_collector(options, path)) {
		say((const char *const[]){"no memtrace-collector beside the library; "
					  "the program runs untraced",
					  NULL});
		return false;
	}
	struct spawn spawn = {
		.path = path,
	};
	/* execve takes its arguments as char *, and leaves them alone. */
	const char *const arguments[ARGUMENTS] = {
		"memtrace-collector",
		"--out",
		out,
		"--events",
		events[options->events],
		"--journal",
		journal,
		log ? "--log" : NULL,
		log,
	};

	memcpy(spawn.argv, arguments, sizeof(arguments));

	run(&spawn);
	if (spawn.error)
		say((const char *const[]){"can't start ", path, " (",
					  strerrordesc_np(spawn.error),
					  "); the program runs untraced", NULL});
	else
		/*
		 * Before it says so itself: the program may wait for a child at once
		 * (wait_hooks.c).
		 */
		atomic_store(&ring.header->collector_pid, (uint32_t)spawn.pid);
	return !spawn.error;
}
