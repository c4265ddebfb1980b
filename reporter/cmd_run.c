/* Runs a program under the tracer and says what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "child.h"
#include "command.h"
#include "executable.h"
#include "install.h"
#include "options.h"
#include "outcome.h"

enum { OUTCOMES_SAID = 8, LIST_MAX_BYTES = 1 << 20 };

struct arguments {
	const char *pattern, *events, *frees, *follow; /* NULL: not given */
	enum units_kind units;
	char **command;
};

enum key { KEY_EVENTS = 0x200, KEY_FREES, KEY_FOLLOW, KEY_UNITS };

static const struct argp_option option_table[] = {
	{"output", 'o', "PATTERN", 0,
	 "Where the profiles go: %x program, %p pid, %t start time, %h host (%x.%p.memtrace)",
	 0},
	{"events", KEY_EVENTS, "full|all", OPTION_ARG_OPTIONAL,
	 "Keep every event beside the profile; all: pairs that cancel each other too", 0},
	{"frees", KEY_FREES, NULL, 0,
	 "Record who frees, too, for report --frees; the program takes longer", 0},
	{"follow", KEY_FOLLOW, "WHAT", 0,
	 "Trace the children too: tree (fork and exec, the default), fork or none", 0},
	{"units", KEY_UNITS, "iec|si", 0, "Powers of 1024 (the default) or of 1000", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const events[] = {"full", "all", NULL};
	static const char *const follow[] = {"tree", "fork", "none", NULL};
	static const char *const units[] = {"iec", "si", NULL};
	struct arguments *arguments = state->input;
	switch (key) {
	case 'o':
		arguments->pattern = arg;
		return 0;
	case KEY_EVENTS:
		arguments->events = arg ? events[options_word(state, "--events", arg, events)]
					: events[0];
		return 0;
	case KEY_FREES:
		arguments->frees = "1";
		return 0;
	case KEY_FOLLOW:
		arguments->follow = follow[options_word(state, "--follow", arg, follow)];
		return 0;
	case KEY_UNITS:
		arguments->units = (enum units_kind)options_word(state, "--units", arg, units);
		return 0;
	case ARGP_KEY_ARGS:
		arguments->command = state->argv + state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/*
 * LD_PRELOAD with the library in front of what is there, but for AddressSanitizer, which has to
 * be first. NULL: the loader would split its name.
 */
static char *preload_value(const char *library)
{
	const char *present = getenv("LD_PRELOAD");
	const bool any = present && *present;
	struct buf value;
	if (strpbrk(library, " :"))
		return NULL;
	buf_init(&value);
	if (any && strstr(present, "libasan.so"))
		buf_printf(&value, "%s:%s", present, library);
	else
		buf_printf(&value, "%s%s%s", library, any ? ":" : "", any ? present : "");
	buf_u8(&value, '\0');
	return (char *)value.data;
}

/*
 * A new, empty file whose name is left in `path`: each traced process adds its profile's to it.
 */
static int make_list(char *path, size_t size, struct err *err)
{
	const char *folder = getenv("TMPDIR");
	snprintf(path, size, "%s/memtrace-run.XXXXXX", folder && *folder ? folder : "/tmp");
	const int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, "can't make the temporary file %s: %s", path,
			       strerror(errno));
	close(fd);
	return 0;
}

static char *read_list(const char *path)
{
	struct stat status;
	char *text = mem_alloc(LIST_MAX_BYTES + 1);
	size_t len = 0;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return text;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		const ssize_t n = read(fd, text, LIST_MAX_BYTES);
		len = n > 0 ? (size_t)n : 0;
	}
	close(fd);
	text[len] = '\0';
	return text;
}

static void say_outcomes(const char *list_path, const char *command, enum units_kind units)
{
	__attribute__((cleanup(mem_scope))) char *list = read_list(list_path);
	size_t count = 0;
	for (char *at = list; *at;) {
		char *end = at + strcspn(at, "\n");
		const bool last = !*end;
		*end = '\0';
		if (*at && count++ < OUTCOMES_SAID)
			outcome_say(at, units);
		at = last ? end : end + 1;
	}
	if (count > OUTCOMES_SAID)
		command_say("and %zu more profiles; 'memtrace ls' lists them",
			    count - OUTCOMES_SAID);
	if (!count)
		command_say(
			"no profile: %s ran no Python that can be traced ('memtrace doctor --"
			" COMMAND' tells more)",
			command);
}

/*
 * The program runs all the same: a wrapper script may start a Python later on. False: it
 * wouldn't run with the library.
 */
static bool check_obstacle(const char *path)
{
	const enum executable_kind kind = executable_kind(path);
	const char *obstacle = executable_obstacle(kind);
	if (obstacle)
		command_say("%s %s; it runs untraced", path, obstacle);
	return kind != EXECUTABLE_SANITIZED;
}

/* `preload` NULL: LD_PRELOAD stays as it is. */
static int run_traced(const struct arguments *arguments, const char *path, const char *preload)
{
	char list_path[PATH_MAX];
	struct err err;
	int status;
	if (make_list(list_path, sizeof list_path, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	const struct child_variable variables[] = {
		{"LD_PRELOAD", preload},
		{"MEMTRACE_OUT", arguments->pattern},
		{"MEMTRACE_EVENTS", arguments->events},
		{"MEMTRACE_FREES", arguments->frees},
		{"MEMTRACE_FOLLOW", arguments->follow},
		{"MEMTRACE_LIST", list_path},
		{"MEMTRACE_QUIET", "1"},
		{NULL, NULL},
	};
	const char *quiet = getenv("MEMTRACE_QUIET");
	const int failed = child_run(path, arguments->command, variables, &status, &err);
	if (failed)
		command_say("%s", err.text);
	else if (!quiet || strcmp(quiet, "1") != 0)
		say_outcomes(list_path, arguments->command[0], arguments->units);
	unlink(list_path);
	return failed ? STATUS_FAILED : status;
}

static int prepare_and_run(const struct arguments *arguments)
{
	__attribute__((cleanup(mem_scope))) char *path = NULL;
	__attribute__((cleanup(mem_scope))) char *library = NULL;
	struct err err;
	int status;
	if (executable_find(arguments->command[0], &path, &status, &err)) {
		command_say("%s", err.text);
		return status;
	}
	if (install_find_library(&library, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	__attribute__((cleanup(mem_scope))) char *preload = preload_value(library);
	if (!preload) {
		command_say("%s: the loader can't preload a library whose path has a space or a"
			    " colon in it; move memtrace elsewhere",
			    library);
		return STATUS_FAILED;
	}
	return run_traced(arguments, path, check_obstacle(path) ? preload : NULL);
}

int cmd_run(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "[--] COMMAND [ARG...]",
		.doc = "Runs COMMAND with every allocation of its Python processes traced.\v"
		       "Exits with the command's own status, 128 + N when signal N killed it."
		       " The variables that libmemtrace(7) lists work here too; options win.",
	};
	struct arguments arguments = {.units = UNITS_IEC};
	/* Options behind the command are the command's. */
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments))
		return STATUS_USAGE;
	return prepare_and_run(&arguments);
}
