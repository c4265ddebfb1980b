#include "words.h"

#include <string.h>

struct words words_over(char *buffer, size_t capacity)
{
	buffer[0] = '\0';
	return (struct words){.text = buffer, .capacity = capacity};
}

void words_bytes(struct words *words, const char *bytes, size_t len)
{
	size_t room = words->capacity - 1 - words->len;

	if (len > room) {
		len = room;
		words->cut = true;
	}
	memcpy(words->text + words->len, bytes, len);
	words->len += len;
	words->text[words->len] = '\0';
}

void words_add(struct words *words, const char *text)
{
	words_bytes(words, text, strlen(text));
}

void words_char(struct words *words, char c)
{
	words_bytes(words, &c, 1);
}

void words_number(struct words *words, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	words_bytes(words, digits + at, sizeof(digits) - at);
}
