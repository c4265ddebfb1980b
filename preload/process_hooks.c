/*
 * process_hooks.c - the ways in which a process ends or becomes another program.
 *
 * A vfork child runs these in its parent's memory: life_end and life_exec ask the kernel whose
 * process this is before they touch anything.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "exports.h"
#include "life.h"
#include "real.h"

EXPORT void _exit(int status)
{
	life_end(END_UNDERSCORE_EXIT, status);
	real_resolve();
	real._exit(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

EXPORT void abort(void)
{
	life_end(END_ABORT, 0);
	real_resolve();
	real.abort();
	__builtin_unreachable();
}

/* Another library's constructor may come before ours. */
static void before_exec(void)
{
	real_resolve();
	life_exec();
}

static int failed(int result)
{
	int error = errno;

	life_exec_failed(error);
	errno = error;
	return result;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	before_exec();
	return failed(real.execve(path, argv, envp));
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	before_exec();
	return failed(real.execvpe(file, argv, envp));
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	before_exec();
	return failed(real.fexecve(fd, argv, envp));
}

EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	before_exec();
	return failed(real.execveat(fd, path, argv, envp, flags));
}

/*
 * The variadic ones collect their arguments: no heap (a vfork child may be calling), so they go
 * into a fixed array. Longer lists than any shell or program writes by hand fail with E2BIG.
 */
enum { MOST_ARGUMENTS = 1024 };

static int collect(char **argv, const char *first, va_list *more)
{
	int count = 0;

	argv[count++] = (char *)(uintptr_t)first;
	while (argv[count - 1] && count < MOST_ARGUMENTS)
		argv[count++] = va_arg(*more, char *);
	if (!argv[count - 1])
		return 0;
	errno = E2BIG;
	return -1;
}

EXPORT int execl(const char *path, const char *first, ...)
{
	char *argv[MOST_ARGUMENTS];
	va_list more;

	va_start(more, first);
	int result = collect(argv, first, &more);

	va_end(more);
	return result ? result : execve(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	char *argv[MOST_ARGUMENTS];
	va_list more;

	va_start(more, first);
	int result = collect(argv, first, &more);

	va_end(more);
	return result ? result : execvpe(file, argv, environ);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	char *argv[MOST_ARGUMENTS];
	va_list more;

	va_start(more, first);
	int result = collect(argv, first, &more);
	char *const *envp = result ? NULL : va_arg(more, char *const *);

	va_end(more);
	return result ? result : execve(path, argv, envp);
}
