#include "executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "command.h"
#include "needed.h"

enum { HEAD_BYTES = 4096, SCRIPT_DEPTH = 4 };

struct head {
	_Alignas(8) char bytes[HEAD_BYTES + 1]; /* NUL-terminated */
	size_t len;
};

/* 0, or the errno that executing it would give. */
static int executable_error(const char *path)
{
	struct stat status;
	if (stat(path, &status))
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	return access(path, X_OK) ? errno : 0;
}

static int say_status(const char *name, int error, int *ret_status, struct err *err)
{
	*ret_status = error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND
							  : STATUS_CANNOT_EXECUTE;
	return err_set(err, "%s: %s", name, strerror(error));
}

static char *folder_file(const char *folder, size_t len, const char *name)
{
	struct buf path;
	buf_init(&path);
	/* An empty entry of PATH is the working directory. */
	buf_format(&path, "%.*s%s%s", (int)len, folder, len ? "/" : "./", name);
	return (char *)path.data;
}

int executable_find(const char *name, char **ret_path, int *ret_status, struct err *err)
{
	int error = strchr(name, '/') ? executable_error(name) : ENOENT;
	if (strchr(name, '/')) {
		if (error)
			return say_status(name, error, ret_status, err);
		*ret_path = mem_text(name);
		return 0;
	}
	const char *at = getenv("PATH");
	at = at ? at : "/usr/local/bin:/usr/bin:/bin";
	for (;; at++) {
		const size_t len = strcspn(at, ":");
		char *path = folder_file(at, len, name);
		const int one = executable_error(path);
		if (!one) {
			*ret_path = path;
			return 0;
		}
		free(path);
		/* A file that is there but can't be run says more than one that isn't. */
		if (one == EACCES)
			error = one;
		at += len;
		if (!*at)
			break;
	}
	if (error != ENOENT)
		return say_status(name, error, ret_status, err);
	*ret_status = STATUS_NOT_FOUND;
	return err_set(err, "%s: command not found", name);
}

static int read_head(int fd, struct head *head)
{
	const ssize_t len = pread(fd, head->bytes, HEAD_BYTES, 0);
	head->len = len > 0 ? (size_t)len : 0;
	head->bytes[head->len] = '\0';
	return len > 0 ? 0 : -1;
}

static bool gains_privileges(int fd)
{
	struct stat status;
	if (fstat(fd, &status))
		return false;
	if (status.st_mode & S_ISUID && status.st_uid != geteuid())
		return true;
	if (status.st_mode & S_ISGID && status.st_mode & S_IXGRP && status.st_gid != getegid())
		return true;
	/* Root has the capabilities already: the loader sees no difference. */
	return geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* The loader that an ELF file names, into `loader`; false: it names none. */
static bool read_loader(int fd, const Elf64_Ehdr *elf, char *loader, size_t size)
{
	for (size_t i = 0; i < elf->e_phnum; i++) {
		Elf64_Phdr header;
		const off_t at = (off_t)(elf->e_phoff + i * sizeof header);
		if (pread(fd, &header, sizeof header, at) != (ssize_t)sizeof header)
			return false;
		if (header.p_type != PT_INTERP)
			continue;
		const ssize_t len = pread(fd, loader, size - 1, (off_t)header.p_offset);
		loader[len > 0 ? len : 0] = '\0';
		return len > 0;
	}
	return false;
}

static enum executable_kind elf_kind(int fd, const struct head *head)
{
	char loader[256];
	Elf64_Ehdr elf;
	if (head->len < sizeof elf)
		return EXECUTABLE_UNKNOWN;
	memcpy(&elf, head->bytes, sizeof elf);
#if defined(__x86_64__)
	const Elf64_Half machine = EM_X86_64;
#else
	const Elf64_Half machine = EM_AARCH64;
#endif
	if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_machine != machine)
		return EXECUTABLE_OTHER_MACHINE;
	if (gains_privileges(fd))
		return EXECUTABLE_PRIVILEGED;
	if (elf.e_phentsize != sizeof(Elf64_Phdr) ||
	    !read_loader(fd, &elf, loader, sizeof loader))
		return EXECUTABLE_STATIC;
	if (!strstr(loader, "ld-linux"))
		return EXECUTABLE_OTHER_LIBC;
	return needed_begins(fd, "libasan.so") ? EXECUTABLE_SANITIZED : EXECUTABLE_TRACEABLE;
}

/* The interpreter on the first line of a script; NULL: it has none. */
static char *script_interpreter(struct head *head)
{
	if (head->bytes[0] != '#' || head->bytes[1] != '!')
		return NULL;
	char *at = head->bytes + 2;
	at += strspn(at, " \t");
	at[strcspn(at, " \t\r\n")] = '\0';
	return *at ? at : NULL;
}

static enum executable_kind kind_at_depth(const char *path, int depth)
{
	struct head head;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return EXECUTABLE_UNKNOWN;
	enum executable_kind kind = EXECUTABLE_UNKNOWN;
	if (read_head(fd, &head) == 0) {
		const char *interpreter = script_interpreter(&head);
		if (interpreter && depth < SCRIPT_DEPTH)
			kind = kind_at_depth(interpreter, depth + 1);
		else if (memcmp(head.bytes, ELFMAG, SELFMAG) == 0)
			kind = elf_kind(fd, &head);
	}
	close(fd);
	return kind;
}

enum executable_kind executable_kind(const char *path)
{
	return kind_at_depth(path, 0);
}

const char *executable_obstacle(enum executable_kind kind)
{
	switch (kind) {
	case EXECUTABLE_STATIC:
		return "is statically linked: nothing can be loaded into it";
	case EXECUTABLE_PRIVILEGED:
		return "is setuid, setgid or has file capabilities: the loader ignores "
		       "LD_PRELOAD";
	case EXECUTABLE_OTHER_MACHINE:
		return "is for another machine than libmemtrace.so";
	case EXECUTABLE_OTHER_LIBC:
		return "is not linked with glibc, libmemtrace.so is";
	case EXECUTABLE_SANITIZED:
		return "is built with AddressSanitizer, which ends a program that loads"
		       " another library before it";
	case EXECUTABLE_TRACEABLE:
	case EXECUTABLE_UNKNOWN:
		break;
	}
	return NULL;
}
