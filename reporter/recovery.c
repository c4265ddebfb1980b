#include "recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../collector/mem.h"

#include "install.h"

/*
 * In the child: the collector's stderr goes to `output`; nothing else of ours is its business.
 */
static void become_collector(const char *collector, const char *out, const char *to, int output)
{
	char recover[] = "--recover", into[] = "--to";
	__attribute__((cleanup(mem_scope))) char *program = mem_text(collector);
	__attribute__((cleanup(mem_scope))) char *path = mem_text(out);
	__attribute__((cleanup(mem_scope))) char *target = mem_text(to ? to : "");
	char *const argv[] = {program, recover, path, to ? into : NULL, target, NULL};
	dup2(output, STDERR_FILENO);
	dup2(output, STDOUT_FILENO);
	execv(collector, argv);
	dprintf(STDERR_FILENO, "%s: %s\n", collector, strerror(errno));
	_exit(127);
}

/* What fits, as one line; all of it is read, so that the writer never waits. */
static void read_output(int fd, char *text, size_t size)
{
	char waste[512];
	size_t len = 0;
	for (;;) {
		const bool full = len + 1 >= size;
		const ssize_t n = full ? read(fd, waste, sizeof waste)
				       : read(fd, text + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += full ? 0 : (size_t)n;
	}
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int report_failure(int status, const char *output, struct err *err)
{
	static const char prefix[] = "memtrace-collector: ";
	if (strncmp(output, prefix, sizeof prefix - 1) == 0)
		output += sizeof prefix - 1;
	if (*output)
		return err_set(err, "%s", output);
	if (WIFSIGNALED(status))
		return err_set(err, "the collector was killed by signal %d", WTERMSIG(status));
	return err_set(err, "the collector ended with status %d and said nothing",
		       WEXITSTATUS(status));
}

/* Into `to`, or where that is NULL, to the run's own profile. */
static int run_collector(const char *out, const char *to, struct err *err)
{
	__attribute__((cleanup(mem_scope))) char *collector = NULL;
	int ends[2], status = 0;
	char output[900];
	if (install_find_collector(&collector, err))
		return -1;
	if (pipe2(ends, O_CLOEXEC))
		return err_set(err, "can't make a pipe: %s", strerror(errno));
	const pid_t pid = fork();
	if (pid == 0)
		become_collector(collector, out, to, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return err_set(err, "can't start %s: %s", collector, strerror(errno));
	}
	read_output(ends[0], output, sizeof output);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status ? report_failure(status, output, err) : 0;
}

int recovery_run(const char *out, struct err *err)
{
	return run_collector(out, NULL, err);
}

static int open_elsewhere(const char *out, const char *parent, struct profile **ret_profile,
			  struct err *err)
{
	char folder[PATH_MAX], path[PATH_MAX + 32];
	snprintf(folder, sizeof folder, "%s/memtrace-recovery.XXXXXX", parent);
	if (!mkdtemp(folder))
		return err_set(err, "%s: %s", folder, strerror(errno));
	snprintf(path, sizeof path, "%s/recovered", folder);
	int result = run_collector(out, path, err);
	if (result == 0)
		result = profile_open_as(path, out, ret_profile, err);
	unlink(path);
	rmdir(folder);
	return result;
}

int recovery_open(const char *out, struct profile **ret_profile, struct err *err)
{
	if (recovery_run(out, err) == 0)
		return profile_open(out, ret_profile, err);
	const char *named = getenv("TMPDIR");
	const char *const parents[] = {named && *named ? named : "/tmp", "/dev/shm"};
	for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++)
		if (open_elsewhere(out, parents[i], ret_profile, NULL) == 0)
			return 0;
	return -1;
}
