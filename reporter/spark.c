#include "spark.h"

#include <string.h>

enum { LEVELS = 8 };

static const char *const levels[LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

static uint64_t largest(const uint64_t *values, size_t count)
{
	uint64_t most = 0;
	for (size_t i = 0; i < count; i++)
		if (values[i] > most)
			most = values[i];
	return most;
}

/* Without overflow: sizes have up to 64 bits. */
static size_t level_of(uint64_t value, uint64_t most)
{
	const double part = most ? (double)value / (double)most : 0;
	const size_t level = (size_t)(part * LEVELS);
	return level < LEVELS ? level : LEVELS - 1;
}

void spark_append(const struct term *term, const uint64_t *values, size_t count, size_t width,
		  struct buf *text)
{
	const uint64_t most = largest(values, count);
	const size_t cells = count < width ? count : width;
	if (!term->blocks)
		return;
	for (size_t i = 0; i < cells; i++) {
		const size_t begin = i * count / cells, end = (i + 1) * count / cells;
		const char *level =
			levels[level_of(largest(values + begin, end - begin), most)];
		buf_append(text, level, strlen(level));
	}
}
