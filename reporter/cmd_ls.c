/* The runs that have files in a directory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../collector/profile_read.h"
#include "command.h"
#include "json.h"
#include "moment.h"
#include "options.h"
#include "run_files.h"
#include "table.h"

struct arguments {
	struct options options;
	const char *folder;
};

/* One run, as far as its files tell. */
struct listed {
	const char *out;
	enum run_state state;
	uint32_t pid;
	uint64_t disk_bytes, start_real_ns;
	struct profile *profile; /* NULL: none yet, or none that can be read */
	struct err err;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case ARGP_KEY_ARG:
		arguments->folder = options_only(state, "DIR", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int look_at(const char *out, struct listed *ret_listed)
{
	struct listed listed = {.out = out};
	struct run_files run;
	if (run_files_find(out, &run, &listed.err))
		return -1;
	listed.state = run.state;
	listed.pid = run.pid;
	listed.disk_bytes = run.disk_bytes;
	listed.start_real_ns = run.start_real_ns;
	if (run.has_profile && profile_open(out, &listed.profile, &listed.err) == 0) {
		listed.pid = listed.profile->run.pid;
		listed.start_real_ns = listed.profile->run.start_real_ns;
	}
	run_files_release(&run);
	*ret_listed = listed;
	return 0;
}

/* What is live at the end; false: no profile says it. */
static bool live_bytes(const struct listed *listed, uint64_t *ret_bytes)
{
	struct moment end;
	if (!listed->profile || moment_find(listed->profile, "end", &end, NULL))
		return false;
	*ret_bytes = moment_live_bytes(listed->profile, &end);
	return true;
}

static const char *program_of(const struct listed *listed)
{
	const char *program = listed->profile ? profile_info(listed->profile, "program") : NULL;
	return program && *program ? program : NULL;
}

static void start_text(uint64_t real_ns, char *text, size_t size)
{
	const time_t seconds = (time_t)(real_ns / 1000000000);
	struct tm tm;
	if (!real_ns || !localtime_r(&seconds, &tm) ||
	    !strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, size, "?");
}

static void add_row(struct table *table, const struct listed *listed, enum units_kind units)
{
	char start[64], pid[16] = "?";
	uint64_t live;
	const bool unreadable = !listed->profile && listed->state == RUN_FINISHED;
	start_text(listed->start_real_ns, start, sizeof start);
	if (listed->pid)
		snprintf(pid, sizeof pid, "%" PRIu32, listed->pid);
	table_cell(table, pid);
	table_cell(table, program_of(listed) ? program_of(listed) : "?");
	table_cell(table, unreadable ? "unreadable" : run_state_names[listed->state]);
	table_cell(table, start);
	table_cell(table, live_bytes(listed, &live) ? units_size(units, live).text : "?");
	table_cell(table, units_size(units, listed->disk_bytes).text);
	table_cell(table, listed->out);
}

static void write_json(struct json *json, const struct listed *listed)
{
	uint64_t live;
	json_open_object(json, NULL);
	json_text(json, "file", listed->out);
	json_text(json, "state", run_state_names[listed->state]);
	json_text(json, "program", program_of(listed));
	if (listed->pid)
		json_u64(json, "pid", listed->pid);
	else
		json_put_null(json, "pid");
	json_double(json, "start", (double)listed->start_real_ns / 1e9, 3);
	if (live_bytes(listed, &live))
		json_u64(json, "live_bytes", live);
	else
		json_put_null(json, "live_bytes");
	json_u64(json, "disk_bytes", listed->disk_bytes);
	json_text(json, "problem", listed->err.text[0] ? listed->err.text : NULL);
	json_close(json);
}

struct listing {
	const struct arguments *arguments;
	struct table table;
	struct json json;
	size_t leftovers;
	const char *a_leftover;
};

static void list_one(struct listing *listing, const char *out)
{
	struct listed listed;
	/* A run that ends while we look takes its side files along. */
	if (look_at(out, &listed))
		return;
	if (listing->arguments->options.json)
		write_json(&listing->json, &listed);
	else
		add_row(&listing->table, &listed, listing->arguments->options.units);
	if (listed.state == RUN_LEFTOVER) {
		listing->leftovers++;
		listing->a_leftover = out;
	}
	profile_free(listed.profile);
}

static void begin(struct listing *listing)
{
	static const char *const heading[] = {"PID",  "PROGRAM", "STATE", "STARTED",
					      "LIVE", "ON DISK", "FILE"};
	json_init(&listing->json, stdout, 2);
	table_init(&listing->table, "rlllrrl");
	for (size_t i = 0; i < sizeof heading / sizeof heading[0]; i++)
		table_cell(&listing->table, heading[i]);
	if (listing->arguments->options.json) {
		json_open_object(&listing->json, NULL);
		json_text(&listing->json, "schema", "memtrace.ls/1");
		json_open_array(&listing->json, "runs");
	}
}

static void end(struct listing *listing, size_t count)
{
	struct term term;
	if (listing->arguments->options.json) {
		json_close(&listing->json);
		json_close(&listing->json);
	} else if (!count) {
		printf("no runs in %s\n", listing->arguments->folder);
	} else {
		term_init(&term, stdout, listing->arguments->options.color);
		table_print(&listing->table, &term);
		if (listing->leftovers)
			printf("\n%zu leftover: every process of it was killed;"
			       " 'memtrace report %s' recovers it\n",
			       listing->leftovers, listing->a_leftover);
	}
	table_release(&listing->table);
}

int cmd_ls(int argc, char **argv)
{
	static const struct argp argp = {
		.options = NULL,
		.parser = parse,
		.args_doc = "[DIR]",
		.doc = "The runs that have files in a directory: running, draining (the"
		       " program has ended, its profile is being written), finished, leftover"
		       " (everything was killed).",
		.children = options_children,
	};
	struct arguments arguments = {.folder = "."};
	struct listing listing = {.arguments = &arguments};
	struct err err;
	char **outs;
	size_t count;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return STATUS_USAGE;
	if (run_files_list(arguments.folder, &outs, &count, &err)) {
		command_say("%s", err.text);
		return STATUS_FAILED;
	}
	begin(&listing);
	for (size_t i = 0; i < count; i++)
		list_one(&listing, outs[i]);
	end(&listing, count);
	run_files_list_free(outs, count);
	return STATUS_FINE;
}
