#include "install.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../collector/buf.h"
#include "../collector/mem.h"

/* The folder of this executable. */
static int own_folder(char *folder, size_t size, struct err *err)
{
	const ssize_t len = readlink("/proc/self/exe", folder, size - 1);
	if (len < 0)
		return err_set(err, "can't tell where memtrace is: /proc/self/exe: %s",
			       strerror(errno));
	folder[len] = '\0';
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

static int find(const char *what, const char *const *places, int mode, char **ret_path,
		struct err *err)
{
	char folder[PATH_MAX];
	struct buf tried;
	if (own_folder(folder, sizeof folder, err))
		return -1;
	buf_init(&tried);
	for (; *places; places++) {
		struct buf path;
		buf_init(&path);
		const char *text = buf_format(&path, "%s/%s", folder, *places);
		char *resolved = access(text, mode) == 0 ? realpath(text, NULL) : NULL;
		if (resolved) {
			*ret_path = mem_text(resolved);
			free(resolved);
			buf_release(&path);
			buf_release(&tried);
			return 0;
		}
		buf_printf(&tried, "%s%s", tried.len ? ", " : "", text);
		buf_release(&path);
	}
	buf_u8(&tried, '\0');
	err_set(err, "%s is not where it should be: tried %s", what, (const char *)tried.data);
	buf_release(&tried);
	return -1;
}

int install_find_library(char **ret_path, struct err *err)
{
	static const char *const places[] = {"libmemtrace.so", "../lib/libmemtrace.so", NULL};
	return find("libmemtrace.so", places, R_OK, ret_path, err);
}

int install_find_collector(char **ret_path, struct err *err)
{
	static const char *const places[] = {"memtrace-collector",
					     "../libexec/memtrace/memtrace-collector", NULL};
	const char *override = getenv("MEMTRACE_COLLECTOR");
	if (!override || !*override)
		return find("memtrace-collector", places, X_OK, ret_path, err);
	if (access(override, X_OK))
		return err_set(err, "MEMTRACE_COLLECTOR=%s: %s", override, strerror(errno));
	*ret_path = mem_text(override);
	return 0;
}
