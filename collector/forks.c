#include "forks.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "program.h"
#include "segments.h"

static const char infix[] = ".fork.";

const char *forks_path(struct buf *path, const char *out, uint64_t fork_id)
{
	return buf_format(path, "%s%s%llu", out, infix, (unsigned long long)fork_id);
}

static void close_scope(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static DIR *open_folder(const char *out)
{
	__attribute__((cleanup(mem_scope))) char *folder = mem_text(out);

	folder[base_of(out) - out] = 0;
	return opendir(*folder ? folder : ".");
}

/* Of "BASE.fork.N" and "BASE.fork.N.journal.M". 0: it is neither. */
static uint64_t number_of(const char *name, const char *base)
{
	size_t len = strlen(base);
	char *end;
	uint64_t number;

	if (strncmp(name, base, len) || strncmp(name + len, infix, sizeof(infix) - 1))
		return 0;
	name += len + sizeof(infix) - 1;
	number = *name >= '0' && *name <= '9' ? strtoull(name, &end, 10) : 0;
	return number && (!*end || strncmp(end, ".journal.", 9) == 0) ? number : 0;
}

int forks_each(const char *out, int (*each)(void *user, uint64_t fork_id), void *user)
{
	__attribute__((cleanup(close_scope))) DIR *dir = open_folder(out);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		uint64_t number = number_of(entry->d_name, base_of(out));

		if (number && each(user, number) < 0)
			return -1;
	}
	return 0;
}

bool forks_waits(const char *out, uint64_t run_id, uint64_t fork_id)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};
	struct ring_header facts;

	return ring_look_at(forks_path(&path, out, fork_id), &facts, NULL) == 0 &&
	       facts.fork_id == fork_id && facts.parent_run_id == run_id;
}

/* A child without a ring of its own maps its parent's, and so does who waits for it. */
static bool is_mapped(const char *ring_path)
{
	__attribute__((cleanup(close_scope))) DIR *proc = opendir("/proc");

	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		const struct program program = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};

		if (program.pid > 0 && program_maps(&program, ring_path, 0))
			return true;
	}
	return false;
}

/* A ring that is there has its journal with it until it is recovered. */
static int sweep(void *user, uint64_t fork_id)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};

	forks_path(&path, user, fork_id);
	if (access(buf_chars(&path), F_OK) < 0)
		segments_remove(buf_chars(&path));
	return 0;
}

static int stop_at_first(void *user, uint64_t fork_id)
{
	(void)user, (void)fork_id;
	return -1;
}

void forks_sweep(const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf ring_path = {0};
	/* As it is in maps. */
	__attribute__((cleanup(mem_scope))) char *whole = realpath(out, NULL);

	if (!whole || forks_each(whole, stop_at_first, NULL) == 0)
		return;
	buf_format(&ring_path, "%s.ring", whole);
	if (access(buf_chars(&ring_path), F_OK) < 0 && !is_mapped(buf_chars(&ring_path)))
		forks_each(whole, sweep, whole);
}

/* A copy of the folder has copies of the ring: it is known by its content, not by its inode. */
static bool names_ring(const char *path, const struct ring_header *child)
{
	struct ring_header facts;

	return ring_look_at(path, &facts, NULL) == 0 && facts.run_id == child->run_id &&
	       facts.fork_id == child->fork_id && facts.pid == child->pid;
}

bool forks_find_parent(const struct ring_header *child, const char *out, struct buf *ret_out)
{
	__attribute__((cleanup(close_scope))) DIR *dir = open_folder(out);
	__attribute__((cleanup(buf_release))) struct buf suffix = {0}, path = {0};
	size_t folder_len = (size_t)(base_of(out) - out);

	forks_path(&suffix, "", child->fork_id);
	for (struct dirent *entry; dir && child->fork_id && (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name), parent_len = len - (suffix.len - 1);

		if (len < suffix.len ||
		    strcmp(entry->d_name + parent_len, buf_chars(&suffix)) != 0)
			continue;
		path.len = 0;
		buf_append(&path, out, folder_len);
		buf_text(&path, entry->d_name);
		if (!names_ring(buf_chars(&path), child))
			continue;
		ret_out->len = 0;
		buf_append(ret_out, path.data, folder_len + parent_len);
		buf_u8(ret_out, 0);
		return true;
	}
	return false;
}
