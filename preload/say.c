#include "say.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "words.h"

void say(const char *const texts[])
{
	int saved = errno;
	char buffer[1024];
	/* One byte is kept for the newline. */
	struct words line = words_over(buffer, sizeof(buffer) - 1);

	words_add(&line, "memtrace: ");
	for (size_t i = 0; texts[i]; i++)
		words_add(&line, texts[i]);
	buffer[line.len] = '\n';
	ssize_t ignored = write(STDERR_FILENO, buffer, line.len + 1);
	(void)ignored;
	errno = saved;
}
