#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"
#include "words.h"

enum { NAMES_TRIED = 10000, SMALLEST_RECORD_BYTES = 64 << 10 };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * The script among an interpreter's arguments: the first one that is no option. -m names a
 * module instead, -c nothing; -W, -X and --check-hash-based-pycs take the next argument unless
 * it is attached.
 */
static const char *find_script(int argc, char *const argv[])
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (arg[0] != '-' || !arg[1])
			return arg[0] == '-' ? NULL : arg;
		if (arg[1] == '-') {
			i += !strcmp(arg, "--check-hash-based-pycs");
			continue;
		}
		for (const char *flag = arg + 1; *flag; flag++) {
			if (*flag == 'c')
				return NULL;
			if (*flag == 'm')
				return flag[1] ? flag + 1 : i + 1 < argc ? argv[i + 1] : NULL;
			if (*flag == 'W' || *flag == 'X') {
				i += !flag[1];
				break;
			}
		}
	}
	return NULL;
}

void output_program(int argc, char *const argv[], char *name, size_t capacity)
{
	const char *program = argc > 0 ? base_name(argv[0]) : "python";
	bool interpreter = !strncmp(program, "python", 6) || !strncmp(program, "pypy", 4);
	const char *script = interpreter ? find_script(argc, argv) : NULL;
	struct words words = words_over(name, capacity);
	const char *shown = base_name(script ? script : program);
	size_t len = strlen(shown);

	if (script && len > 3 && !strcmp(shown + len - 3, ".py"))
		len -= 3;
	/* What doesn't fit is left out, a character of several bytes whole. */
	if (len >= capacity)
		for (len = capacity - 1; len && (shown[len] & 0xc0) == 0x80;)
			len--;
	words_bytes(&words, shown, len);
	if (!words.len)
		words_add(&words, "python");
}

static void add_host(struct words *path)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	words_add(path, host);
}

static void expand(struct words *path, const char *pattern, const char *program)
{
	for (const char *at = pattern; *at; at++) {
		if (*at != '%' || !at[1]) {
			words_char(path, *at);
			continue;
		}
		switch (*++at) {
		case 'x':
			words_add(path, program);
			break;
		case 'p':
			words_number(path, (uint64_t)getpid());
			break;
		case 't':
			words_number(path, (uint64_t)time(NULL));
			break;
		case 'h':
			add_host(path);
			break;
		default:
			words_char(path, *at);
		}
	}
}

/* NAME.memtrace, NAME-2.memtrace, ... */
static void numbered(struct words *path, const char *name, unsigned number)
{
	const char *dot = strrchr(base_name(name), '.');
	size_t stem = dot && dot != base_name(name) ? (size_t)(dot - name) : strlen(name);

	words_bytes(path, name, stem);
	if (number > 1) {
		words_char(path, '-');
		words_number(path, number);
	}
	words_add(path, name + stem);
}

static int make_file(const char *path, const char *suffix)
{
	static char buffer[PATH_MAX];
	struct words name = words_over(buffer, sizeof(buffer));

	words_add(&name, path);
	words_add(&name, suffix);
	if (name.cut) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = open(buffer, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	/* A umask may have taken away what the collector needs. */
	if (fd >= 0)
		fchmod(fd, 0600);
	return fd;
}

/* Takes the first free name. */
static bool claim_name(const char *name, struct output *output)
{
	for (unsigned number = 1; number < NAMES_TRIED; number++) {
		struct words path = words_over(output->path, sizeof(output->path));

		numbered(&path, name, number);
		int fd = make_file(output->path, "");

		if (fd >= 0) {
			close(fd);
			output->ring_fd = make_file(output->path, ".ring");
			if (output->ring_fd >= 0)
				return true;
			/* A leftover of a run whose profile somebody moved: the next name. */
			unlink(output->path);
		}
		if (errno != EEXIST)
			return false;
	}
	return false;
}

/* Past RLIMIT_FSIZE the kernel sends SIGXFSZ: the ring gets smaller, or there is none. */
static bool size_ring(struct output *output, uint64_t record_bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit))
		return false;
	while (ring_file_bytes(record_bytes) > limit.rlim_cur &&
	       record_bytes > SMALLEST_RECORD_BYTES)
		record_bytes /= 2;
	size_t bytes = ring_file_bytes(record_bytes);

	if (bytes > limit.rlim_cur)
		return false;
	output->record_bytes = record_bytes;
	/* With its blocks: a full disk is an error here and not a SIGBUS later. */
	int error = posix_fallocate(output->ring_fd, 0, (off_t)bytes);

	errno = error;
	return !error;
}

void output_drop(const struct output *output)
{
	static char buffer[PATH_MAX + 8];
	struct words ring_path = words_over(buffer, sizeof(buffer));

	words_add(&ring_path, output->path);
	words_add(&ring_path, ".ring");
	unlink(buffer);
	unlink(output->path);
}

static bool claim_in(const char *folder, const char *name, uint64_t record_bytes,
		     struct output *output)
{
	static char buffer[PATH_MAX];
	struct words path = words_over(buffer, sizeof(buffer));

	/* A working directory that is gone has no name: "/NAME" is not in it. */
	if (name[0] != '/' && folder[0] != '/') {
		errno = ENOENT;
		return false;
	}
	if (name[0] != '/') {
		words_add(&path, folder);
		words_char(&path, '/');
	}
	words_add(&path, name);
	if (path.cut) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (!claim_name(buffer, output))
		return false;
	if (size_ring(output, record_bytes))
		return true;
	int error = errno;

	close(output->ring_fd);
	output_drop(output);
	errno = error;
	return false;
}

/* A folder of this user's alone, whoever made it. */
static bool make_own_folder(char *buffer, size_t capacity)
{
	struct words path = words_over(buffer, capacity);
	struct stat info;

	words_add(&path, "/var/tmp/memtrace-");
	words_number(&path, (uint64_t)geteuid());
	mkdir(buffer, 0700);
	return !lstat(buffer, &info) && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
	       !(info.st_mode & 022);
}

bool output_claim(const char *pattern, const char *folder, const char *program,
		  uint64_t record_bytes, bool elsewhere, struct output *ret_output)
{
	static char name[PATH_MAX];
	char own[64];
	struct words words = words_over(name, sizeof(name));

	expand(&words, pattern, program);
	ret_output->error = 0;
	if (!words.cut && claim_in(folder, name, record_bytes, ret_output))
		return true;
	ret_output->error = words.cut ? ENAMETOOLONG : errno;
	return elsewhere && make_own_folder(own, sizeof(own)) &&
	       claim_in(own, base_name(name), record_bytes, ret_output);
}
