#include "run_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "ring_peek.h"

const char *const run_state_names[] = {
	[RUN_FINISHED] = "finished", [RUN_RUNNING] = "running", [RUN_DRAINING] = "draining",
	[RUN_LEFTOVER] = "leftover", [RUN_EMPTY] = "empty",
};

static char *joined(const char *left, const char *right)
{
	struct buf text;
	buf_init(&text);
	buf_format(&text, "%s%s", left, right);
	return (char *)text.data;
}

/* Where `word` begins that ends at `end`; NULL: something else does, or a whole name is one. */
static const char *word_before(const char *name, const char *end, const char *word)
{
	const size_t len = strlen(word);
	if ((size_t)(end - name) <= len || memcmp(end - len, word, len) != 0)
		return NULL;
	return end[-(ptrdiff_t)len - 1] == '/' ? NULL : end - len;
}

/* The same of `word` and a number. */
static const char *numbered_before(const char *name, const char *end, const char *word)
{
	const char *digits = end;
	while (digits > name && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	return digits == end ? NULL : word_before(name, digits, word);
}

/*
 * Where ".ring", ".tmp", ".checkpoint", ".live-profile", ".journal.N" or ".fork.N" begins at
 * the end of a name, or ".fork.N" with one of the others behind it; NULL: it ends otherwise.
 */
static const char *side_suffix(const char *name)
{
	static const char *const words[] = {
		".ring", ".checkpoint.tmp", ".checkpoint", ".live-profile.tmp", ".live-profile",
		".tmp",
	};
	const char *end = name + strlen(name), *at = NULL;
	for (size_t i = 0; !at && i < sizeof words / sizeof words[0]; i++)
		at = word_before(name, end, words[i]);
	if (!at)
		at = numbered_before(name, end, ".journal.");
	const char *fork = numbered_before(name, at ? at : end, ".fork.");
	return fork ? fork : at;
}

char *run_files_out(const char *name)
{
	char *out = mem_text(name);
	const char *suffix = side_suffix(name);
	if (suffix)
		out[suffix - name] = '\0';
	return out;
}

/* Calls `each` for OUT and every file beside it that belongs to it. */
static void for_each_file(const char *out, void (*each)(const char *path, void *user),
			  void *user)
{
	const char *slash = strrchr(out, '/');
	const char *base = slash ? slash + 1 : out;
	const size_t base_len = strlen(base);
	__attribute__((cleanup(mem_scope))) char *folder = mem_text(out);
	folder[base - out] = '\0';
	DIR *dir = opendir(*folder ? folder : ".");
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strncmp(entry->d_name, base, base_len) != 0)
			continue;
		const char *end = entry->d_name + base_len;
		if (*end && side_suffix(entry->d_name) != end)
			continue;
		__attribute__((cleanup(mem_scope))) char *path = joined(folder, entry->d_name);
		each(path, user);
	}
	closedir(dir);
}

static void count_file(const char *path, void *user)
{
	struct run_files *run = user;
	struct stat status;
	if (lstat(path, &status) || !S_ISREG(status.st_mode))
		return;
	const char *suffix = path + strlen(run->out);
	/* What has a second name is counted there. */
	if (strncmp(suffix, ".fork.", 6) != 0 || status.st_nlink == 1)
		run->disk_bytes += (uint64_t)status.st_blocks * 512;
	if (!*suffix)
		run->has_profile = status.st_size > 0;
	run->has_ring |= strcmp(suffix, ".ring") == 0;
	run->journals += strncmp(suffix, ".journal.", 9) == 0;
}

static bool collector_is_alive(const char *ring_path, const struct ring_peek *before)
{
	struct ring_peek after;
	const struct timespec nap = {.tv_nsec = 300 * 1000 * 1000};
	if (before->collector_state != COLLECTOR_READY &&
	    before->collector_state != COLLECTOR_DRAINED)
		return false;
	nanosleep(&nap, NULL);
	/* A ring that is gone now was just finished with. */
	if (ring_peek_file(ring_path, &after, NULL) || after.heartbeat != before->heartbeat)
		return true;
	/* Its heart stands still while it writes the profile, which may take seconds. */
	return after.collector_state == COLLECTOR_DRAINED && ring_peek_pid_is_here(&after);
}

