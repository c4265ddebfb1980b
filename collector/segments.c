#include "segments.h"

#include <stdio.h>
#include <unistd.h>

const char *segments_path(struct buf *path, const char *out, uint32_t segment)
{
	path->len = 0;
	buf_printf(path, "%s.journal.%u", out, segment);
	buf_u8(path, 0);
	return (const char *)path->data;
}

void segments_remove(const char *out)
{
	__attribute__((cleanup(buf_release))) struct buf path = {0};
	uint32_t count = 0;

	while (access(segments_path(&path, out, count + 1), F_OK) == 0)
		count++;
	/* The first one last: whoever is killed in here leaves what is found the next time. */
	for (uint32_t segment = count; segment > 0; segment--)
		unlink(segments_path(&path, out, segment));
}

int segments_link(const char *from_out, const char *to_out, uint32_t count)
{
	__attribute__((cleanup(buf_release))) struct buf from = {0}, to = {0};

	for (uint32_t segment = 1; segment <= count; segment++) {
		segments_path(&from, from_out, segment);
		segments_path(&to, to_out, segment);
		unlink((const char *)to.data);
		if (link((const char *)from.data, (const char *)to.data) < 0)
			return -1;
	}
	return 0;
}
