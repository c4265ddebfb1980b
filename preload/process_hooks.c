/*
 * process_hooks.c - the ways in which a process ends or becomes another program.
 *
 * A vfork child runs these in its parent's memory: life_end and life_exec ask the kernel whose
 * process this is before they touch anything.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "exports.h"
#include "life.h"
#include "memory.h"
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
 * The variadic ones collect their arguments without the heap, for a vfork child may be calling:
 * as many as there mostly are on the stack, longer lists in pages of their own. Those stay
 * where a vfork child goes on to another program, in its parent: a few pages.
 */
struct arguments {
	char *few[256];
	char **argv;
	size_t mapped_bytes; /* of argv; 0: it is `few` */
};

/* Up to the NULL. False, and errno: there is no memory for them. */
static bool collect(struct arguments *arguments, const char *first, va_list *more)
{
	size_t count = 1;
	va_list ahead;

	va_copy(ahead, *more);
	for (const char *at = first; at; count++)
		at = va_arg(ahead, const char *);
	va_end(ahead);
	arguments->argv = arguments->few;
	arguments->mapped_bytes = 0;
	if (count > sizeof(arguments->few) / sizeof(arguments->few[0])) {
		arguments->mapped_bytes = count * sizeof(*arguments->argv);
		arguments->argv = memory_get(arguments->mapped_bytes);
	}
	if (!arguments->argv) {
		errno = ENOMEM;
		return false;
	}
	arguments->argv[0] = (char *)(uintptr_t)first;
	for (size_t i = 1; i < count; i++)
		arguments->argv[i] = va_arg(*more, char *);
	return true;
}

/* It didn't become another program. */
static int give_back(struct arguments *arguments, int result)
{
	if (arguments->mapped_bytes)
		memory_drop(arguments->argv, arguments->mapped_bytes);
	return result;
}

EXPORT int execl(const char *path, const char *first, ...)
{
	struct arguments arguments;
	va_list more;

	va_start(more, first);
	bool collected = collect(&arguments, first, &more);

	va_end(more);
	return collected ? give_back(&arguments, execve(path, arguments.argv, environ)) : -1;
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	struct arguments arguments;
	va_list more;

	va_start(more, first);
	bool collected = collect(&arguments, first, &more);

	va_end(more);
	return collected ? give_back(&arguments, execvpe(file, arguments.argv, environ)) : -1;
}

EXPORT int execle(const char *path, const char *first, ...)
{
	struct arguments arguments;
	va_list more;

	va_start(more, first);
	bool collected = collect(&arguments, first, &more);
	char *const *envp = collected ? va_arg(more, char *const *) : NULL;

	va_end(more);
	return collected ? give_back(&arguments, execve(path, arguments.argv, envp)) : -1;
}
