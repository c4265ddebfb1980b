#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../collector/mem.h"
#include "executable.h"
#include "file_system.h"
#include "free_lists.h"
#include "install.h"
#include "units.h"

enum { ANSWER_WAIT_MS = 10000, RING_BYTES = 4 << 20 };

__attribute__((format(printf, 3, 4))) static struct probe
answer(const char *what, enum probe_verdict verdict, const char *format, ...)
{
	struct probe probe = {.what = what, .verdict = verdict};
	va_list args;
	va_start(args, format);
	vsnprintf(probe.found, sizeof probe.found, format, args);
	va_end(args);
	return probe;
}

struct probe probe_library(void)
{
	__attribute__((cleanup(mem_scope))) char *path = NULL;
	struct err err;
	if (install_find_library(&path, &err))
		return answer("library", PROBE_BAD, "%.500s", err.text);
	if (strpbrk(path, " :"))
		return answer("library", PROBE_BAD,
			      "%.400s: a path with a space or a colon can't be preloaded",
			      path);
	return answer("library", PROBE_FINE, "%.500s", path);
}

struct probe probe_collector(void)
{
	__attribute__((cleanup(mem_scope))) char *path = NULL;
	struct err err;
	if (install_find_collector(&path, &err))
		return answer("collector", PROBE_BAD, "%.500s", err.text);
	return answer("collector", PROBE_FINE, "%.500s", path);
}

/* Untraced, whatever the environment says. */
static void become_python(const char *python, int output)
{
	static const char question[] =
		"import sys,sysconfig;"
		"print('%d.%d.%d'%sys.version_info[:3],sys.implementation.name,"
		"int(bool(sysconfig.get_config_var('Py_GIL_DISABLED'))),sys.executable)";
	__attribute__((cleanup(mem_scope))) char *program = mem_text(python);
	__attribute__((cleanup(mem_scope))) char *code = mem_text(question);
	char option[] = "-c";
	char *const argv[] = {program, option, code, NULL};
	const int null = open("/dev/null", O_RDWR);
	unsetenv("LD_PRELOAD");
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(output, STDOUT_FILENO);
	execvp(python, argv);
	_exit(127);
}

