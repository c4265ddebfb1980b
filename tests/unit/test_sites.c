/* Figures of a few stacks, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/err.h"
#include "../../collector/sites.h"

static void assert_peak(const struct sites *sites, uint32_t stack, uint64_t bytes,
			uint64_t blocks)
{
	uint64_t got_bytes, got_blocks;

	sites_at_peak(sites, stack, &got_bytes, &got_blocks);
	assert_int_equal(got_bytes, bytes);
	assert_int_equal(got_blocks, blocks);
}

static void test_peak_by_site(void **state)
{
	struct sites sites;

	(void)state;
	sites_init(&sites);
	assert_peak(&sites, 9, 0, 0);
	sites_alloc(&sites, 1, 100, 10);
	sites_alloc(&sites, 2, 50, 20); /* the peak: 150 in 2 blocks */
	sites_free(&sites, 1, 100, 0);
	sites_alloc(&sites, 3, 40, 30);
	sites_alloc(&sites, 3, 60, 40); /* 150 again: the first one stays */
	assert_int_equal(sites.peak_bytes, 150);
	assert_int_equal(sites.peak_blocks, 2);
	assert_int_equal(sites.peak_ms, 20);
	assert_peak(&sites, 1, 100, 1);
	assert_peak(&sites, 2, 50, 1);
	assert_peak(&sites, 3, 0, 0);
	sites_alloc(&sites, 0, 1, 50);
	assert_int_equal(sites.peak_bytes, 151);
	assert_peak(&sites, 1, 0, 0);
	assert_peak(&sites, 3, 100, 2);
	assert_peak(&sites, 0, 1, 1);
	sites_release(&sites);
}

static void test_a_free_taken_back_leaves_no_trace(void **state)
{
	struct sites sites;
	struct site before;

	(void)state;
	sites_init(&sites);
	sites_alloc(&sites, 1, 100, 1);
	before = sites.site[1];
	sites_free(&sites, 1, 100, 1);
	assert_int_equal(sites.site[1].gc_freed_bytes, 100);
	sites_unfree(&sites, 1, 100, 1, 2);
	assert_int_equal(sites.site[1].freed_bytes, before.freed_bytes);
	assert_int_equal(sites.site[1].freed_blocks, before.freed_blocks);
	assert_int_equal(sites.site[1].gc_freed_bytes, 0);
	assert_int_equal(sites.site[1].total_blocks, 1);
	assert_int_equal(sites.live_bytes, 100);
	assert_int_equal(sites.peak_ms, 1);
	sites_release(&sites);
}

static void assert_followed(const struct sites *sites, enum sites_follower_id id, size_t count,
			    const uint32_t *stacks)
{
	assert_int_equal(sites->followers[id].count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(sites->followers[id].stacks[i], stacks[i]);
}

/* Each follower has its own list, and begins anew when it likes. */
static void test_what_changed_by_follower(void **state)
{
	struct sites sites;

	(void)state;
	sites_init(&sites);
	sites_alloc(&sites, 5, 1, 0);
	sites_alloc(&sites, 2, 1, 0);
	sites_free(&sites, 5, 1, 0);
	sites_temporary(&sites, 7, 100, 2); /* never live: no change to a mark */
	assert_followed(&sites, SITES_MARKS, 2, (const uint32_t[]){5, 2});
	assert_followed(&sites, SITES_COURSE, 3, (const uint32_t[]){5, 2, 7});
	sites_begin_anew(&sites, SITES_MARKS);
	sites_free(&sites, 2, 1, 0);
	sites_alloc(&sites, 7, 1, 0);
	assert_followed(&sites, SITES_MARKS, 2, (const uint32_t[]){2, 7});
	assert_followed(&sites, SITES_COURSE, 3, (const uint32_t[]){5, 2, 7});
	sites_begin_anew(&sites, SITES_COURSE);
	sites_alloc(&sites, 7, 1, 0);
	assert_followed(&sites, SITES_MARKS, 2, (const uint32_t[]){2, 7});
	assert_followed(&sites, SITES_COURSE, 1, (const uint32_t[]){7});
	sites_release(&sites);
}

static void test_pairs_that_never_appeared(void **state)
{
	struct sites sites;

	(void)state;
	sites_init(&sites);
	sites_temporary(&sites, 3, 640, 10);
	assert_int_equal(sites.site[3].total_bytes, 640);
	assert_int_equal(sites.site[3].freed_blocks, 10);
	assert_int_equal(sites.site[3].temporary_blocks, 10);
	assert_int_equal(sites.site[3].live_bytes, 0);
	assert_int_equal(sites.peak_bytes, 0);
	assert_int_equal(sites_conserved(&sites, NULL), 0);
	sites_release(&sites);
}

static void test_lost_bytes_are_noticed(void **state)
{
	struct sites sites;
	struct err err;

	(void)state;
	sites_init(&sites);
	sites_alloc(&sites, 1, 100, 0);
	sites_alloc(&sites, 2, 100, 0);
	sites_free_part(&sites, 2, 30);
	assert_int_equal(sites.site[2].live_bytes, 70);
	assert_int_equal(sites.site[2].live_blocks, 1);
	assert_int_equal(sites_conserved(&sites, &err), 0);
	sites.site[2].freed_bytes++;
	assert_int_equal(sites_conserved(&sites, &err), -1);
	assert_non_null(strstr(err.text, "stack 2"));
	sites.site[2].freed_bytes--;
	sites.live_blocks++;
	assert_int_equal(sites_conserved(&sites, &err), -1);
	sites_release(&sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peak_by_site),
		cmocka_unit_test(test_a_free_taken_back_leaves_no_trace),
		cmocka_unit_test(test_what_changed_by_follower),
		cmocka_unit_test(test_pairs_that_never_appeared),
		cmocka_unit_test(test_lost_bytes_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
