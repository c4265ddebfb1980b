#include "proc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "words.h"

size_t proc_read(const char *path, char *buffer, size_t capacity)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	long len = fd < 0 ? -1 : syscall(SYS_read, fd, buffer, capacity - 1);

	if (fd >= 0)
		syscall(SYS_close, fd);
	buffer[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

/* From one field to the next; NULL stays NULL. */
static const char *skip_fields(const char *at, int count)
{
	while (at && count-- > 0)
		at = strchr(at + 1, ' ');
	return at;
}

static void copy_name(const char *begin, const char *end, char *name)
{
	struct words words = words_over(name, PROC_NAME_BYTES);

	if (begin && begin < end)
		words_bytes(&words, begin + 1, (size_t)(end - begin - 1));
}

/* "PID (name) state parent group session ...": the name may hold anything, parentheses too. */
bool proc_stat_of(pid_t pid, struct proc_stat *ret_stat)
{
	enum { STATE_FIELD = 3, SESSION_FIELD = 6, START_FIELD = 22 };
	char path_bytes[32], text[1024];
	struct words path = words_over(path_bytes, sizeof(path_bytes));

	*ret_stat = (struct proc_stat){0};
	words_add(&path, "/proc/");
	if (pid == PROC_SELF)
		words_add(&path, "self");
	else
		words_number(&path, (uint64_t)pid);
	words_add(&path, "/stat");
	const char *name_end = proc_read(path_bytes, text, sizeof(text)) ? strrchr(text, ')')
									 : NULL;

	if (!name_end || strlen(name_end) < 4)
		return false;
	const char *session = skip_fields(name_end + 1, SESSION_FIELD - STATE_FIELD);
	const char *start = skip_fields(name_end + 1, START_FIELD - STATE_FIELD);

	ret_stat->pid = (pid_t)strtol(text, NULL, 10);
	copy_name(strchr(text, '('), name_end, ret_stat->name);
	ret_stat->state = name_end[2];
	ret_stat->session = session ? (pid_t)strtol(session + 1, NULL, 10) : 0;
	ret_stat->parent = (pid_t)strtol(name_end + 4, NULL, 10);
	ret_stat->start = start ? strtoull(start + 1, NULL, 10) : 0;
	return true;
}
