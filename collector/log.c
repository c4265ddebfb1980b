#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "err.h"

enum { LOG_LINE_BYTES = sizeof(struct err) + 256 };

void log_open(struct log *log, const char *path)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

	log->fd = path ? open(path, flags, 0600) : -1;
}

void log_close(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

/* One write for a line: several collectors may share a file. */
void log_line(const struct log *log, const char *format, ...)
{
	char line[LOG_LINE_BYTES];
	struct timespec now;
	va_list args;
	int len, more;

	if (log->fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	len = snprintf(line, sizeof(line),
		       "%lld.%03ld memtrace-collector[%d]: ", (long long)now.tv_sec,
		       now.tv_nsec / 1000000, (int)getpid());
	va_start(args, format);
	more = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);
	va_end(args);
	len += more < (int)sizeof(line) - len - 1 ? more : (int)sizeof(line) - len - 2;
	line[len++] = '\n';
	if (write(log->fd, line, (size_t)len) < 0)
		return;
}