static enum run_state state_of(struct run_files *run)
{
	__attribute__((cleanup(mem_scope))) char *ring_path = joined(run->out, ".ring");
	struct ring_peek peek;
	if (!run->has_ring || ring_peek_file(ring_path, &peek, NULL)) {
		/* Journals beside a profile are there because somebody asked for them. */
		if (run->has_profile)
			return RUN_FINISHED;
		return run->journals || run->has_ring ? RUN_LEFTOVER : RUN_EMPTY;
	}
	run->pid = peek.pid;
	run->start_real_ns = peek.start_real_ns;
	run->failed = peek.collector_state == COLLECTOR_FAILED;
	if (ring_peek_process_is_alive(&peek) && peek.program_state != PROGRAM_ENDED)
		return RUN_RUNNING;
	if (!collector_is_alive(ring_path, &peek))
		return RUN_LEFTOVER;
	/*
	 * The process of another pid namespace can't be seen: it has not ended until it says
	 * so.
	 */
	return peek.program_state == PROGRAM_ENDED || ring_peek_pid_is_here(&peek)
		       ? RUN_DRAINING
		       : RUN_RUNNING;
}

int run_files_find(const char *name, struct run_files *ret_run, struct err *err)
{
	struct run_files run = {.out = run_files_out(name)};
	struct stat status;
	if (stat(run.out, &status) == 0 && S_ISDIR(status.st_mode)) {
		err_set(err, "%s is a directory; 'memtrace ls %s' lists the runs in it",
			run.out, run.out);
		run_files_release(&run);
		return -1;
	}
	for_each_file(run.out, count_file, &run);
	if (!run.has_profile && !run.has_ring && !run.journals && access(run.out, R_OK)) {
		err_set(err, "%s: %s", name, strerror(errno));
		run_files_release(&run);
		return -1;
	}
	run.state = state_of(&run);
	/* It may have come to its end while we looked. */
	if (run.state == RUN_DRAINING || run.state == RUN_LEFTOVER) {
		run.disk_bytes = run.journals = 0;
		run.has_ring = run.has_profile = false;
		for_each_file(run.out, count_file, &run);
		if (!run.has_ring && run.has_profile)
			run.state = RUN_FINISHED;
	}
	*ret_run = run;
	return 0;
}

void run_files_release(struct run_files *run)
{
	free(run->out);
	*run = (struct run_files){.out = NULL};
}

int run_files_wait(struct run_files *run, struct err *err)
{
	/* As long as a program's own exit waits for its profile. */
	enum { SECONDS = 10 };
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	const double end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + SECONDS;
	while (run->state == RUN_DRAINING) {
		const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
		struct run_files again;
		nanosleep(&nap, NULL);
		if (run_files_find(run->out, &again, err))
			return -1;
		run_files_release(run);
		*run = again;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((double)now.tv_sec + (double)now.tv_nsec / 1e9 > end)
			break;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

/*
 * NAME.memtrace or one of its side files: what a folder's other files may be is not our
 * business.
 */
static bool names_run(const char *name)
{
	static const char suffix[] = ".memtrace";
	__attribute__((cleanup(mem_scope))) char *out = run_files_out(name);
	size_t end = strlen(out);
	/* A second run of one name may have a number behind it. */
	const char *dash = strrchr(out, '-');
	if (dash && dash[1] && !dash[1 + strspn(dash + 1, "0123456789")])
		end = (size_t)(dash - out);
	const size_t len = sizeof suffix - 1;
	return end > len && strncmp(out + end - len, suffix, len) == 0;
}

int run_files_list(const char *folder, char ***ret_outs, size_t *ret_count, struct err *err)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return err_set(err, "%s: %s", folder, strerror(errno));
	char **outs = NULL;
	size_t count = 0, capacity = 0;
	const bool here = strcmp(folder, ".") == 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (!names_run(entry->d_name))
			continue;
		__attribute__((cleanup(mem_scope))) char *out = run_files_out(entry->d_name);
		__attribute__((cleanup(mem_scope))) char *prefix = joined(here ? "" : folder,
									  here ? "" : "/");
		outs = mem_grow(outs, &capacity, count + 1, sizeof outs[0]);
		outs[count++] = joined(prefix, out);
	}
	closedir(dir);
	if (count)
		qsort(outs, count, sizeof outs[0], compare_names);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept && strcmp(outs[kept - 1], outs[i]) == 0)
			free(outs[i]);
		else
			outs[kept++] = outs[i];
	}
	*ret_outs = outs;
	*ret_count = kept;
	return 0;
}

void run_files_list_free(char **outs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(outs[i]);
	free(outs);
}
