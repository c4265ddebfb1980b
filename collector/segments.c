#include "segments.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *segments_path(struct buf *path, const char *out, uint32_t segment)
{
	return buf_format(path, "%s.journal.%u", out, segment);
}

/* Opens the folder of `out`; what its files are called there, with a dot, in *ret_prefix. */
static DIR *open_folder(const char *out, struct buf *ret_prefix)
{
	__attribute__((cleanup(buf_release))) struct buf folder = {0};
	const char *slash = strrchr(out, '/');

	buf_format(&folder, "%.*s", slash ? (int)(slash - out) + 1 : 2, slash ? out : "./");
	buf_format(ret_prefix, "%s.journal.", slash ? slash + 1 : out);
	return opendir(buf_chars(&folder));
}

/* Numbers may be missing where a checkpoint stands for them: so the folder is asked. */
static void find_segments(const char *out, struct buf *ret_numbers)
{
	__attribute__((cleanup(buf_release))) struct buf prefix = {0};
	const struct dirent *entry;
	DIR *folder = open_folder(out, &prefix);
	size_t len = prefix.len - 1;

	while (folder && (entry = readdir(folder))) {
		uint32_t number;

		if (strncmp(entry->d_name, buf_chars(&prefix), len) != 0)
			continue;
		number = (uint32_t)strtoul(entry->d_name + len, NULL, 10);
		buf_append(ret_numbers, &number, sizeof(number));
	}
	if (folder)
		closedir(folder);
}

static int largest_first(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a < b) - (a > b);
}

void segments_remove(const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0}, numbers = {0};

	find_segments(out, &numbers);
	if (numbers.len)
		qsort(numbers.data, numbers.len / sizeof(uint32_t), sizeof(uint32_t),
		      largest_first);
	/* The first one last: whoever is killed in here leaves what is found the next time. */
	for (size_t at = 0; at < numbers.len; at += sizeof(uint32_t)) {
		uint32_t number;

		memcpy(&number, numbers.data + at, sizeof(number));
		unlink(segments_path(&path, out, number));
	}
}

int segments_link(const char *from_out, const char *to_out, uint32_t covered, uint32_t count)
{
	__attribute__((cleanup(buf_release))) struct buf from = {0}, to = {0};

	for (uint32_t segment = 1; segment <= count; segment++) {
		segments_path(&from, from_out, segment);
		segments_path(&to, to_out, segment);
		unlink(buf_chars(&to));
		if (link(buf_chars(&from), buf_chars(&to)) < 0)
			return -1;
		if (segment == 1 && covered)
			segment = covered;
	}
	return 0;
}
