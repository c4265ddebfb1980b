#include "file_set.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../collector/mem.h"
#include "run_files.h"

static bool has_run(const struct file_set *set, const char *name)
{
	__attribute__((cleanup(mem_scope))) char *out = run_files_out(name);
	for (size_t i = 0; i < set->count; i++) {
		__attribute__((cleanup(mem_scope))) char *other = run_files_out(set->names[i]);
		if (strcmp(out, other) == 0)
			return true;
	}
	return false;
}

static void add(struct file_set *set, const char *name)
{
	if (has_run(set, name))
		return;
	set->names = mem_grow(set->names, &set->capacity, set->count + 1, sizeof *set->names);
	set->names[set->count++] = mem_text(name);
}

static int add_folder(struct file_set *set, const char *argument, struct err *err)
{
	__attribute__((cleanup(mem_scope))) char *folder = mem_text(argument);
	char **outs;
	size_t count;
	for (size_t len = strlen(folder); len > 1 && folder[len - 1] == '/'; len--)
		folder[len - 1] = '\0';
	if (run_files_list(folder, &outs, &count, err))
		return -1;
	for (size_t i = 0; i < count; i++)
		add(set, outs[i]);
	run_files_list_free(outs, count);
	return count ? 0 : err_set(err, "%s: no profile in this directory", folder);
}

static int add_pattern(struct file_set *set, const char *pattern, struct err *err)
{
	glob_t found;
	if (glob(pattern, 0, NULL, &found))
		return err_set(err, "%s: no file matches", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++)
		add(set, found.gl_pathv[i]);
	globfree(&found);
	return 0;
}

static int add_argument(struct file_set *set, const char *argument, struct err *err)
{
	struct stat info;
	const bool exists = stat(argument, &info) == 0;
	const bool folder = exists && S_ISDIR(info.st_mode);
	if (!folder && (exists || !strpbrk(argument, "*?["))) {
		add(set, argument);
		return 0;
	}
	set->several = true;
	return folder ? add_folder(set, argument, err) : add_pattern(set, argument, err);
}

int file_set_init(struct file_set *set, char *const *arguments, size_t count, struct err *err)
{
	*set = (struct file_set){.several = count > 1};
	for (size_t i = 0; i < count; i++)
		if (add_argument(set, arguments[i], err)) {
			file_set_release(set);
			return -1;
		}
	return 0;
}

void file_set_release(struct file_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->names[i]);
	free(set->names);
	*set = (struct file_set){.names = NULL};
}
