/*
 * memtrace-collector: follows one traced program, or makes a profile of what a run left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "run.h"

enum { EXIT_USAGE = 2 };

enum command { COLLECT, REPLAY, RECOVER, CHECKPOINT, VERSION };

struct arguments {
	enum command command;
	struct run_options run;
	const char *to;
	uint32_t covers;
	pid_t collector; /* that the checkpoint is for */
};

static const char usage[] =
	"usage: memtrace-collector --out OUT [--events off|full|all] [--journal BYTES] [--log "
	"FILE]\n"
	"       memtrace-collector --replay OUT --to PROFILE\n"
	"       memtrace-collector --recover OUT [--to PROFILE]\n"
	"       memtrace-collector --version\n"
	"memtrace starts it by itself; OUT is the profile that a run leaves.\n";

static const struct option options[] = {
	{"out", required_argument, NULL, 'o'},
	{"events", required_argument, NULL, 'e'},
	{"journal", required_argument, NULL, 'j'},
	{"log", required_argument, NULL, 'l'},
	{"replay", required_argument, NULL, 'r'},
	{"to", required_argument, NULL, 't'},
	{"recover", required_argument, NULL, 'R'},
	{"version", no_argument, NULL, 'V'},
	{"checkpoint", required_argument, NULL, 'c'},
	{"covers", required_argument, NULL, 'C'},
	{"collector", required_argument, NULL, 'P'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int refuse(const char *option, const char *value, const char *accepted)
{
	fprintf(stderr, "memtrace-collector: %s '%s': %s\n", option, value, accepted);
	return -1;
}

static int take_events(struct arguments *arguments, const char *value)
{
	arguments->run.keep_events = strcmp(value, "off") != 0;
	if (strcmp(value, "off") && strcmp(value, "full") && strcmp(value, "all"))
		return refuse("--events", value, "off, full or all");
	return 0;
}

static int take_journal(struct arguments *arguments, const char *value)
{
	char *end;

	errno = 0;
	arguments->run.journal_bytes = strtoull(value, &end, 10);
	if (errno || end == value || *end || *value == '-')
		return refuse("--journal", value, "a number of bytes");
	return 0;
}

static void take_command(struct arguments *arguments, enum command command, const char *out)
{
	arguments->command = command;
	arguments->run.out = out;
}

static int take_option(struct arguments *arguments, int option, const char *value)
{
	switch (option) {
	case 'o':
		take_command(arguments, COLLECT, value);
		return 0;
	case 'r':
		take_command(arguments, REPLAY, value);
		return 0;
	case 'R':
		take_command(arguments, RECOVER, value);
		return 0;
	case 'c':
		take_command(arguments, CHECKPOINT, value);
		return 0;
	case 'C':
		arguments->covers = (uint32_t)strtoul(value, NULL, 10);
		return arguments->covers ? 0 : refuse("--covers", value, "a number from 1 on");
	case 'P':
		arguments->collector = (pid_t)strtol(value, NULL, 10);
		return 0;
	case 'V':
		take_command(arguments, VERSION, "");
		return 0;
	case 'e':
		return take_events(arguments, value);
	case 'j':
		return take_journal(arguments, value);
	case 'l':
		arguments->run.log = value;
		return 0;
	case 't':
		arguments->to = value;
		return 0;
	default:
		return -1;
	}
}

static int take_arguments(struct arguments *arguments, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (take_option(arguments, option, optarg) < 0)
			return -1;
	if (optind < argc)
		return refuse("argument", argv[optind], "nothing is expected there");
	if (!arguments->run.out)
		return -1;
	if (arguments->command == COLLECT && *arguments->run.out != '/')
		return refuse("--out", arguments->run.out, "a path from the root");
	return arguments->command == REPLAY && !arguments->to ? -1 : 0;
}

/* Out of the program's reach: its session, terminal, descriptors, folder and signals. */
static void become_independent(void)
{
	static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE,
				      SIGXFSZ, SIGXCPU, SIGTSTP, SIGTTOU, SIGCHLD};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	close_range(3, ~0U, 0);
	setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		sigaction(ignored[i], &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);
	if (chdir("/") < 0)
		return;
}

/* The program has lowered its own limits for itself; what may be had back is asked for. */
static void raise_limits(void)
{
	static const __rlimit_resource_t resources[] = {
		RLIMIT_AS, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC,
	};
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++) {
		if (getrlimit(resources[i], &limit) < 0)
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(resources[i], &limit);
	}
}

/*
 * The program is worth more than its profile when memory runs out. And what a journal makes of
 * itself may be far larger than it is.
 */
static void become_modest(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	prctl(PR_SET_NAME, "memtrace-collec");
	if (fd < 0)
		return;
	if (write(fd, "500", 3) < 0)
		errno = 0;
	close(fd);
}

/*
 * By itself the C library goes over to using large blocks again, which it then has to clear:
 * each fork of the program makes two journals with buffers of some MiB, of which it needs
 * little.
 */
static void keep_fresh_memory_fresh(void)
{
	enum { LARGE_BYTES = 256 << 10 };

	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

static int tell(int status, const struct err *note, const struct err *err)
{
	if (note->text[0])
		fprintf(stderr, "memtrace-collector: stopped early: %s\n", note->text);
	if (status < 0)
		fprintf(stderr, "memtrace-collector: %s\n", err->text);
	return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int recover(const struct arguments *arguments, struct err *ret_note, struct err *err)
{
	if (arguments->to)
		return run_recover_to(arguments->run.out, arguments->to, ret_note, err);
	return run_recover(arguments->run.out, ret_note, err);
}

int main(int argc, char **argv)
{
	struct arguments arguments = {
		.run = {.journal_bytes = 256 << 20, .program = "/proc/self/exe"}};
	struct err err = {0}, note = {0};

	if (take_arguments(&arguments, argc, argv) < 0) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	switch (arguments.command) {
	case VERSION:
		puts("memtrace-collector " MEMTRACE_VERSION);
		return EXIT_SUCCESS;
	case REPLAY:
		become_modest();
		return tell(run_replay(arguments.run.out, arguments.to, &note, &err), &note,
			    &err);
	case CHECKPOINT:
		become_modest();
		return tell(checkpoint_make(arguments.run.out, arguments.covers,
					    arguments.collector, &err),
			    &note, &err);
	case RECOVER:
		become_modest();
		return tell(recover(&arguments, &note, &err), &note, &err);
	default:
		become_independent();
		raise_limits();
		become_modest();
		keep_fresh_memory_fresh();
		return run_collect(&arguments.run, &err) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
}
