/* The table of commands, and the choice of one. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

const struct command commands[] = {
	{"run", cmd_run, "COMMAND [ARG...]", "run a program under the tracer"},
	{"report", cmd_report, "[FILE...]", "which lines memory grew from"},
	{"map", cmd_map, "[FILE]", "the arenas, and what keeps them"},
	{"diff", cmd_diff, "BEFORE AFTER", "two profiles compared"},
	{"gate", cmd_gate, "FILE... | -- COMMAND", "fail a build that grew"},
	{"export", cmd_export, "[FILE]", "a profile in other tools' formats"},
	{"symbolize", NULL, "FILE", "names for native frames"},
	{"dump", cmd_dump, "FILE", "every record of a profile, journal or ring, one per line"},
	{"mark", cmd_mark, "PID NAME", "name this moment in a running, traced program"},
	{"ls", cmd_ls, "[DIR]", "running, finished and leftover runs in a directory"},
	{"recover", cmd_recover, "PATH",
	 "make the profile of a run whose processes were killed"},
	{"doctor", cmd_doctor, "[-- COMMAND]", "what would happen here, and what is missing"},
	{"help", cmd_help, "[COMMAND]", "this list, or one command's options"},
	{NULL, NULL, NULL, NULL},
};

static int run_command(const struct command *command, int argc, char **argv)
{
	if (!command->run) {
		command_say("'%s' isn't built yet", command->name);
		return STATUS_USAGE;
	}
	char name[64];
	snprintf(name, sizeof name, "memtrace %s", command->name);
	argv[0] = name;
	int status = command->run(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		command_say("can't write to standard output: %s", strerror(errno));
		return status ? status : STATUS_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	argp_err_exit_status = STATUS_USAGE;
	char help[] = "help";
	char *no_arguments[] = {help, NULL};
	if (argc < 2) {
		command_say("no command given; 'memtrace help' lists them");
		return STATUS_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("memtrace %s\n", MEMTRACE_VERSION);
		return STATUS_FINE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0)
		return cmd_help(1, no_arguments);
	const struct command *command = command_find(name);
	if (!command) {
		command_say("there is no command '%s'; 'memtrace help' lists them", name);
		return STATUS_USAGE;
	}
	return run_command(command, argc - 1, argv + 1);
}
