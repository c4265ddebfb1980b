#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct command *command_find(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

void command_say(const char *format, ...)
{
	/* One write a line: traced programs may be writing to the same terminal. */
	char line[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	/* What was printed so far belongs before this line. */
	fflush(stdout);
	fprintf(stderr, "memtrace: %s\n", line);
}
