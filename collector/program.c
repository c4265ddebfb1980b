#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	STAT_STATE_FIELD = 3,
	STAT_FLAGS_FIELD = 9,
	STAT_THREADS_FIELD = 20,
	STAT_START_FIELD = 22,
	FLAG_EXITING = 4, /* the kernel's PF_EXITING */
	LAST_BREATH_MS = 2000,
};

struct program_stat {
	char state;
	unsigned long long flags, threads, start;
};

static int open_proc(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static FILE *read_proc(pid_t pid, const char *name)
{
	int fd = open_proc(pid, name);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

static void close_scope(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The process name may hold anything, brackets too: fields are counted from the last one on. */
static bool read_stat(pid_t pid, struct program_stat *ret)
{
	__attribute__((cleanup(close_scope))) FILE *file = read_proc(pid, "stat");
	char text[1024];
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	const char *at;

	text[len] = 0;
	at = strrchr(text, ')');
	for (int field = STAT_STATE_FIELD; at; field++) {
		at = strchr(at, ' ');
		if (!at)
			break;
		at++;
		if (field == STAT_STATE_FIELD)
			ret->state = *at;
		if (field == STAT_FLAGS_FIELD)
			ret->flags = strtoull(at, NULL, 10);
		if (field == STAT_THREADS_FIELD)
			ret->threads = strtoull(at, NULL, 10);
		if (field == STAT_START_FIELD) {
			ret->start = strtoull(at, NULL, 10);
			return true;
		}
	}
	return false;
}

uint64_t program_start_time(uint32_t pid)
{
	struct program_stat stat;

	return read_stat((pid_t)pid, &stat) ? stat.start : 0;
}

/* Without a process descriptor: a zombie whose other threads run on is alive. */
static bool stat_alive(const struct program *program)
{
	struct program_stat stat;

	/* There may be no /proc here, or one that hides it. */
	if (!read_stat(program->pid, &stat))
		return kill(program->pid, 0) == 0 || errno == EPERM;
	if (program->start && stat.start != program->start)
		return false;
	return (stat.state != 'Z' && stat.state != 'X') || stat.threads > 1;
}

void program_init(struct program *program, uint32_t pid, uint64_t start)
{
	program->pid = (pid_t)pid;
	program->start = start;
	program->pidfd = (int)syscall(SYS_pidfd_open, program->pid, 0);
	/*
	 * The descriptor may be of a process that has the number now: only asked once it is
	 * open.
	 */
	if (program->pidfd >= 0 && !stat_alive(program)) {
		close(program->pidfd);
		program->pidfd = -1;
	}
	program->statm_fd = open_proc(program->pid, "statm");
}

void program_release(struct program *program)
{
	if (program->pidfd >= 0)
		close(program->pidfd);
	if (program->statm_fd >= 0)
		close(program->statm_fd);
	program->pidfd = program->statm_fd = -1;
}

static bool alive_after(const struct program *program, int wait_ms)
{
	struct pollfd poll_fd = {.fd = program->pidfd, .events = POLLIN};

	if (program->pidfd < 0)
		return stat_alive(program);
	return poll(&poll_fd, 1, wait_ms) <= 0;
}

bool program_alive(const struct program *program)
{
	return alive_after(program, 0);
}

bool program_lasts(const struct program *program)
{
	struct program_stat stat = {.flags = 0};
	/* The main thread alone may have ended: then the others go on when the wait is over. */
	bool ends = read_stat(program->pid, &stat) && stat.flags & FLAG_EXITING;

	return alive_after(program, ends ? LAST_BREATH_MS : 0);
}

bool program_stopped(const struct program *program)
{
	struct program_stat stat;

	return read_stat(program->pid, &stat) && (stat.state == 'T' || stat.state == 't');
}

/* A line of maps: address perms offset device inode path. */
static bool line_maps(const char *line, const char *path, ino_t inode)
{
	unsigned long long found = 0;
	int at = 0;

	if (sscanf(line, "%*s %*s %*s %*s %llu %n", &found, &at) < 1 || found == 0)
		return false;
	return found == inode || (*path && strncmp(line + at, path, strlen(path)) == 0);
}

bool program_maps(const struct program *program, const char *path, ino_t inode)
{
	__attribute__((cleanup(close_scope))) FILE *file = read_proc(program->pid, "maps");
	char *line = NULL;
	size_t room = 0;
	bool maps = false;

	while (file && !maps && getline(&line, &room, file) > 0)
		maps = line_maps(line, path, inode);
	free(line);
	return maps;
}

bool program_shows_maps(const struct program *program)
{
	__attribute__((cleanup(close_scope))) FILE *file = read_proc(program->pid, "maps");

	return file && getc(file) != EOF;
}

/* Pages: all resident, and of these the ones of files and shared memory. */
static bool read_statm(const struct program *program, uint64_t ret_pages[2])
{
	char text[256];
	unsigned long long resident, shared;
	ssize_t len = pread(program->statm_fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return false;
	text[len] = 0;
	if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2)
		return false;
	ret_pages[0] = resident;
	ret_pages[1] = shared;
	return true;
}

uint64_t program_rss_bytes(const struct program *program)
{
	uint64_t pages[2];

	return read_statm(program, pages) ? pages[0] * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void read_rollup(const struct program *program, struct stream_mark *figures)
{
	const struct {
		const char *key;
		uint64_t *to;
	} wanted[] = {
		{"Pss:", &figures->pss_bytes},
		{"Anonymous:", &figures->anon_bytes},
		{"Swap:", &figures->swap_bytes},
		{"Locked:", &figures->locked_bytes},
	};
	__attribute__((cleanup(close_scope)))
	FILE *file = read_proc(program->pid, "smaps_rollup");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
			if (strncmp(line, wanted[i].key, strlen(wanted[i].key)) == 0)
				*wanted[i].to =
					strtoull(line + strlen(wanted[i].key), NULL, 10) * 1024;
}

void program_figures(const struct program *program, struct stream_mark *ret_figures)
{
	uint64_t pages[2], page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	memset(ret_figures, 0xff, sizeof(*ret_figures));
	ret_figures->origin = MARK_OUTSIDE;
	ret_figures->number = 0;
	if (read_statm(program, pages)) {
		ret_figures->rss_bytes = pages[0] * page_bytes;
		ret_figures->file_bytes = pages[1] * page_bytes;
	}
	read_rollup(program, ret_figures);
}
