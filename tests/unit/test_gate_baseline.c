/* A baseline keeps what is heavy, is the same when it is written again, and nothing breaks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../collector/buf.h"
#include "../../reporter/gate_baseline.h"
#include "gate_result_by_chance.h"

struct folder {
	char path[64], file[96];
};

static void folder_init(struct folder *folder)
{
	snprintf(folder->path, sizeof folder->path, "/tmp/test-gate-baseline-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->file, sizeof folder->file, "%s/memory.json", folder->path);
}

/* Nothing but the file may be left in it. */
static void folder_release(const struct folder *folder)
{
	unlink(folder->file);
	assert_int_equal(rmdir(folder->path), 0);
}

static struct buf bytes_of(const char *path)
{
	struct buf bytes = {0};
	uint8_t piece[4096];
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	for (size_t got; (got = fread(piece, 1, sizeof piece, in)) > 0;)
		buf_append(&bytes, piece, got);
	fclose(in);
	return bytes;
}

static struct buf written(const struct folder *folder, const struct gate_baseline *baseline)
{
	struct err err = {0};
	if (gate_baseline_write(baseline, folder->file, &err))
		fail_msg("%s", err.text);
	return bytes_of(folder->file);
}

/* The sentence that a file of this text gets; "" where it can be read. */
static struct err sentence_for(const char *text)
{
	struct err err = {0};
	struct gate_baseline baseline;
	if (gate_baseline_parse(text, strlen(text), "b.json", &baseline, &err) == 0)
		gate_baseline_release(&baseline);
	return err;
}