/* Up to the first line's end; a program that isn't a Python may never say anything. */
static size_t read_answer(int fd, char *text, size_t size)
{
	size_t len = 0;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	while (len + 1 < size && poll(&ready, 1, ANSWER_WAIT_MS) > 0) {
		const ssize_t n = read(fd, text + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return len;
}

static bool ask_python(const char *python, char *text, size_t size)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return false;
	const pid_t pid = fork();
	if (pid == 0)
		become_python(python, ends[1]);
	close(ends[1]);
	const size_t len = pid > 0 ? read_answer(ends[0], text, size) : 0;
	close(ends[0]);
	if (pid > 0) {
		/* It has had its time. */
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	return len > 0;
}

struct probe probe_interpreter(const char *python)
{
	static const char what[] = "interpreter";
	char text[400], version[32], name[64], path[300];
	int major, minor, free_threaded;
	if (!ask_python(python, text, sizeof text))
		return answer(what, PROBE_BAD, "%.200s can't be run, or is no Python", python);
	if (sscanf(text, "%31s %63s %d %299[^\n]", version, name, &free_threaded, path) != 4 ||
	    sscanf(version, "%d.%d", &major, &minor) != 2)
		return answer(what, PROBE_BAD, "%.200s doesn't answer like a Python", python);
	if (strcmp(name, "cpython") != 0)
		return answer(what, PROBE_NOTE,
			      "%s %s (%s): only malloc and mmap are traced, without"
			      " Python lines",
			      name, version, path);
	if (free_threaded && major == 3 && minor >= 13 && minor <= 15)
		return answer(what, PROBE_FINE,
			      "CPython %s free-threaded (%s): live blocks by line, no pool map",
			      version, path);
	if (major != 3 || minor < 8 || minor > 15 || free_threaded)
		return answer(what, PROBE_NOTE,
			      "CPython %s (%s): its frames aren't known here; only"
			      " malloc and mmap are traced",
			      version, path);
	return answer(what, PROBE_FINE,
		      "CPython %s (%s); up to %s that it keeps of dead objects stay with the"
		      " lines that made them first",
		      version, path,
		      units_size(UNITS_IEC, free_lists_most_bytes((unsigned)minor, false)).text);
}

struct probe probe_allocator(void)
{
	const char *name = getenv("PYTHONMALLOC");
	const char *dev = getenv("PYTHONDEVMODE");
	const char *preload = getenv("LD_PRELOAD");
	if (preload && *preload)
		return answer("allocator", PROBE_NOTE,
			      "LD_PRELOAD=%.300s stays behind memtrace", preload);
	if (name && *name)
		return answer("allocator", PROBE_NOTE, "PYTHONMALLOC=%.100s", name);
	if (dev && *dev)
		return answer("allocator", PROBE_NOTE,
			      "PYTHONDEVMODE: pymalloc with debug hooks");
	return answer("allocator", PROBE_FINE, "the interpreter's own");
}

struct probe probe_command(const char *command)
{
	__attribute__((cleanup(mem_scope))) char *path = NULL;
	struct err err;
	int status;
	if (executable_find(command, &path, &status, &err))
		return answer("command", PROBE_BAD, "%.500s", err.text);
	const char *obstacle = executable_obstacle(executable_kind(path));
	if (obstacle)
		return answer("command", PROBE_BAD, "%.300s %s", path, obstacle);
	return answer("command", PROBE_FINE, "%.500s", path);
}

/*
 * The folder that MEMTRACE_OUT's pattern leads to; a folder made of %x can't be known before.
 */
static char *output_folder(void)
{
	const char *pattern = getenv("MEMTRACE_OUT");
	char *folder = mem_text(pattern && *pattern ? pattern : "");
	char *slash = strrchr(folder, '/');
	if (!slash) {
		mem_scope(&folder);
		return mem_text(".");
	}
	slash[slash == folder] = '\0';
	return folder;
}

static const struct file_system *file_system_at(const char *folder)
{
	struct statfs fs;
	return statfs(folder, &fs) ? NULL : file_system_of((uint64_t)fs.f_type);
}

static int try_file(const char *folder)
{
	const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	/* Not every file system has files without a name. */
	return errno == EOPNOTSUPP || errno == EISDIR ? access(folder, W_OK | X_OK) : -1;
}

struct probe probe_output(void)
{
	static const char what[] = "files";
	__attribute__((cleanup(mem_scope))) char *folder = output_folder();
	struct statvfs space;
	if (strchr(folder, '%'))
		return answer(what, PROBE_NOTE, "%.400s: known when the program runs", folder);
	if (try_file(folder))
		return answer(what, PROBE_BAD, "%.400s: %s", folder, strerror(errno));
	const struct file_system *kind = file_system_at(folder);
	const char *name = kind ? kind->name : "unknown";
	if (kind && kind->doubt)
		return answer(what, PROBE_NOTE, "go to %.300s (%s): %s", folder, name,
			      kind->doubt);
	if (statvfs(folder, &space))
		return answer(what, PROBE_NOTE, "go to %.300s (%s)", folder, name);
	const uint64_t free_bytes = (uint64_t)space.f_bavail * space.f_frsize;
	return answer(what, free_bytes < (uint64_t)1 << 30 ? PROBE_NOTE : PROBE_FINE,
		      "go to %.300s (%s, %s free)", folder, name,
		      units_size(UNITS_IEC, free_bytes).text);
}

struct probe probe_file_limit(void)
{
	static const char what[] = "file size";
	struct rlimit limit;
	if (getrlimit(RLIMIT_FSIZE, &limit))
		return answer(what, PROBE_NOTE, "the limit is unknown: %s", strerror(errno));
	if (limit.rlim_cur == RLIM_INFINITY)
		return answer(what, PROBE_FINE, "not limited");
	return answer(what, limit.rlim_cur < RING_BYTES ? PROBE_BAD : PROBE_NOTE,
		      "limited to %s by RLIMIT_FSIZE (ulimit -f)",
		      units_size(UNITS_IEC, limit.rlim_cur).text);
}
