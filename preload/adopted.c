#include "adopted.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "life.h"
#include "proc.h"
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

bool adopted_may_be(void)
{
	int subreaper = 0;

	return getpid() == 1 || (!prctl(PR_GET_CHILD_SUBREAPER, &subreaper) && subreaper);
}

/* By numbers as /proc has them, which may be another namespace's. */
static bool is_collector(pid_t pid, const struct proc_stat *self)
{
	struct proc_stat stat;

	return proc_stat_of(pid, &stat) && !strcmp(stat.name, ADOPTED_NAME) &&
	       stat.session != self->session;
}

bool adopted_is_ours(pid_t pid)
{
	int saved = errno;
	struct proc_stat self;
	/* The own one is known before it has its name: it may be started by a script. */
	bool ours = life_traced() && pid == (pid_t)atomic_load(&ring.header->collector_pid);

	if (!ours && proc_stat_of(PROC_SELF, &self) && self.pid == getpid())
		ours = is_collector(pid, &self);
	errno = saved;
	return ours;
}

/* Its own collector by the number that /proc has for it, where that is the same. */
static bool is_other(pid_t pid, const struct proc_stat *self)
{
	if (self->pid == getpid())
		return !adopted_is_ours(pid);
	return !is_collector(pid, self);
}

/* A list of numbers, "12 34 ", that comes in pieces. */
static bool lists_other(int fd, const struct proc_stat *self)
{
	char list[256];
	pid_t pid = 0;
	long len;

	while ((len = syscall(SYS_read, fd, list, sizeof(list))) > 0)
		for (long i = 0; i < len; i++) {
			if (list[i] >= '0' && list[i] <= '9') {
				pid = pid * 10 + (list[i] - '0');
				continue;
			}
			if (pid && is_other(pid, self))
				return true;
			pid = 0;
		}
	/* Not to be told: then as without us. */
	return len < 0;
}

enum scan { SCAN_NONE, SCAN_OTHER, SCAN_AGAIN };

static enum scan scan_thread(const char *tid, const struct proc_stat *self)
{
	char path[64];
	struct words words = words_over(path, sizeof(path));

	words_add(&words, "/proc/self/task/");
	words_add(&words, tid);
	words_add(&words, "/children");
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);

	/* A thread that has ended left its children to another one, maybe seen before. */
	if (fd < 0)
		return errno == ENOENT ? SCAN_AGAIN : SCAN_OTHER;
	bool other = lists_other(fd, self);

	syscall(SYS_close, fd);
	return other ? SCAN_OTHER : SCAN_NONE;
}

static enum scan scan_threads(int fd, const struct proc_stat *self)
{
	_Alignas(struct linux_entry) char entries[1024];
	enum scan result = SCAN_NONE;
	long len;

	while ((len = syscall(SYS_getdents64, fd, entries, sizeof(entries))) > 0)
		for (long at = 0; at < len;) {
			const struct linux_entry *entry =
				(const struct linux_entry *)(entries + at);

			if (entry->name[0] != '.')
				result = scan_thread(entry->name, self);
			if (result != SCAN_NONE)
				return result;
			at += entry->bytes;
		}
	return len < 0 ? SCAN_OTHER : SCAN_NONE;
}

static enum scan scan(void)
{
	struct proc_stat self;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/task",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0)
		return SCAN_OTHER;
	enum scan result = proc_stat_of(PROC_SELF, &self) ? scan_threads(fd, &self)
							  : SCAN_OTHER;

	syscall(SYS_close, fd);
	return result;
}

bool adopted_has_others(void)
{
	/* Kernels that were built without these lists look like a thread that has ended. */
	enum { MOST_SCANS = 16 };
	int saved = errno;
	enum scan result = SCAN_AGAIN;

	for (int n = 0; n < MOST_SCANS && result == SCAN_AGAIN; n++)
		result = scan();
	errno = saved;
	return result != SCAN_NONE;
}

void adopted_reap(void)
{
	int saved = errno;
	siginfo_t info = {.si_pid = 0};

	while (!real.waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid &&
	       adopted_is_ours(info.si_pid)) {
		if (real.waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG))
			break;
		info.si_pid = 0;
	}
	errno = saved;
}
