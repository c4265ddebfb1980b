/* Patterns of paths, against what they are said to be of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../reporter/path_globs.h"

static bool is_of(const char *pattern, const char *path)
{
	char *const patterns[] = {(char *)(uintptr_t)pattern};
	const struct path_globs globs = {"/home/one/", patterns, 1};
	return path_globs_match(&globs, path);
}

static void test_components(void **state)
{
	(void)state;
	assert_true(is_of("app.py", "/home/one/app.py"));
	assert_true(is_of("app.py", "app.py"));
	assert_false(is_of("app.py", "/home/one/src/app.py"));
	assert_false(is_of("app.py", "/home/two/app.py"));
	assert_true(is_of("src/*.py", "/home/one/src/app.py"));
	assert_false(is_of("src/*.py", "/home/one/src/deep/app.py"));
	assert_false(is_of("*.py", "/home/one/src/app.py"));
	assert_true(is_of("s?c/[ab]*", "/home/one/src/app.py"));
	assert_false(is_of("s?c/[!ab]*", "/home/one/src/app.py"));
}

static void test_any_number_of_components(void **state)
{
	(void)state;
	assert_true(is_of("app/**", "/home/one/app/main.py"));
	assert_true(is_of("app/**", "/home/one/app/deep/er/main.py"));
	assert_false(is_of("app/**", "/home/one/apple/main.py"));
	assert_false(is_of("app/**", "/home/one/app"));
	assert_true(is_of("**/main.py", "/home/one/main.py"));
	assert_true(is_of("**/main.py", "/home/one/a/b/main.py"));
	assert_false(is_of("**/main.py", "/home/one/a/b/domain.py"));
	assert_true(is_of("a/**/z.py", "/home/one/a/z.py"));
	assert_true(is_of("a/**/m/**/z.py", "/home/one/a/b/m/c/d/z.py"));
	assert_false(is_of("a/**/m/**/z.py", "/home/one/a/b/c/d/z.py"));
	assert_true(is_of("**", "/home/one/z.py"));
}

static void test_folders_are_all_that_is_in_them(void **state)
{
	(void)state;
	assert_true(is_of("app", "/home/one/app/deep/main.py"));
	assert_true(is_of("app/", "/home/one/app/main.py"));
	assert_false(is_of("app", "/home/one/apps/main.py"));
	assert_true(is_of("/home/*/lib", "/home/two/lib/main.py"));
	assert_false(is_of("/home/*/lib", "/home/one/src/main.py"));
}

static void test_none_and_several(void **state)
{
	char file[] = "a.py", folder[] = "b/**";
	char *const patterns[] = {file, folder};
	const struct path_globs two = {"/x/", patterns, 2}, none = {"/x/", patterns, 0};
	(void)state;
	assert_true(path_globs_match(&two, "/x/a.py"));
	assert_true(path_globs_match(&two, "/x/b/c.py"));
	assert_false(path_globs_match(&two, "/x/c.py"));
	assert_false(path_globs_match(&two, "<frozen importlib._bootstrap>"));
	assert_false(path_globs_match(&none, "/x/a.py"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_components),
		cmocka_unit_test(test_any_number_of_components),
		cmocka_unit_test(test_folders_are_all_that_is_in_them),
		cmocka_unit_test(test_none_and_several),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
