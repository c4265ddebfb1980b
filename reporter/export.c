#include "export.h"

#include <stddef.h>

const struct export_format export_formats[] = {
	{"folded", false, export_folded},
	{"speedscope", true, export_speedscope},
	{NULL, false, NULL},
};

void export_frames(const struct lines *lines, uint32_t trace, struct buf *ret_frames)
{
	ret_frames->len = 0;
	do {
		const uint32_t frame = lines->traces[trace].frame;
		buf_append(ret_frames, &frame, sizeof frame);
		trace = lines->traces[trace].parent;
	} while (trace);
	uint32_t *const frames = (uint32_t *)(void *)ret_frames->data;
	const size_t count = ret_frames->len / sizeof frames[0];
	for (size_t i = 0; i < count / 2; i++) {
		const uint32_t swapped = frames[i];
		frames[i] = frames[count - 1 - i];
		frames[count - 1 - i] = swapped;
	}
}
