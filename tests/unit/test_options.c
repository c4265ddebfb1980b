/* What values of the environment are read as, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../preload/options.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

/* What a refusal says goes to stderr: it is caught here. */
static bool read_with(const char *name, const char *value, struct options *ret_options,
		      char *said, size_t room)
{
	int ends[2], kept = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	setenv(name, value, 1);
	bool understood = options_read(ret_options);

	unsetenv(name);
	dup2(kept, STDERR_FILENO);
	close(ends[1]);
	close(kept);
	ssize_t len = read(ends[0], said, room - 1);

	said[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	return understood;
}

static void test_defaults(void **state)
{
	struct options options;

	(void)state;
	assert_true(options_read(&options));
	assert_string_equal(options.out, "%x.%p.memtrace");
	assert_null(options.collector);
	assert_int_equal(options.ring_bytes, 2 * MIB);
	assert_int_equal(options.journal_bytes, 256 * MIB);
	assert_int_equal(options.wait_ms, 10000);
	assert_int_equal(options.events, EVENTS_OFF);
	assert_int_equal(options.full, FULL_DROP);
	assert_int_equal(options.follow, FOLLOW_TREE);
}

struct number {
	const char *name, *value;
	size_t field;
	uint64_t wanted;
};

#define NUMBER(variable, field, value, wanted)                           \
	{                                                                \
		variable, value, offsetof(struct options, field), wanted \
	}

static void test_sizes_and_times(void **state)
{
	static const struct number numbers[] = {
		NUMBER("MEMTRACE_RING", ring_bytes, "64KiB", 64 * KIB),
		NUMBER("MEMTRACE_RING", ring_bytes, "65536", 64 * KIB),
		NUMBER("MEMTRACE_RING", ring_bytes, "65536B", 64 * KIB),
		NUMBER("MEMTRACE_RING", ring_bytes, "64MiB", 64 * MIB),
		NUMBER("MEMTRACE_RING", ring_bytes, "100kB", 100000),
		NUMBER("MEMTRACE_RING", ring_bytes, "2MB", 2000000),
		NUMBER("MEMTRACE_JOURNAL", journal_bytes, "3GiB", 3072 * MIB),
		NUMBER("MEMTRACE_JOURNAL", journal_bytes, "3GB", 3000000000),
		NUMBER("MEMTRACE_JOURNAL", journal_bytes, "1TiB", (uint64_t)1 << 40),
		NUMBER("MEMTRACE_WAIT", wait_ms, "0s", 0),
		NUMBER("MEMTRACE_WAIT", wait_ms, "250ms", 250),
		NUMBER("MEMTRACE_WAIT", wait_ms, "7", 7000),
		NUMBER("MEMTRACE_WAIT", wait_ms, "5m", 300000),
		NUMBER("MEMTRACE_WAIT", wait_ms, "1h", 3600000),
		/* An empty value is none. */
		NUMBER("MEMTRACE_RING", ring_bytes, "", 2 * MIB),
	};
	struct options options;
	char said[512];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t got;

		assert_true(read_with(numbers[i].name, numbers[i].value, &options, said,
				      sizeof(said)));
		memcpy(&got, (const char *)&options + numbers[i].field, sizeof(got));
		assert_int_equal(got, numbers[i].wanted);
		assert_string_equal(said, "");
	}
}

static void test_refusals_name_variable_value_and_what_is_accepted(void **state)
{
	static const char *const refused[][3] = {
		{"MEMTRACE_RING", "63KiB", "64KiB"},
		{"MEMTRACE_RING", "64MiB1", "64KiB"},
		{"MEMTRACE_RING", "128 MiB", "64KiB"},
		{"MEMTRACE_RING", "-65536", "64KiB"},
		{"MEMTRACE_RING", "0x10000", "64KiB"},
		{"MEMTRACE_RING", "MiB", "64KiB"},
		{"MEMTRACE_RING", "18446744073709617152", "64KiB"},
		{"MEMTRACE_RING", "17179869184GiB", "64KiB"},
		{"MEMTRACE_JOURNAL", "2TiB", "1TiB"},
		{"MEMTRACE_WAIT", "61m", "60m"},
		{"MEMTRACE_WAIT", "10MiB", "60m"},
		{"MEMTRACE_EVENTS", "Full", "off, full or all"},
		{"MEMTRACE_FULL", "yes", "drop or wait"},
		{"MEMTRACE_ARGV", "2", "0 or 1"},
		{"MEMTRACE_MODE", "exactly", "exact"},
	};
	struct options options;
	char said[512];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_false(
			read_with(refused[i][0], refused[i][1], &options, said, sizeof(said)));
		for (size_t k = 0; k < 3; k++)
			assert_non_null(strstr(said, refused[i][k]));
		/* One line. */
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_sizes_and_times),
		cmocka_unit_test(test_refusals_name_variable_value_and_what_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
