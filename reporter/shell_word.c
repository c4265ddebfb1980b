#include "shell_word.h"

#include <string.h>

void shell_word_append(struct buf *text, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:=@%+,-";
	if (*word && !word[strspn(word, plain)]) {
		buf_append(text, word, strlen(word));
		return;
	}
	buf_u8(text, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_printf(text, "'\\''");
		else
			buf_u8(text, (uint8_t)*word);
	}
	buf_u8(text, '\'');
}

char *shell_word_new(const char *word)
{
	struct buf text;
	buf_init(&text);
	shell_word_append(&text, word);
	buf_u8(&text, '\0');
	return (char *)text.data;
}
