/* How the reporter writes: numbers, tables, JSON; and what a path says about a module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../reporter/json.h"
#include "../../reporter/module_name.h"
#include "../../reporter/paragraph.h"
#include "../../reporter/table.h"
#include "../../reporter/units.h"

/* What tracemalloc._format_size of CPython 3.11 gives. */
static void test_sizes_as_tracemalloc_writes_them(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {{0, "0 B"},
		     {100, "100 B"},
		     {9999, "9999 B"},
		     {10239, "10239 B"},
		     {10240, "10.0 KiB"},
		     {11000, "10.7 KiB"},
		     {102400, "100 KiB"},
		     {10485760, "10.0 MiB"},
		     {105906176, "101 MiB"},
		     {1000000000, "954 MiB"}};
	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		assert_string_equal(units_size(UNITS_IEC, sizes[i].bytes).text, sizes[i].text);
	assert_string_equal(units_size(UNITS_SI, 12500000).text, "12.5 MB");
	assert_string_equal(units_size_diff(UNITS_IEC, 0).text, "+0 B");
	assert_string_equal(units_size_diff(UNITS_IEC, -20480).text, "-20.0 KiB");
	assert_string_equal(units_size_diff(UNITS_IEC, INT64_MIN).text, "-8.0 EiB");
}

