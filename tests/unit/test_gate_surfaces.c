/*
 * What a gate's surfaces write of results by hand. Called with a folder, the program writes them
 * there, for readers of those formats to try: tests/e2e/test_gate_surfaces.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../reporter/gate_annotations.h"
#include "../../reporter/gate_json.h"
#include "../../reporter/gate_junit.h"
#include "../../reporter/gate_markdown.h"
#include "../../reporter/gate_openmetrics.h"
#include "../../reporter/gate_sarif.h"
#include "gate_fixture.h"

typedef void write_surface(const struct gate_result *result, FILE *out);

static void write_comment(const struct gate_result *result, FILE *out)
{
	gate_markdown_write(result, GATE_MARKDOWN_COMMENT_BYTES, out);
}

static void write_summary(const struct gate_result *result, FILE *out)
{
	gate_markdown_write(result, GATE_MARKDOWN_SUMMARY_BYTES, out);
}

static const struct surface {
	const char *name;
	write_surface *write;
} surfaces[] = {
	{"json", gate_json_write},
	{"junit", gate_junit_write},
	{"sarif", gate_sarif_write},
	{"annotations", gate_annotations_write},
	{"openmetrics", gate_openmetrics_write},
	{"comment.md", write_comment},
	{"summary.md", write_summary},
};

enum { SURFACES = sizeof surfaces / sizeof surfaces[0] };

/* The caller frees it. */
static char *written(write_surface *write, const struct gate_result *result)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	write(result, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

static void ten_annotations_of_a_kind(void **state)
{
	(void)state;
	struct gate_result result = result_by_hand("f", 500, 500);
	char *text = written(gate_annotations_write, &result);
	assert_int_equal(count_of(text, "::error "), 10);
	assert_int_equal(count_of(text, "::warning "), 10);
	/* 501 failed, 500 warned; nine of each are shown. */
	assert_non_null(strstr(text, "492 more,"));
	assert_non_null(strstr(text, "491 more,"));
	free(text);
	gate_result_release(&result);
}

static void ten_findings_are_all_shown(void **state)
{
	(void)state;
	struct gate_result result = result_by_hand("f", 9, 10);
	char *text = written(gate_annotations_write, &result);
	assert_int_equal(count_of(text, "::error "), 10);
	assert_int_equal(count_of(text, "::warning "), 10);
	assert_null(strstr(text, "more"));
	free(text);
	gate_result_release(&result);
}

static void a_command_stays_in_its_line(void **state)
{
	(void)state;
	struct gate_result result = result_by_hand(GATE_NASTY, 2, 1);
	char *text = written(gate_annotations_write, &result);
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		assert_int_equal(strncmp(line, "::", 2), 0);
		assert_null(strchr(line, '\r'));
		assert_null(strstr(line, "::error::injected\n"));
		assert_true(!strncmp(line, "::error ", 8) || !strncmp(line, "::warning ", 10) ||
			    !strncmp(line, "::notice ", 9));
	}
	free(text);
	gate_result_release(&result);
}

static void values_have_three_digits(void **state)
{
	(void)state;
	struct gate_result result = result_by_hand("f", 1, 0);
	result.metrics[GATE_LIVE_END].median = 1234567;
	result.metrics[GATE_PEAK_LIVE] = measure_of(999, 0, 1);
	result.metrics[GATE_GROWTH_PER_ITERATION] = measure_of(-0.12345, 0, 1);
	result.metrics[GATE_RSS_PEAK] = measure_of(NAN, 0, 1);
	char *text = written(gate_openmetrics_write, &result);
	assert_non_null(strstr(text, "\nmemtrace_gate_live_end_bytes 1230000\n"));
	assert_non_null(strstr(text, "\nmemtrace_gate_peak_live_bytes 999\n"));
	assert_non_null(strstr(text, "\nmemtrace_gate_growth_per_iteration_bytes -0.123\n"));
	assert_null(strstr(text, "rss_peak"));
	free(text);
	gate_result_release(&result);
}

static void the_heaviest_sites_alone_are_series(void **state)
{
	(void)state;
	struct gate_result result = result_by_hand("f", 1000, 0);
	char *text = written(gate_openmetrics_write, &result);
	assert_int_equal(count_of(text, "\nmemtrace_gate_site_live_bytes{"),
			 GATE_OPENMETRICS_SITES);
	assert_non_null(strstr(text, "{site=\"main > f0\"} 1020000\n"));
	free(text);
	gate_result_release(&result);
}

/* The key says who it is, not the line. */
static void a_fingerprint_survives_moved_lines(void **state)
{
	(void)state;
	struct gate_result result = result_by_hand("f", 1, 0);
	char *before = written(gate_sarif_write, &result);
	result.sites[0].frames[0].line += 100;
	char *after = written(gate_sarif_write, &result);
	result.sites[0].key[0] = 'M';
	char *other = written(gate_sarif_write, &result);
	enum { HASH = 60 };
	const char *key = "primaryLocationLineHash";
	const char *one = strstr(strstr(before, key) + 1, key);
	assert_memory_equal(one, strstr(strstr(after, key) + 1, key), HASH - 18);
	assert_memory_not_equal(one, strstr(strstr(other, key) + 1, key), HASH - 18);
	free(before);
	free(after);
	free(other);
	gate_result_release(&result);
}

/* Findings are of one size here, so that what is left out can be counted. */
static void markdown_keeps_its_limit(void **state)
{
	(void)state;
	struct gate_result result = result_by_hand("f", 500, 500);
	static const size_t limits[] = {
		0, 1, 200, 300, 1000, 5000, GATE_MARKDOWN_COMMENT_BYTES};
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);
		assert_non_null(out);
		gate_markdown_write(&result, limits[i], out);
		assert_int_equal(fclose(out), 0);
		assert_true(len <= limits[i]);
		assert_int_equal(count_of(text, "<details>"), count_of(text, "</details>"));
		if (limits[i] >= 1000)
			assert_non_null(strstr(text, " left out here.\n"));
		free(text);
	}
	gate_result_release(&result);
}

static int write_all(const char *folder, const char *name, struct gate_result result)
{
	int failed = 0;
	for (size_t i = 0; i < SURFACES; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/%s.%s", folder, name, surfaces[i].name);
		FILE *out = fopen(path, "w");
		if (!out)
			return 1;
		surfaces[i].write(&result, out);
		failed |= ferror(out) | fclose(out);
	}
	gate_result_release(&result);
	return failed;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_annotations_of_a_kind),
		cmocka_unit_test(ten_findings_are_all_shown),
		cmocka_unit_test(a_command_stays_in_its_line),
		cmocka_unit_test(values_have_three_digits),
		cmocka_unit_test(the_heaviest_sites_alone_are_series),
		cmocka_unit_test(markdown_keeps_its_limit),
		cmocka_unit_test(a_fingerprint_survives_moved_lines),
	};
	if (argc > 1)
		return write_all(argv[1], "plain", result_by_hand("Store.put", 2, 1)) |
		       write_all(argv[1], "nasty", result_by_hand(GATE_NASTY, 2, 2)) |
		       write_all(argv[1], "many", result_by_hand("f", 500, 500)) |
		       write_all(argv[1], "none", result_without_verdict());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
