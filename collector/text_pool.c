#include "text_pool.h"

#include <string.h>

#include "profile.h"

void text_pool_init(struct text_pool *pool)
{
	buf_init(&pool->bytes);
	u64map_init(&pool->offsets);
	buf_u8(&pool->bytes, 0);
}

void text_pool_release(struct text_pool *pool)
{
	buf_release(&pool->bytes);
	u64map_release(&pool->offsets);
}

static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		value = (value ^ (uint8_t)*text) * 0x100000001b3ULL;
	return value;
}

uint32_t text_pool_add(struct text_pool *pool, const char *text)
{
	uint64_t key, *offset;

	if (!text || !*text)
		return 0;
	for (key = hash(text);; key++) {
		if (!key)
			continue;
		offset = u64map_get(&pool->offsets, key);
		if (!offset)
			break;
		if (!strcmp((const char *)pool->bytes.data + *offset, text))
			return (uint32_t)*offset;
	}
	if (pool->bytes.len + strlen(text) >= PROFILE_MAX_SECTION_BYTES)
		return 0;
	*u64map_put(&pool->offsets, key) = pool->bytes.len;
	buf_text(&pool->bytes, text);
	return (uint32_t)*u64map_get(&pool->offsets, key);
}