static void test_counts(void **state)
{
	(void)state;
	assert_string_equal(units_count(0).text, "0");
	assert_string_equal(units_count(999).text, "999");
	assert_string_equal(units_count(1000).text, "1,000");
	assert_string_equal(units_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(units_count_diff(-1234567).text, "-1,234,567");
	assert_string_equal(units_count_diff(INT64_MIN).text, "-9,223,372,036,854,775,808");
}

static void test_times(void **state)
{
	double seconds = -1;
	(void)state;
	assert_string_equal(units_seconds(0.0123).text, "0.012 s");
	assert_string_equal(units_seconds(12.54).text, "12.5 s");
	assert_string_equal(units_seconds(185).text, "3 min 5 s");
	assert_string_equal(units_seconds(7500).text, "2 h 5 min");
	assert_int_equal(units_parse_seconds("12.5s", &seconds), 0);
	assert_true(seconds == 12.5);
	assert_int_equal(units_parse_seconds("5m", &seconds), 0);
	assert_true(seconds == 300);
	assert_int_equal(units_parse_seconds("250ms", &seconds), 0);
	assert_true(seconds == 0.25);
	static const char *const wrong[] = {"",   "s",    "12",   "-1s",    " 1s", "1 s",
					    "1d", "0x1s", "infs", "1.2.3s", "1ss"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(units_parse_seconds(wrong[i], &seconds), -1);
}

/* As python/memtrace/size.py has them. */
static void test_sizes_as_people_write_them(void **state)
{
	static const struct {
		const char *text;
		double bytes;
	} sizes[] = {{"4096", 4096},      {"0", 0},      {"64MiB", 64 << 20},
		     {"1.5 MB", 1500000}, {"1kb", 1000}, {"2 GiB", 2147483648.0},
		     {"0.5KiB", 512},     {"7B", 7}};
	static const char *const wrong[] = {"",     "MiB",  "-1",    "+1",    "1e9",
					    "inf",  "0x10", " 1MiB", "1  MB", "1MiB ",
					    "1TiB", "1.",   ".5",    "1M"};
	double bytes;
	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(units_parse_size(sizes[i].text, &bytes), 0);
		assert_true(bytes == sizes[i].bytes);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(units_parse_size(wrong[i], &bytes), -1);
}

/* What a function wrote, for the caller to free. */
static char *written(void (*write)(FILE *out))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	write(out);
	fclose(out);
	return text;
}

static void write_json(FILE *out)
{
	struct json json;
	json_init(&json, out, 0);
	json_open_object(&json, NULL);
	json_text(&json, "text", "a\"b\\c\n\x01\xc3\xa9\xff\xed\xa0\x80\xf0\x9f\x98\x80");
	json_text(&json, "none", NULL);
	json_u64(&json, "large", UINT64_MAX);
	json_i64(&json, "small", INT64_MIN);
	json_double(&json, "half", 0.5, 3);
	json_double(&json, "nan", 0.0 / 0.0, 3);
	json_open_array(&json, "list");
	json_bool(&json, NULL, true);
	json_open_object(&json, NULL);
	json_close(&json);
	json_u64_or_null(&json, NULL, UINT64_MAX);
	json_close(&json);
	json_close(&json);
	json_open_array(&json, NULL);
	json_close(&json);
}

static void test_json(void **state)
{
	(void)state;
	char *text = written(write_json);
	assert_string_equal(text,
			    "{\"text\":\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\\ufffd\\ufffd\\ufffd"
			    "\\ufffd\xf0\x9f\x98\x80\",\"none\":null,"
			    "\"large\":18446744073709551615,\"small\":-9223372036854775808,"
			    "\"half\":0.500,\"nan\":null,\"list\":[true,{},null]}\n[]\n");
	free(text);
}

static void write_table(FILE *out)
{
	static const char *const cells[] = {
		"N", "NAME", "SIZE", "1", "\xc3\xa9t\xc3\xa9", "10 B", "22", "a\x1b[1mb", NULL};
	const struct term term = {.out = out, .utf8 = true};
	struct table table;
	table_init(&table, "rlr");
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
		table_cell(&table, cells[i]);
	table_print(&table, &term);
	table_release(&table);
}

static void test_table_lines_up_and_is_harmless(void **state)
{
	(void)state;
	char *text = written(write_table);
	assert_string_equal(text, " N  NAME       SIZE\n"
				  " 1  \xc3\xa9t\xc3\xa9        10 B\n"
				  "22  a\\x1b[1mb      \n");
	free(text);
}

static void write_narrow_table(FILE *out)
{
	static const char *const cells[] = {"SIZE", "WHERE",
					    "10 B", "/a/very/long/path/\xc3\xa9t\xc3\xa9.py:1",
					    "1 B",  "b.py:22"};
	const struct term term = {.out = out, .utf8 = true, .width = 20};
	struct table table;
	table_init(&table, "rl");
	table.cuts_last = true;
	for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
		table_cell(&table, cells[i]);
	table_print(&table, &term);
	table_release(&table);
}

static void test_table_keeps_the_ends_of_paths(void **state)
{
	(void)state;
	char *text = written(write_narrow_table);
	assert_string_equal(text, "SIZE  WHERE\n"
				  "10 B  ...th/\xc3\xa9t\xc3\xa9.py:1\n"
				  " 1 B  b.py:22\n");
	free(text);
}

static void test_own_code(void **state)
{
	static const char *const own[] = {
		"app.py",  "/home/me/app.py",     "/srv/python3.11/app.py",  "<string>",
		"<stdin>", "<ipython-input-1-2>", "/opt/lib/pythonic/app.py"};
	static const char *const others[] = {"/usr/lib/python3.11/json/decoder.py",
					     "/usr/lib/python311.zip/json/decoder.py",
					     "/usr/lib/python3/dist-packages/apt.py",
					     "/e/lib/python3.13t/site-packages/x/y.py",
					     "/usr/lib64/python3.9/asyncio/events.py",
					     "<frozen importlib._bootstrap>",
					     "<attrs generated init x.Y>",
					     "<__array_function__ internals>"};
	(void)state;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		assert_true(module_is_own(own[i]));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(module_is_own(others[i]));
}

static void check_module(const char *relative, const char *expected)
{
	char *module = module_dotted(relative);
	assert_string_equal(module, expected);
	free(module);
}

static void test_modules(void **state)
{
	(void)state;
	assert_string_equal(module_installed_part("/e/lib/python3.11/site-packages/x/y.py"),
			    "x/y.py");
	assert_string_equal(module_installed_part("/usr/lib/python3.11/json/decoder.py"),
			    "json/decoder.py");
	assert_null(module_installed_part("/home/me/app.py"));
	check_module("json/decoder.py", "json.decoder");
	check_module("pack/__init__.py", "pack");
	check_module("__init__.py", "__init__");
	check_module("a/b.cpython-311-x86_64-linux-gnu.so", "a.b");
	check_module(".hidden.py", ".hidden");
	check_module("<frozen importlib._bootstrap>", "importlib._bootstrap");
	check_module("<string>", "<string>");
	check_module("", "");
	check_module("a/", "a.");
}

static void check_wrapped(const char *sentence, const char *expected)
{
	char *text;
	size_t len;
	struct term term = {.out = open_memstream(&text, &len), .width = 12};
	paragraph_print(&term, sentence, "  ");
	fclose(term.out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_a_number_stays_with_its_unit(void **state)
{
	(void)state;
	check_wrapped("average=130 B", "average=130 B\n");
	check_wrapped("it keeps 130 MiB", "it keeps\n  130 MiB\n");
	check_wrapped("(it keeps 9.5 s)", "(it keeps\n  9.5 s)\n");
	check_wrapped("frees (41 %), so", "frees\n  (41 %), so\n");
	check_wrapped("126 arenas, 130", "126 arenas,\n  130\n");
	check_wrapped("there are 12 hats", "there are 12\n  hats\n");
	check_wrapped("there are 12  B 7", "there are 12\n   B 7\n");
	check_wrapped("12345678 s 1 ", "12345678 s 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_as_tracemalloc_writes_them),
		cmocka_unit_test(test_sizes_as_people_write_them),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_table_lines_up_and_is_harmless),
		cmocka_unit_test(test_table_keeps_the_ends_of_paths),
		cmocka_unit_test(test_own_code),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_a_number_stays_with_its_unit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
