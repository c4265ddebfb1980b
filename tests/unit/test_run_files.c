/* Which run a file's name belongs to, and what of it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../collector/mem.h"
#include "../../reporter/run_files.h"

static void assert_out(const char *name, const char *wanted)
{
	char *out = run_files_out(name);

	assert_string_equal(out, wanted);
	mem_scope(&out);
}

static void side_files_lead_to_their_run(void **state)
{
	static const char *const suffixes[] = {
		"",
		".ring",
		".tmp",
		".journal.1",
		".journal.120",
		".checkpoint",
		".checkpoint.tmp",
		".fork.3",
		".fork.3.journal.14",
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(name, sizeof(name), "a/x.12.memtrace%s", suffixes[i]);
		assert_out(name, "a/x.12.memtrace");
		snprintf(name, sizeof(name), "x.memtrace-2%s", suffixes[i]);
		assert_out(name, "x.memtrace-2");
	}
}

static void other_names_stay_as_they_are(void **state)
{
	static const char *const names[] = {
		"a/.ring", "x.journal", "x.journal.", "x.journal.1a", ".tmp",
		"x.fork.", ".fork.1",   "a/.fork.1",  "fork.1",       "x.fork.1.y",
		"",        "x.12",      "a.ring/x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_out(names[i], names[i]);
}

static void put_file(const char *folder, const char *name, size_t bytes)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < bytes; i++)
		fputc('x', file);
	assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *folder, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

/* What a killed heir left is seen by what the run takes on disk. */
static void what_was_left_for_a_child_counts(void **state)
{
	static const char *const files[] = {"x.memtrace", "x.memtrace.fork.2.journal.1"};
	char folder[] = "/tmp/test_run_files.XXXXXX", name[64];
	struct run_files before, after;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/x.memtrace", folder);
	put_file(folder, files[0], 10);
	assert_int_equal(run_files_find(name, &before, &err), 0);
	put_file(folder, files[1], 100000);
	assert_int_equal(run_files_find(name, &after, &err), 0);
	assert_int_equal(after.state, RUN_FINISHED);
	assert_true(after.disk_bytes >= before.disk_bytes + 100000);
	run_files_release(&before);
	run_files_release(&after);
	remove_file(folder, files[0]);
	remove_file(folder, files[1]);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(side_files_lead_to_their_run),
		cmocka_unit_test(other_names_stay_as_they_are),
		cmocka_unit_test(what_was_left_for_a_child_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
