/* Which of several processes descends from which: families made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../reporter/lineage.h"

enum { MOST = 8, INFO_BYTES = 128, SECOND_NS = 1000000000 };

struct family {
	struct profile profiles[MOST];
	const struct profile *pointers[MOST];
	char info[MOST][INFO_BYTES];
	size_t count;
};

static void tell(struct family *family, size_t who, const char *key, uint64_t value)
{
	struct profile *profile = &family->profiles[who];
	char *info = family->info[who];
	size_t at = profile->info_bytes;
	at += (size_t)snprintf(info + at, INFO_BYTES - at, "%s", key) + 1;
	at += (size_t)snprintf(info + at, INFO_BYTES - at, "%llu", (unsigned long long)value) +
	      1;
	profile->info = info;
	profile->info_bytes = at;
}

/* Its run is 1000 more than its place; it started so many seconds in. */
static size_t add(struct family *family, uint32_t pid, uint64_t process_start, uint64_t second,
		  uint32_t end)
{
	const size_t who = family->count++;
	family->profiles[who].run = (struct profile_run){
		.run_id = 1000 + who,
		.pid = pid,
		.process_start = process_start,
		.start_real_ns = (1 + second) * SECOND_NS,
		.end = end,
	};
	family->pointers[who] = &family->profiles[who];
	return who;
}

static struct lineage_place place_of(const struct family *family, size_t who)
{
	struct lineage lineage;
	struct lineage_place found = {.part = SIZE_MAX};
	lineage_init(&lineage, family->pointers, family->count);
	assert_int_equal(lineage.count, family->count);
	for (size_t i = 0; i < lineage.count; i++)
		if (lineage.places[i].part == who)
			found = lineage.places[i];
	lineage_release(&lineage);
	assert_int_equal(found.part, who);
	return found;
}

static void check(const struct family *family, size_t who, size_t parent, enum lineage_how how)
{
	const struct lineage_place place = place_of(family, who);
	assert_true(place.parent == parent);
	assert_int_equal(place.how, how);
}

static void test_a_process_that_became_others(void **state)
{
	(void)state;
	struct family family = {.count = 0};
	/* Given in no order; the last of the chain names what was above all of it. */
	const size_t third = add(&family, 20, 7, 3, PROFILE_EXIT);
	const size_t first = add(&family, 20, 7, 0, PROFILE_EXEC);
	const size_t top = add(&family, 10, 5, 0, PROFILE_EXIT);
	const size_t second = add(&family, 20, 7, 2, PROFILE_EXEC);
	const size_t others[] = {first, second, third};
	for (size_t i = 0; i < 3; i++) {
		tell(&family, others[i], "parent_run", 1000 + top);
		tell(&family, others[i], "parent_pid", 10);
	}
	tell(&family, first, "forked", 1);
	check(&family, top, SIZE_MAX, LINEAGE_FIRST);
	check(&family, first, top, LINEAGE_FORKED);
	check(&family, second, first, LINEAGE_EXECUTED);
	check(&family, third, second, LINEAGE_EXECUTED);
	assert_int_equal(place_of(&family, third).depth, 3);
}

/* In containers every first process is 1; a number alone says nothing. */
static void test_numbers_that_are_used_again(void **state)
{
	(void)state;
	struct family family = {.count = 0};
	const size_t before = add(&family, 1, 100, 0, PROFILE_EXEC);
	const size_t after = add(&family, 1, 900, 10, PROFILE_EXIT);
	const size_t child = add(&family, 2, 910, 10, PROFILE_EXIT);
	const size_t orphan = add(&family, 3, 920, 11, PROFILE_EXIT);
	tell(&family, child, "parent_pid", 1);
	tell(&family, child, "parent_run", 1000 + after);
	tell(&family, orphan, "parent_pid", 1);
	tell(&family, orphan, "parent_run", 77);
	tell(&family, orphan, "forked", 1);
	check(&family, before, SIZE_MAX, LINEAGE_FIRST);
	check(&family, after, SIZE_MAX, LINEAGE_FIRST);
	check(&family, child, after, LINEAGE_STARTED);
	check(&family, orphan, SIZE_MAX, LINEAGE_FORKED);
}

static void test_runs_in_a_circle(void **state)
{
	(void)state;
	struct family family = {.count = 0};
	for (size_t who = 0; who < 3; who++) {
		add(&family, 10, 5, who, PROFILE_EXIT);
		tell(&family, who, "parent_run", 1000 + (who + 1) % 3);
	}
	tell(&family, add(&family, 10, 5, 9, PROFILE_EXIT), "parent_run", 1003);
	check(&family, 0, 1, LINEAGE_STARTED);
	check(&family, 1, 2, LINEAGE_STARTED);
	check(&family, 2, SIZE_MAX, LINEAGE_STARTED);
	/* Its own parent. */
	check(&family, 3, SIZE_MAX, LINEAGE_STARTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_that_became_others),
		cmocka_unit_test(test_numbers_that_are_used_again),
		cmocka_unit_test(test_runs_in_a_circle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
