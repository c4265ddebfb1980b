#include "gate_run.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../collector/mem.h"
#include "child.h"
#include "lineage.h"
#include "run_files.h"
#include "select.h"

static int make_folder(char **ret_folder, struct err *err)
{
	const char *parent = getenv("TMPDIR");
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/memtrace-gate.XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(path))
		return err_set(err, "can't make the temporary folder %s: %s", path,
			       strerror(errno));
	*ret_folder = strdup(path);
	return 0;
}

/* By this very program: what `memtrace run` does with a command is said once. */
static int trace(char *const *command, struct gate_run *run, struct err *err)
{
	char pattern[PATH_MAX];
	char name[] = "memtrace", verb[] = "run", output[] = "-o", end[] = "--";
	size_t count = 0;
	while (command[count])
		count++;
	__attribute__((cleanup(mem_scope))) char **argv =
		mem_alloc((count + 6) * sizeof argv[0]);
	snprintf(pattern, sizeof pattern, "%s/%%x.%%p.memtrace", run->folder);
	memcpy(argv, (char *[]){name, verb, output, pattern, end}, 5 * sizeof argv[0]);
	memcpy(argv + 5, command, count * sizeof argv[0]);
	const char *seed = getenv("PYTHONHASHSEED"), *reuse = getenv("MEMTRACE_REUSE");
	const char *collect = getenv("MEMTRACE_COLLECT");
	const struct child_variable variables[] = {
		{"MEMTRACE_QUIET", "1"},
		{"MEMTRACE_REUSE", reuse && *reuse ? NULL : "1"},
		{"MEMTRACE_COLLECT", collect && *collect ? NULL : "1"},
		{"PYTHONHASHSEED", seed && *seed ? NULL : "0"},
		{NULL, NULL},
	};
	return child_run("/proc/self/exe", argv, variables, &run->status, err);
}

/* The one of which all others descend. */
static int find_first(char **outs, size_t count, struct gate_run *run, struct err *err)
{
	__attribute__((cleanup(mem_scope))) struct selected *selected =
		mem_alloc((count + 1) * sizeof selected[0]);
	__attribute__((cleanup(mem_scope)))
	const struct profile **profiles = mem_alloc((count + 1) * sizeof profiles[0]);
	struct lineage lineage;
	size_t open = 0, first = 0, roots = 0;
	int failed = 0;
	while (open < count && !failed) {
		failed = select_open(outs[open], &selected[open], err);
		if (!failed) {
			profiles[open] = selected[open].profile;
			open++;
		}
	}
	if (!failed) {
		lineage_init(&lineage, profiles, count);
		for (size_t i = 0; i < lineage.count; i++)
			if (lineage.places[i].how == LINEAGE_FIRST && !roots++)
				first = lineage.places[i].part;
		lineage_release(&lineage);
	}
	for (size_t i = 0; i < open; i++)
		profile_free(selected[i].profile);
	if (failed)
		return -1;
	if (roots > 1)
		return err_set(
			err,
			"the command ran %zu Python programs, none below another: run one"
			" alone, or give the profile of one as FILE",
			roots);
	run->profile = strdup(outs[first]);
	run->others = count - 1;
	return 0;
}

int gate_run(char *const *command, struct gate_run *ret_run, struct err *err)
{
	struct gate_run run = {.folder = NULL};
	char **outs = NULL;
	size_t count = 0;
	int failed = make_folder(&run.folder, err);
	if (!failed)
		failed = trace(command, &run, err);
	/* A folder without a run is no mistake here: the caller knows what that means. */
	if (!failed && !run_files_list(run.folder, &outs, &count, err)) {
		if (count)
			failed = find_first(outs, count, &run, err);
		run_files_list_free(outs, count);
	}
	*ret_run = run;
	return failed;
}

void gate_run_release(struct gate_run *run, bool keep)
{
	DIR *folder = run->folder && !keep ? opendir(run->folder) : NULL;
	struct dirent *entry;
	while (folder && (entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder) {
		closedir(folder);
		rmdir(run->folder);
	}
	free(run->folder);
	free(run->profile);
	*run = (struct gate_run){.folder = NULL};
}
