#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

static void fill_signals(sigset_t *set)
{
	static const int signals[] = {SIGCHLD, SIGINT,  SIGQUIT, SIGTERM,
				      SIGHUP,  SIGUSR1, SIGUSR2, SIGWINCH};
	sigemptyset(set);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		sigaddset(set, signals[i]);
}

static void become(const char *path, char *const *argv, const struct child_variable *variables,
		   const sigset_t *mask)
{
	for (; variables->name; variables++)
		if (variables->value)
			setenv(variables->name, variables->value, 1);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv(path, argv);
	const int error = errno;
	command_say("%s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE);
}

static int status_of(int status)
{
	return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Passes on what comes until the child has ended. */
static int wait_for(pid_t pid, const sigset_t *set)
{
	for (;;) {
		siginfo_t info;
		int status;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status_of(status);
		const int number = sigwaitinfo(set, &info);
		/* What the terminal sends (si_code > 0) goes to its whole foreground group. */
		if (number > 0 && number != SIGCHLD && info.si_code <= 0)
			kill(pid, number);
	}
}

int child_run(const char *path, char *const *argv, const struct child_variable *variables,
	      int *ret_status, struct err *err)
{
	sigset_t set, old;
	struct sigaction ours;
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	fill_signals(&set);
	/*
	 * With SIGCHLD ignored, as some parents leave it, there would be no status to wait for.
	 */
	sigaction(SIGCHLD, &by_default, &ours);
	sigprocmask(SIG_BLOCK, &set, &old);
	const pid_t pid = fork();
	if (pid == 0) {
		sigaction(SIGCHLD, &ours, NULL);
		become(path, argv, variables, &old);
	}
	const int error = errno;
	int result = 0;
	if (pid < 0)
		result = err_set(err, "can't start %s: %s", argv[0], strerror(error));
	else
		*ret_status = wait_for(pid, &set);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return result;
}
