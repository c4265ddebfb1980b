/* Every record of a profile, a journal or a ring, one per line. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../collector/journal.h"
#include "../collector/mem.h"
#include "command.h"
#include "dump.h"
#include "options.h"
#include "select.h"

struct arguments {
	struct options options;
	const char *file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case ARGP_KEY_ARG:
		arguments->file = options_only(state, "FILE", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Zeroes where the file has fewer bytes, or can't be read: profile_open will say why. */
static void read_magic(const char *path, char magic[8])
{
	memset(magic, 0, 8);
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (pread(fd, magic, 8, 0) != 8)
		memset(magic, 0, 8);
	close(fd);
}

static int dump_selected(const char *path, struct fields *fields, struct err *err)
{
	struct selected selected;
	if (select_open(path, &selected, err))
		return -1;
	const int result = dump_profile(selected.profile, fields, err);
	profile_free(selected.profile);
	return result;
}

static int dump_file(const char *path, struct fields *fields, struct err *err)
{
	char magic[8];
	read_magic(path, magic);
	if (memcmp(magic, RING_MAGIC, sizeof magic) == 0)
		return dump_ring(path, fields, err);
	if (memcmp(magic, JOURNAL_MAGIC, sizeof magic) == 0)
		return dump_journal(path, fields, err);
	return dump_selected(path, fields, err);
}

int cmd_dump(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "[FILE]",
		.doc = "Every record of a profile, a journal (.journal.N) or a ring (.ring),"
		       " one a line; with --json each line is an object of its own.\vWithout"
		       " FILE it is the newest run in this directory.",
		.children = options_children,
	};
	struct arguments arguments = {.file = NULL};
	__attribute__((cleanup(mem_scope))) char *newest = NULL;
	struct fields fields;
	struct err err;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	fields_init(&fields, stdout, arguments.options.json);
	if ((!arguments.file && select_newest(&newest, &err)) ||
	    dump_file(arguments.file ? arguments.file : newest, &fields, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	return STATUS_FINE;
}
