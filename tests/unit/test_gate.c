/* What a gate found is released whole, and its metrics are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../reporter/gate.h"

static char *text(const char *from)
{
	char *copy = strdup(from);
	assert_non_null(copy);
	return copy;
}

/* Whether all of it is freed the leak sanitizer says. */
static void all_of_it_is_released(void **state)
{
	(void)state;
	struct gate_result result = {.why = text("why"), .command = text("command")};
	result.environment.python = text("3.11.2");
	result.sites = calloc(1, sizeof result.sites[0]);
	result.site_count = 1;
	result.sites[0].key = text("main > put");
	result.sites[0].frames = calloc(1, sizeof result.sites[0].frames[0]);
	result.sites[0].frame_count = 1;
	result.sites[0].frames[0].file = text("app.py");
	result.checks = calloc(3, sizeof result.checks[0]);
	result.check_count = 3;
	result.checks[0].outcome = result.checks[1].outcome = GATE_FAILED;
	result.checks[2].title = text("live_end");
	assert_int_equal(gate_result_count(&result, GATE_FAILED), 2);
	assert_int_equal(gate_result_count(&result, GATE_PASSED), 1);
	assert_int_equal(gate_result_count(&result, GATE_WARNED), 0);
	gate_result_release(&result);
	assert_int_equal(result.check_count, 0);
	assert_int_equal(result.status, GATE_NO_VERDICT);
}

static void metrics_are_told_apart(void **state)
{
	(void)state;
	for (int i = 0; i < GATE_METRIC_COUNT; i++) {
		assert_non_null(gate_metrics[i].unit);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(gate_metrics[i].key, gate_metrics[j].key);
	}
	assert_false(gate_metrics[GATE_RSS_PEAK].counted);
	assert_true(gate_metrics[GATE_GROWTH_PER_ITERATION].needs_windows);
}

static void what_is_added_decides_the_status(void **state)
{
	(void)state;
	struct gate_result result = {0};
	gate_result_add_check(&result, (struct gate_check){.outcome = GATE_WARNED});
	assert_int_equal(result.status, GATE_FINE);
	gate_result_add_check(&result, (struct gate_check){.outcome = GATE_FAILED});
	gate_result_add_check(&result, (struct gate_check){.outcome = GATE_PASSED});
	assert_int_equal(result.status, GATE_REGRESSION);
	assert_int_equal(result.check_count, 3);
	gate_result_add_warning(&result, "another %s", "minor");
	assert_string_equal(result.warnings[0], "another minor");
	gate_result_no_verdict(&result, "%s: %d of them", "a.memtrace", 3);
	gate_result_no_verdict(&result, "and then");
	assert_int_equal(result.status, GATE_NO_VERDICT);
	assert_string_equal(result.why, "a.memtrace: 3 of them");
	gate_result_release(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_is_released),
		cmocka_unit_test(what_is_added_decides_the_status),
		cmocka_unit_test(metrics_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
