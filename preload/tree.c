#include "tree.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc.h"
#include "words.h"

enum { LEVELS = 64, LINE_BYTES = PATH_MAX + 128 };

static int open_proc(pid_t pid, const char *file)
{
	char buffer[64];
	struct words path = words_over(buffer, sizeof(buffer));

	words_add(&path, "/proc/");
	words_number(&path, (uint64_t)pid);
	words_add(&path, file);
	return open(buffer, O_RDONLY | O_CLOEXEC);
}

static pid_t parent_of(pid_t pid)
{
	struct proc_stat stat;

	proc_stat_of(pid, &stat);
	return stat.parent;
}

/* A file of ours, written by that process? Anybody could map a file of that name. */
static bool read_ring(const char *path, pid_t pid, struct tree_ancestor *ret_ancestor)
{
	struct ring_header header;
	struct stat info;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	bool read_whole = !fstat(fd, &info) && S_ISREG(info.st_mode) &&
			  info.st_uid == geteuid() &&
			  pread(fd, &header, sizeof(header), 0) == sizeof(header);

	close(fd);
	if (!read_whole || memcmp(header.magic, RING_MAGIC, sizeof(header.magic)) ||
	    header.version != STREAM_VERSION || header.pid != (uint32_t)pid)
		return false;
	ret_ancestor->pid = pid;
	ret_ancestor->run_id = header.run_id;
	memcpy(ret_ancestor->folder, header.folder, sizeof(header.folder));
	ret_ancestor->folder[sizeof(header.folder) - 1] = '\0';
	memcpy(ret_ancestor->out, header.out, sizeof(header.out));
	ret_ancestor->out[sizeof(header.out) - 1] = '\0';
	return true;
}

/* A line of maps: "... inode   /path". */
static bool is_ring(const char *line, size_t len, pid_t pid, struct tree_ancestor *ret_ancestor)
{
	static const char suffix[] = ".ring";
	const size_t suffix_len = sizeof(suffix) - 1;
	static char path[PATH_MAX];
	const char *slash = memchr(line, '/', len);
	size_t path_len = slash ? len - (size_t)(slash - line) : 0;

	if (path_len < suffix_len || path_len >= sizeof(path) ||
	    memcmp(line + len - suffix_len, suffix, suffix_len))
		return false;
	memcpy(path, slash, path_len);
	path[path_len] = '\0';
	return read_ring(path, pid, ret_ancestor);
}

static bool search_maps(pid_t pid, struct tree_ancestor *ret_ancestor)
{
	static char text[LINE_BYTES];
	size_t held = 0;
	bool found = false;
	int fd = open_proc(pid, "/maps");
	ssize_t len;

	if (fd < 0)
		return false;
	while (!found && (len = read(fd, text + held, sizeof(text) - held)) > 0) {
		char *line = text, *newline;

		held += (size_t)len;
		while (!found && (newline = memchr(line, '\n', (size_t)(text + held - line)))) {
			found = is_ring(line, (size_t)(newline - line), pid, ret_ancestor);
			line = newline + 1;
		}
		held -= (size_t)(line - text);
		/* A line longer than any path: no ring's. */
		if (held == sizeof(text))
			held = 0;
		memmove(text, line, held);
	}
	close(fd);
	return found;
}

bool tree_find_ancestor(struct tree_ancestor *ret_ancestor)
{
	pid_t pid = getppid();

	for (unsigned level = 0; pid > 0 && level < LEVELS; level++, pid = parent_of(pid))
		if (search_maps(pid, ret_ancestor))
			return true;
	return false;
}
