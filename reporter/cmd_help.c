#include <stdio.h>
#include <string.h>

#include "command.h"

static int print_list(void)
{
	printf("usage: memtrace COMMAND [ARGUMENT...]\n\n");
	for (const struct command *command = commands; command->name; command++)
		printf("  %-9s %-18s %s%s\n", command->name, command->arguments,
		       command->summary, command->run ? "" : " (not built yet)");
	printf("\n'memtrace help COMMAND' tells a command's options.\n"
	       "To begin with: memtrace run -- python3 app.py, then memtrace report.\n");
	return STATUS_FINE;
}

static int print_one(const char *name)
{
	const struct command *command = command_find(name);
	if (!command) {
		command_say("there is no command '%s'; 'memtrace help' lists them", name);
		return STATUS_USAGE;
	}
	if (!command->run) {
		command_say("'%s' isn't built yet", name);
		return STATUS_USAGE;
	}
	if (command->run == cmd_help)
		return print_list();
	char title[64];
	snprintf(title, sizeof title, "memtrace %s", name);
	char option[] = "--help";
	char *argv[] = {title, option, NULL};
	return command->run(2, argv);
}

int cmd_help(int argc, char **argv)
{
	if (argc > 2) {
		command_say("help takes one command, not '%s' as well", argv[2]);
		return STATUS_USAGE;
	}
	if (argc < 2 || strcmp(argv[1], "--help") == 0)
		return print_list();
	return print_one(argv[1]);
}
