#include "characters.h"

#include "json.h"

uint32_t characters_next(const char **at)
{
	const unsigned char *bytes = (const unsigned char *)*at;
	if (!*bytes)
		return 0;
	const int len = json_utf8_length(*at);
	*at += len ? len : 1;
	if (len <= 1)
		return len ? bytes[0] : CHARACTERS_REPLACEMENT;
	uint32_t character = bytes[0] & (0x7fu >> len);
	for (int i = 1; i < len; i++)
		character = character << 6 | (bytes[i] & 0x3fu);
	return character;
}

void characters_put(struct buf *buf, uint32_t character)
{
	if (character < 0x80) {
		buf_u8(buf, (uint8_t)character);
		return;
	}
	const int len = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	buf_u8(buf, (uint8_t)((0xf00u >> len) | character >> (6 * (len - 1))));
	for (int i = len - 2; i >= 0; i--)
		buf_u8(buf, (uint8_t)(0x80 | ((character >> (6 * i)) & 0x3f)));
}

bool characters_is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
	       (character >= 0x200e && character <= 0x200f) ||
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) || character == 0xfeff;
}

void characters_put_line(struct buf *buf, const char *text)
{
	for (uint32_t character; (character = characters_next(&text));)
		characters_put(buf, characters_is_control(character) ? CHARACTERS_REPLACEMENT
								     : character);
}
