/* Names this moment in a running, traced program. */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "live_ring.h"
#include "options.h"

/* Longer than the collector waits before it places a mark alone. */
enum { WAIT_MS = 3000, POLL_MS = 5 };
enum { KEY_AUDIT = 256 };

struct arguments {
	const char *pid_text, *name;
	uint32_t pid;
	bool audit;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case KEY_AUDIT:
		arguments->audit = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "PID and NAME only, not '%s' as well", arg);
		*(state->arg_num ? &arguments->name : &arguments->pid_text) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->name)
			argp_error(state, "PID and NAME are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The number of the request. */
static uint32_t ask(struct ring_header *header, const char *name, bool audit)
{
	memset(header->mark_name, 0, sizeof header->mark_name);
	memcpy(header->mark_name, name, strlen(name));
	/*
	 * Release: who sees the new number (the traced process, acquire) sees the whole name.
	 */
	const uint32_t request =
		atomic_fetch_add_explicit(&header->mark_request, 1, memory_order_release) + 1;
	/* Release: who sees the bits sees the request. */
	atomic_fetch_or_explicit(&header->attention,
				 ATTENTION_MARK | (audit ? ATTENTION_AUDIT : 0),
				 memory_order_release);
	return request;
}

static bool wait_until_taken(struct ring_header *header, uint32_t request)
{
	const struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
	for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
		/* Acquire: pairs with the store of who carried it out. */
		const uint32_t taken = atomic_load_explicit(&header->mark_taken,
							    memory_order_acquire);
		if ((int32_t)(taken - request) >= 0)
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

/* A program that has an audit to make has these bits until it is made, or given up. */
static bool wait_until_audited(const struct ring_header *header)
{
	const struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
	for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
		/* Acquire: pairs with the change of who made it. */
		const uint32_t left = atomic_load_explicit(&header->attention,
							   memory_order_acquire);
		if (!(left & (ATTENTION_AUDIT | ATTENTION_OWED)))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

/*
 * Two of us at once would write one name over the other. A lock on the name's bytes: the whole
 * file is locked by the collector for as long as it lives.
 */
static void lock_name(int fd)
{
	struct flock name = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = offsetof(struct ring_header, mark_name),
		.l_len = RING_NAME_BYTES,
	};
	fcntl(fd, F_OFD_SETLKW, &name);
}

static int set_mark(struct live_ring *ring, const struct arguments *arguments)
{
	struct ring_header *header = ring->header;
	lock_name(ring->fd);
	if (atomic_load_explicit(&header->program_state, memory_order_acquire) !=
	    PROGRAM_TRACED) {
		command_say(
			"process %u is no longer traced: the tracer gave up, or it is ending",
			arguments->pid);
		return STATUS_FAILED;
	}
	if (!wait_until_taken(header, ask(header, arguments->name, arguments->audit))) {
		command_say(
			"process %u didn't set the mark '%s' within 3 s: it allocates nothing,"
			" or it is stopped; the mark is set when it goes on",
			arguments->pid, arguments->name);
		return STATUS_FAILED;
	}
	printf("marked '%s' in process %u\n", arguments->name, arguments->pid);
	if (arguments->audit && !wait_until_audited(header))
		command_say("the audit of process %u waits for an interpreter's next allocation"
			    " or free",
			    arguments->pid);
	return STATUS_FINE;
}

static int check_arguments(struct arguments *arguments)
{
	arguments->pid = live_ring_pid(arguments->pid_text);
	if (!arguments->pid)
		command_say("'%s' is not a process number", arguments->pid_text);
	else if (!*arguments->name || strlen(arguments->name) >= RING_NAME_BYTES)
		command_say("the mark's name '%s' has %zu bytes; 1 to %d are taken",
			    arguments->name, strlen(arguments->name), RING_NAME_BYTES - 1);
	else
		return STATUS_FINE;
	return STATUS_USAGE;
}

int cmd_mark(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"audit", KEY_AUDIT, NULL, 0,
		 "Compare the arenas with the interpreter's own headers, too", 0},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "PID NAME",
		.doc = "Names this moment in a running, traced program; reports can start and"
		       " end there.\vThe program sets the mark at its next allocation or free.",
	};
	struct arguments arguments = {.pid = 0};
	struct live_ring ring = {.fd = -1};
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) || check_arguments(&arguments))
		return STATUS_USAGE;
	if (live_ring_of_process(arguments.pid, &ring, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	const int status = set_mark(&ring, &arguments);
	live_ring_release(&ring);
	return status;
}
