/*
 * wait_hooks.c - the program never meets a collector among its children (adopted.h).
 *
 * Whoever waits for any child must not get a collector, nor wait for ever because only
 * collectors are left. So a child is looked at first and left where it is (WNOWAIT), and taken
 * by its number when it is the program's. Collectors are in process groups of their own: only
 * waits for any child at all need this care.
 *
 * What these add to a program that adopts nobody is two system calls a wait.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "adopted.h"
#include "exports.h"
#include "real.h"

enum { HOW_TO_LOOK = __WNOTHREAD | __WCLONE | __WALL };

/* Takes what a collector has to tell: its end, or that it was stopped. */
static void discard(pid_t collector, int options)
{
	siginfo_t info;

	real.waitid(P_PID, (id_t)collector, &info, (options & ~WNOWAIT) | WNOHANG);
}

/* Where SIGCHLD is ignored children leave nothing, and a wait ends with the last of them. */
static bool nothing_is_left(void)
{
	struct sigaction now;

	return !sigaction(SIGCHLD, NULL, &now) &&
	       (now.sa_handler == SIG_IGN || now.sa_flags & SA_NOCLDWAIT);
}

/* The kernel would wait for our collector, too. -1: a signal came. */
static int nap(void)
{
	enum { NAP_NS = 5000000 };

	return (int)syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

/*
 * The next child of the program's with something to tell, left where it is. 0: none has, and
 * WNOHANG was asked for. -1: as waitid.
 */
static pid_t look(int options, siginfo_t *info)
{
	for (;;) {
		/* At first without waiting: looking for others takes longer. */
		info->si_pid = 0;
		if (real.waitid(P_ALL, 0, info, options | WNOWAIT | WNOHANG))
			return -1;
		if (!info->si_pid && !adopted_has_others()) {
			errno = ECHILD;
			return -1;
		}
		if (!info->si_pid && !(options & WNOHANG) && nothing_is_left()) {
			if (nap())
				return -1;
			continue;
		}
		if (!info->si_pid && real.waitid(P_ALL, 0, info, options | WNOWAIT))
			return -1;
		if (!info->si_pid || !adopted_is_ours(info->si_pid))
			return info->si_pid;
		discard(info->si_pid, options);
	}
}

static pid_t wait_for_any(int *status, int options, struct rusage *usage)
{
	const int events = WEXITED | (options & WUNTRACED ? WSTOPPED : 0) |
			   (options & (WCONTINUED | WNOHANG | HOW_TO_LOOK));
	siginfo_t info;

	for (;;) {
		pid_t found = look(events, &info);

		if (found <= 0)
			return found;
		pid_t pid = real.wait4(found, status, options | WNOHANG, usage);

		/* Unless another thread was faster. */
		if (pid > 0 || (pid < 0 && errno != ECHILD))
			return pid;
	}
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	if (!real_resolve())
		return -1;
	if (!adopted_may_be())
		return real.wait4(pid, status, options, usage);
	if (pid == -1)
		return wait_for_any(status, options, usage);
	adopted_reap();
	return real.wait4(pid, status, options, usage);
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

static int waitid_for_any(siginfo_t *ret_info, int options)
{
	siginfo_t info;

	for (;;) {
		pid_t found = look(options & ~WNOWAIT, &info);

		if (found < 0)
			return -1;
		if (found > 0 && !(options & WNOWAIT)) {
			info.si_pid = 0;
			int result = real.waitid(P_PID, (id_t)found, &info, options | WNOHANG);

			/* Unless another thread was faster. */
			if (result ? errno == ECHILD : !info.si_pid)
				continue;
			if (result)
				return result;
		}
		if (ret_info)
			*ret_info = info;
		return 0;
	}
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	if (!real_resolve())
		return -1;
	if (!adopted_may_be())
		return real.waitid(type, id, info, options);
	if (type == P_ALL)
		return waitid_for_any(info, options);
	adopted_reap();
	return real.waitid(type, id, info, options);
}