static void assert_same_bytes(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

static void written_read_and_written_it_is_the_same(void **state)
{
	(void)state;
	struct folder folder;
	uint64_t seed = 7;
	folder_init(&folder);
	for (int round = 0; round < 60; round++) {
		struct gate_result result = result_by_chance(&seed, xorshift(&seed) % 40);
		struct gate_baseline first, second;
		struct err err = {0};
		gate_baseline_of(&result, &first);
		struct buf one = written(&folder, &first);
		if (gate_baseline_read(folder.file, &second, &err))
			fail_msg("%s", err.text);
		/* What is read is what was written, not only what is printed of it. */
		assert_int_equal(first.site_count, second.site_count);
		for (size_t i = 0; i < first.site_count; i++)
			assert_true(first.sites[i].live_bytes.median ==
				    second.sites[i].live_bytes.median);
		struct buf two = written(&folder, &second);
		assert_same_bytes(&one, &two);
		assert_int_equal(one.data[one.len - 1], '\n');
		buf_release(&one);
		buf_release(&two);
		gate_baseline_release(&first);
		gate_baseline_release(&second);
		gate_result_release(&result);
	}
	folder_release(&folder);
}

/* No two alike, about one in seven too light, one just heavy enough and one just not. */
static struct gate_result many_sites(size_t count)
{
	struct gate_result result = {.site_count = count};
	uint64_t seed = 11;
	result.sites = mem_alloc(count * sizeof result.sites[0]);
	for (size_t i = 0; i < count; i++) {
		char key[32];
		const double kib = i < 2 ? 4 : (double)(xorshift(&seed) % 28);
		snprintf(key, sizeof key, "main > f%zu", i);
		site_init(&result.sites[i], key, kib * 1024 + ((double)i - 1) / 4, 1);
	}
	return result;
}

static bool should_be_kept(const struct gate_result *result, double bytes)
{
	size_t heavier = 0;
	for (size_t i = 0; i < result->site_count; i++)
		heavier += result->sites[i].live_bytes.median > bytes;
	return bytes >= 4096 && heavier < 1000;
}

static void check_what_is_kept(size_t count)
{
	struct gate_result result = many_sites(count);
	struct gate_baseline baseline;
	double left_out = 0, largest = 0;
	size_t kept = 0;

	gate_baseline_of(&result, &baseline);
	for (size_t i = 0; i < count; i++) {
		const double bytes = result.sites[i].live_bytes.median;
		const struct gate_baseline_site *found =
			gate_baseline_find(&baseline, result.sites[i].key);
		const bool expected = should_be_kept(&result, bytes);
		assert_int_equal(found != NULL, expected);
		if (found)
			assert_true(found->live_bytes.median == bytes);
		left_out += expected ? 0 : bytes;
		largest = !expected && bytes > largest ? bytes : largest;
		kept += expected;
	}
	assert_int_equal(baseline.site_count, kept);
	assert_int_equal(baseline.left_out_sites, count - kept);
	assert_true(baseline.left_out_bytes == left_out);
	assert_true(baseline.left_out_largest == largest);
	gate_baseline_release(&baseline);
	gate_result_release(&result);
}

/* Cut by their number, and by what they hold. */
static void the_heaviest_are_kept_and_the_others_summed(void **state)
{
	(void)state;
	check_what_is_kept(1500);
	check_what_is_kept(300);
}

static void a_site_has_a_line_of_its_own(void **state)
{
	(void)state;
	struct folder folder;
	struct gate_result result = {.environment = environment_by_hand()};
	struct gate_baseline baseline;

	folder_init(&folder);
	result.sites = mem_alloc(2 * sizeof result.sites[0]);
	result.site_count = 2;
	site_init(&result.sites[0], "main > put", 123456.5, 3);
	site_init(&result.sites[1], "main > get", 5000, 2);
	result.metrics[GATE_LIVE_END] = measure_of(200000, 0, 1);
	gate_baseline_of(&result, &baseline);
	struct buf bytes = written(&folder, &baseline);
	buf_u8(&bytes, 0);
	const char *expected =
		"{\n"
		" \"environment\":{\n"
		"  \"abi\":\"cp311\",\n"
		"  \"allocator\":\"pymalloc\",\n"
		"  \"arch\":\"x86_64\",\n"
		"  \"arena_bytes\":1048576,\n"
		"  \"hash_seed\":\"0\",\n"
		"  \"libc\":\"glibc 2.36\",\n"
		"  \"mode\":\"exact\",\n"
		"  \"python\":\"3.11.2\",\n"
		"  \"sample_bytes\":0\n"
		" },\n"
		" \"left_out\":{\n"
		"  \"bytes\":0,\n"
		"  \"largest_bytes\":0,\n"
		"  \"sites\":0\n"
		" },\n"
		" \"metrics\":{\n"
		"  \"live_end\":{\"mad\":0,\"median\":200000,\"n\":1}\n"
		" },\n"
		" \"schema\":\"memtrace.baseline/1\",\n"
		" \"sites\":{\n"
		"  \"main > get\":{\"live_blocks\":{\"mad\":0,\"median\":2,\"n\":1},"
		"\"live_bytes\":{\"mad\":0,\"median\":5000,\"n\":1}},\n"
		"  \"main > put\":{\"live_blocks\":{\"mad\":0,\"median\":3,\"n\":1},"
		"\"live_bytes\":{\"mad\":0,\"median\":123456.500,\"n\":1}}\n"
		" }\n"
		"}\n";
	assert_string_equal(buf_chars(&bytes), expected);
	buf_release(&bytes);
	gate_baseline_release(&baseline);
	gate_result_release(&result);
	folder_release(&folder);
}

/* As a file committed by its users is: behind a link, and not for everyone. */
static void a_link_stays_one_and_modes_stay(void **state)
{
	(void)state;
	struct folder folder;
	struct gate_result result = {.environment = environment_by_hand()};
	struct gate_baseline baseline;
	struct stat st;
	char real[128];

	folder_init(&folder);
	snprintf(real, sizeof real, "%s/real", folder.path);
	gate_baseline_of(&result, &baseline);
	assert_int_equal(gate_baseline_write(&baseline, real, NULL), 0);
	assert_int_equal(chmod(real, 0640), 0);
	assert_int_equal(symlink("real", folder.file), 0);
	struct buf bytes = written(&folder, &baseline);
	buf_release(&bytes);
	assert_int_equal(lstat(folder.file, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(real, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	unlink(real);
	gate_baseline_release(&baseline);
	gate_result_release(&result);
	folder_release(&folder);
}

#define PARTS                                                     \
	"\"environment\":{\"arena_bytes\":0,\"sample_bytes\":0}," \
	"\"left_out\":{\"bytes\":0,\"largest_bytes\":0,\"sites\":0},\"metrics\":{}"
#define SCHEMA "\"schema\":\"memtrace.baseline/1\""

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	const struct {
		const char *text, *sentence;
	} cases[] = {
		{"{" PARTS "," SCHEMA ",\"sites\":{}}", ""},
		{"{" PARTS "," SCHEMA ",\"sites\":{},\"later\":[1]}", ""},
		{"", "b.json:1:0: isn't JSON: '[' or '{' expected near end of file"},
		{"{\n\"a\":\n<<<<<<< ours\n}", "b.json:3:"},
		{"[]", "b.json: isn't a baseline: it has no \"schema\""},
		{"{\"schema\":\"memtrace.gate/1\"}", "b.json: isn't a baseline"},
		{"{\"schema\":\"memtrace.baseline/2\"}",
		 "b.json: is of the schema \"memtrace.baseline/2\", and this memtrace knows"},
		{"{" SCHEMA ",\"sites\":{}}", "b.json: \"environment\" isn't there"},
		{"{" PARTS "," SCHEMA ",\"sites\":{\"a\":3}}",
		 "b.json: \"median\" of the site \"a\" isn't there as a number from 0 on"},
		{"{" PARTS "," SCHEMA ",\"sites\":{\"\\u001b[2J\":3}}",
		 "b.json: \"median\" of the site \"?[2J\""},
		{"{" PARTS "," SCHEMA ",\"sites\":{\"a\":3,\n\"a\":3}}", "b.json:2:"},
		{"{" PARTS "," SCHEMA ",\"sites\":{\"a\":{\"live_bytes\":"
		 "{\"median\":1,\"mad\":-1,\"n\":1}}}}",
		 "b.json: \"mad\" of the site \"a\" isn't there as a number from 0 on"},
		{"{" PARTS "," SCHEMA ",\"sites\":{\"a\":{\"live_bytes\":"
		 "{\"median\":1,\"mad\":0,\"n\":0}}}}",
		 "b.json: \"n\" of the site \"a\" isn't 1 or more"},
		{"{" PARTS "," SCHEMA ",\"sites\":{\"a\":{\"live_bytes\":"
		 "{\"median\":1e300,\"mad\":0,\"n\":1}}}}",
		 "b.json: \"median\" of the site \"a\" isn't"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct err err = sentence_for(cases[i].text);
		if (cases[i].sentence[0] == '\0')
			assert_string_equal(err.text, "");
		else if (strncmp(err.text, cases[i].sentence, strlen(cases[i].sentence)) != 0)
			fail_msg("of %s it is said: %s", cases[i].text, err.text);
	}
}

static void what_is_no_file_of_ours_is_refused(void **state)
{
	(void)state;
	struct gate_baseline baseline;
	struct err err;
	assert_int_equal(gate_baseline_read("/nowhere/b.json", &baseline, &err), -1);
	assert_string_equal(err.text, "/nowhere/b.json: there is no such baseline: write it "
				      "with --update-baseline");
	assert_int_equal(gate_baseline_read("/tmp", &baseline, &err), -1);
	assert_int_equal(gate_baseline_read("/dev/zero", &baseline, &err), -1);
	assert_non_null(strstr(err.text, "has more than 16777216 bytes"));
	gate_baseline_of(&(struct gate_result){0}, &baseline);
	assert_int_equal(gate_baseline_write(&baseline, "/nowhere/b.json", &err), -1);
	assert_non_null(strstr(err.text, "No such file or directory"));
	gate_baseline_release(&baseline);
}

/* In memory of just its size, so that a sanitizer sees what is read behind it. */
static bool is_readable(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = mem_copy(bytes, len);
	struct gate_baseline baseline;
	struct err err = {0};
	const bool fine = gate_baseline_parse(exact, len, "b.json", &baseline, &err) == 0;
	if (fine)
		gate_baseline_release(&baseline);
	assert_true(fine == (err.text[0] == '\0'));
	free(exact);
	return fine;
}

static void a_damaged_one_is_refused_or_read(void **state)
{
	(void)state;
	struct folder folder;
	struct gate_baseline baseline;
	uint64_t seed = 23;
	struct gate_result result = result_by_chance(&seed, 12);

	folder_init(&folder);
	gate_baseline_of(&result, &baseline);
	struct buf bytes = written(&folder, &baseline);
	assert_true(is_readable(bytes.data, bytes.len));
	/* What lacks more than the last newline isn't whole. */
	for (size_t len = 0; len + 1 < bytes.len; len++)
		assert_false(is_readable(bytes.data, len));
	for (int round = 0; round < 6000; round++) {
		uint8_t *at = &bytes.data[xorshift(&seed) % bytes.len];
		const uint8_t before = *at;
		*at ^= (uint8_t)(1u << xorshift(&seed) % 8);
		is_readable(bytes.data, bytes.len);
		/* Now and then damage adds up. */
		if (round % 100)
			*at = before;
	}
	buf_release(&bytes);
	gate_baseline_release(&baseline);
	gate_result_release(&result);
	folder_release(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_read_and_written_it_is_the_same),
		cmocka_unit_test(the_heaviest_are_kept_and_the_others_summed),
		cmocka_unit_test(a_site_has_a_line_of_its_own),
		cmocka_unit_test(a_link_stays_one_and_modes_stay),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(what_is_no_file_of_ours_is_refused),
		cmocka_unit_test(a_damaged_one_is_refused_or_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
