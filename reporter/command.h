/*
 * command.h - what a command of `memtrace` is.
 *
 * A command is one file, cmd_NAME.c, with its own argp table, and one row of the table in
 * main.c. It gets argv[0] as "memtrace NAME", prints its answer on stdout, one line for each
 * thing that went wrong on stderr, and returns the exit status.
 */
#ifndef MEMTRACE_COMMAND_H
#define MEMTRACE_COMMAND_H

enum command_status {
	STATUS_FINE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_CANNOT_EXECUTE = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL = 128, /* plus the signal's number */
};

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* NULL: not built yet */
	const char *arguments;
	const char *summary;
};

/* Every command there is, in the order of the help; ends with a NULL name. */
extern const struct command commands[];

int cmd_diff(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_gate(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_mark(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);

/* NULL: there is no command of that name. */
const struct command *command_find(const char *name);
/* One line on stderr: "memtrace: ...". */
void command_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
