/*
 * wait_hooks.c - the program never meets the collector among its children.
 *
 * Where the program is PID 1 or a subreaper, the kernel makes the orphaned collector its child.
 * Whoever waits for any child must not get it, nor wait for ever because it is the only one.
 * The collector leads a process group of its own, so that only waits for any child at all need
 * care.
 *
 * What these add to a program elsewhere is one system call a wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exports.h"
#include "life.h"
#include "real.h"
#include "ring.h"
#include "words.h"

/* As the kernel lays out a directory (getdents64): opendir would allocate. */
struct linux_entry {
	uint64_t inode;
	int64_t offset;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* The collector, if it is a child of this process; else 0. */
static pid_t adopted(void)
{
	siginfo_t info;
	pid_t pid = life_traced() ? (pid_t)atomic_load(&ring.header->collector_pid) : 0;

	if (!pid || real.waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT))
		return 0;
	return pid;
}

/* Whether a list of pids as /proc has it ("12 34 ") names another one. */
static bool names_another(const char *list, pid_t collector)
{
	char *end;

	for (long pid = strtol(list, &end, 10); end != list; pid = strtol(list, &end, 10)) {
		if (pid != collector)
			return true;
		list = end;
	}
	return false;
}

static bool thread_has_another(const char *tid, pid_t collector)
{
	char path[64], list[256];
	struct words words = words_over(path, sizeof(path));

	words_add(&words, "/proc/self/task/");
	words_add(&words, tid);
	words_add(&words, "/children");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);

	if (fd >= 0)
		close(fd);
	/* Not to be told: then as without us. */
	if (len < 0)
		return true;
	list[len] = '\0';
	return names_another(list, collector);
}

/* Children belong to threads; any thread may wait for them. */
static bool has_another(pid_t collector)
{
	_Alignas(struct linux_entry) char entries[1024];
	int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool found = fd < 0;
	long len;

	while (!found && (len = syscall(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < len && !found;) {
			const struct linux_entry *entry =
				(const struct linux_entry *)(entries + at);

			found = entry->name[0] != '.' &&
				thread_has_another(entry->name, collector);
			at += entry->bytes;
		}
	if (fd >= 0)
		close(fd);
	return found;
}

/* The wait that was asked for, as often as it gives the collector. */
static pid_t wait_for_any(int *status, int options, struct rusage *usage)
{
	for (;;) {
		pid_t collector = adopted();

		if (collector && !has_another(collector)) {
			errno = ECHILD;
			return -1;
		}
		pid_t pid = real.wait4(-1, status, options, usage);

		if (pid <= 0 || pid != collector)
			return pid;
	}
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	if (!real_resolve())
		return -1;
	return pid == -1 ? wait_for_any(status, options, usage)
			 : real.wait4(pid, status, options, usage);
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
	return wait4(pid, status, options, NULL);
}

EXPORT pid_t wait(int *status)
{
	return wait4(-1, status, 0, NULL);
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	if (!real_resolve())
		return -1;
	for (;;) {
		pid_t collector = type == P_ALL ? adopted() : 0;

		if (collector && !has_another(collector)) {
			errno = ECHILD;
			return -1;
		}
		int result = real.waitid(type, id, info, options);

		if (result || !collector || !info || info->si_pid != collector)
			return result;
		/* It has ended, and was left to be waited for again: taken now, it is gone. */
		if (options & WNOWAIT)
			real.waitid(P_PID, (id_t)collector, info, WEXITED | WNOHANG);
	}
}
