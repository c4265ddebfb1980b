#include "caption.h"

#include <string.h>
#include <unistd.h>

#include "../collector/linetable.h"

struct caption_folder caption_working_directory(void)
{
	struct caption_folder folder = {""};
	if (!getcwd(folder.path, sizeof folder.path - 1) || !folder.path[1])
		return (struct caption_folder){""};
	folder.path[strlen(folder.path)] = '/';
	return folder;
}

const char *caption_path(const struct caption_folder *folder, const char *path)
{
	const size_t len = strlen(folder->path);
	return len && strncmp(path, folder->path, len) == 0 && path[len] ? path + len : path;
}

void caption_append(const struct group *group, enum grouping_by by,
		    const struct caption_folder *folder, struct buf *text)
{
	const char *file = group->file ? caption_path(folder, group->file) : NULL;
	if (!group->file && !group->module)
		buf_printf(text, "%s", group->name.text);
	else if (by == GROUPING_BY_MODULE)
		buf_printf(text, "%s", group->module);
	else if (by == GROUPING_BY_FILE)
		buf_printf(text, "%s", file);
	else if (by == GROUPING_BY_FUNCTION)
		buf_printf(text, "%s (%s)", group->function, file);
	else if (group->line == LINE_NONE)
		buf_printf(text, "%s (in %s)", file, group->function);
	else
		buf_printf(text, "%s:%d", file, group->line);
}

const char *caption_plural(enum grouping_by by)
{
	static const char *const words[GROUPING_BY_COUNT] = {
		"lines", "lines", "functions", "files", "modules", "stacks", "threads"};
	return words[by];
}
