/*
 * profile_fixture.h - a folder of its own and a heap made by hand for each test of profiles.
 */
#ifndef MEMTRACE_TESTS_PROFILE_FIXTURE_H
#define MEMTRACE_TESTS_PROFILE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "heap_by_hand.h"
#include "profile_promises.h"

struct fixture {
	char folder[64];
	char path[96];
	struct hand hand;
};

/*
 * An audit that finds one block in the headers that was freed, and one pool not there. It isn't
 * among the hand's records: those are what the golden file was made of.
 */
static void audit_hand(struct hand *hand)
{
	const uint64_t low = 0x100001000, high = 0x7f0000100000, mib = (uint64_t)1 << 52;
	const struct record records[] = {
		{record_head(R_AUDIT, 7), 0},
		{record_head(R_AUDIT_ARENA, low), 1 | mib},
		{record_head(R_AUDIT_POOL, low + 0x3000), 4 | 3 << 8 | 1 << 24},
		{record_head(R_DATA, 7), 0},
		{record_head(R_AUDIT_ARENA, high), 1 | mib},
		{record_head(R_AUDIT_POOL, high), 4 | 6 << 8 | 1 << 24},
		{record_head(R_DATA, 63), 0},
		{record_head(R_AUDIT_END, 7), 1234},
	};

	heap_apply(&hand->heap, records, sizeof(records) / sizeof(*records));
}

static int set_up(void **state)
{
	struct fixture *fixture = mem_alloc(sizeof(*fixture));

	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test_profile.XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/app.memtrace", fixture->folder);
	assert_true(hand_init(&fixture->hand));
	audit_hand(&fixture->hand);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	hand_release(&fixture->hand);
	unlink(fixture->path);
	/* Fails where a test left anything else behind. */
	assert_int_equal(rmdir(fixture->folder), 0);
	free(fixture);
	return 0;
}

static __attribute__((unused)) void write_hand(const struct fixture *fixture)
{
	struct err err = {""};

	if (profile_write(fixture->path, &fixture->hand.heap, &hand_identity, &hand_result,
			  &err))
		fail_msg("%s", err.text);
}

static struct buf read_file(const char *path)
{
	uint8_t part[4096];
	FILE *file = fopen(path, "rb");
	struct buf bytes;

	buf_init(&bytes);
	assert_non_null(file);
	for (size_t len; (len = fread(part, 1, sizeof(part), file)) > 0;)
		buf_append(&bytes, part, len);
	fclose(file);
	return bytes;
}

static struct profile *open_whole(const char *path)
{
	struct profile *profile;
	struct err err = {""};

	if (profile_open(path, &profile, &err) || profile_load_blocks(profile, &err))
		fail_msg("%s", err.text);
	if (profile->problem_count)
		fail_msg("%s", profile->problems[0]);
	return profile;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
