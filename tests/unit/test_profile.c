/*
 * A heap written as a profile and read back says the same, and so does the golden file at
 * tests/data; a profile that can't be written leaves one sentence and nothing else.
 */
#include "profile_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define GOLDEN "tests/data/v1.memtrace"

static void assert_run(const struct profile *p, const struct heap *heap)
{
	const struct profile_run *run = &p->run;

	assert_int_equal(run->run_id, hand_identity.run_id);
	assert_int_equal(run->process_start, hand_identity.process_start);
	assert_int_equal(run->start_real_ns, hand_identity.start_real_ns);
	assert_int_equal(run->pid, hand_identity.pid);
	assert_int_equal(run->uid, hand_identity.uid);
	assert_int_equal(run->peak_slack_bytes, hand_identity.slack_bytes);
	assert_int_equal(run->end, HEAP_EXIT);
	assert_int_equal(run->end_status, 3);
	assert_int_equal(run->flags, PROFILE_CONSERVED);
	assert_int_equal(run->bad_records, hand_result.bad_records);
	assert_true(run->crash_safe_until_ms == UINT64_MAX);
	assert_int_equal(run->duration_ms, 2600);
	assert_int_equal(run->live_bytes, heap->sites.live_bytes);
	assert_int_equal(run->peak_bytes, heap->sites.peak_bytes);
	assert_int_equal(run->peak_ms, heap->sites.peak_ms);
	assert_memory_equal(run->domain_bytes, heap->domain_bytes, sizeof(run->domain_bytes));
	assert_memory_equal(run->domain_blocks, heap->domain_blocks,
			    sizeof(run->domain_blocks));
	assert_int_equal(run->arena_bytes, 2 << 20);
	assert_int_equal(run->arena_count, 2);
	assert_int_equal(run->pool_bytes, 16384);
	assert_int_equal(run->cancelled_pairs, 17);
	assert_int_equal(run->dropped_events, 3);
	assert_int_equal(run->waited_ns, 1000);
	assert_int_equal(run->collections[1], 1);
	assert_int_equal(run->collected[1], 12);
	assert_int_equal(run->checks, 1);
	assert_int_equal(run->checks_differing, 0);
}

static void assert_definitions(const struct profile *p)
{
	assert_string_equal(profile_info(p, "python"), "3.13.5");
	assert_string_equal(profile_info(p, "program"), "app.py");
	assert_string_equal(profile_info(p, "empty"), "");
	assert_null(profile_info(p, "3.13.5"));
	assert_int_equal(p->code_count, 3);
	assert_int_equal(p->node_count, 6);
	assert_string_equal(profile_text(p, p->codes[1].file), "/srv/app.py");
	assert_string_equal(profile_text(p, p->codes[1].name), "Cache.add");
	assert_string_equal(profile_text(p, p->codes[2].file), "/srv/caf\xc3\xa9.py");
	assert_int_equal(p->codes[0].file, p->codes[1].file); /* each text once */
	assert_int_equal(p->nodes[2].parent, 2);
	assert_ptr_equal(profile_code_of(p, &p->nodes[2]), &p->codes[1]);
	assert_null(profile_code_of(p, &p->nodes[0]));
	assert_null(profile_code_of(p, &p->nodes[4]));
	assert_int_equal(profile_line(p, &p->nodes[1]), 1);
	assert_int_equal(profile_line(p, &p->nodes[2]), 41);
	assert_int_equal(profile_line(p, &p->nodes[4]), LINE_NONE);
	assert_int_equal(profile_line(p, &p->nodes[5]), 1 << 20);
	assert_int_equal(p->thread_count, 2);
	assert_int_equal(p->threads[1].tid, 4712);
	assert_string_equal(profile_text(p, p->threads[1].name), "worker");
}

static void assert_sites(const struct profile *p, const struct heap *heap)
{
	size_t seen = 0;

	for (uint32_t stack = 0; stack < heap->sites.count; stack++) {
		const struct site *site = &heap->sites.site[stack];
		const struct profile_site *item = &p->sites[seen];
		uint64_t peak_bytes, peak_blocks;

		if (!site->total_blocks)
			continue;
		assert_in_range(++seen, 1, p->site_count);
		sites_at_peak(&heap->sites, stack, &peak_bytes, &peak_blocks);
		assert_int_equal(item->stack, stack);
		assert_int_equal(item->live_bytes, site->total_bytes - site->freed_bytes);
		assert_int_equal(item->live_blocks, site->total_blocks - site->freed_blocks);
		assert_int_equal(item->total_bytes, site->total_bytes);
		assert_int_equal(item->temporary_bytes, site->temporary_bytes);
		assert_int_equal(item->temporary_blocks, site->temporary_blocks);
		assert_int_equal(item->gc_freed_bytes, site->gc_freed_bytes);
		assert_int_equal(item->gc_freed_blocks, site->gc_freed_blocks);
		assert_int_equal(item->peak_bytes, peak_bytes);
		assert_int_equal(item->peak_blocks, peak_blocks);
	}
	assert_int_equal(seen, p->site_count);
}

/* What is live at a mark, by stack, as the events before it say. */
static void assert_live(const struct profile *p, size_t mark, const uint64_t *bytes)
{
	uint64_t got[7], blocks[7];

	profile_live_at(p, mark, got, blocks);
	assert_memory_equal(got, bytes, sizeof(got));
}

static void assert_marks(const struct profile *p)
{
	const uint64_t zero = 0x500000000, three = 513 + 64 + 63 + 62 + 61 + 60 + 59;
	const uint64_t start[7] = {0}, warm[7] = {zero, 0, 3 * 33 + 5000, three, 0, 0, 0};
	const uint64_t end[7] = {zero, 0, 3 * 33 + 5000 + 12 * 4096, three - 63, 0, 0, 8};

	assert_int_equal(p->mark_count, 3);
	assert_string_equal(profile_text(p, p->marks[0].name), "start");
	assert_string_equal(profile_text(p, p->marks[1].name), "warm");
	assert_string_equal(profile_text(p, p->marks[2].name), "warm#2");
	assert_int_equal(p->marks[1].base, p->marks[2].base);
	assert_int_equal(p->marks[2].figures.time_ns, 2600000000);
	assert_true(p->marks[2].figures.pss_bytes == UINT64_MAX);
	assert_int_equal(p->marks[2].arena_count, 2);
	assert_live(p, 0, start);
	assert_live(p, 1, warm);
	assert_live(p, 2, end);
	assert_live(p, SIZE_MAX, end);
}

/* The golden file is from before there were pins. */
static void assert_pins(const struct profile *p)
{
	static const struct profile_pin pins[] = {
		{0, 2, 3, 3 * 64, 3 * 33, 0, 0},
		{1, 3, 5, 5 * 64, 64 + 62 + 61 + 60 + 59, 0, 0},
		{1, 6, 1, 16, 8, 1, 1},
	};

	if (!profile_section_of(p, "PINS")) {
		assert_int_equal(p->pin_count, 0);
		return;
	}
	assert_int_equal(p->pin_count, 3);
	assert_memory_equal(p->pins, pins, sizeof(pins));
}

static void assert_audits(const struct profile *p)
{
	static const struct profile_audit audit = {
		.mark = PROFILE_PEAK,
		.interpreters = 1,
		.arenas = 2,
		.differing_arenas = 1,
		.pools = 3,
		.differing_pools = 2,
		.blocks = 3 + 6 + 1,
		.differing_blocks = 2,
		.pause_ns = 1234,
		.time_ms = 2600,
	};
	static const struct profile_audit_difference differences[] = {
		{0x7f0000100000, 0x7f0000100000, 0, 4, 4, 5, 6, 1, 0},
		{0x7f0000100000, 0x7f0000104000, 0, 1, 0, 1, 0, 1, 0},
	};

	if (!profile_section_of(p, "AUDT")) {
		assert_int_equal(p->audit_count + p->difference_count, 0);
		return;
	}
	assert_int_equal(p->audit_count, 1);
	assert_memory_equal(p->audits, &audit, sizeof(audit));
	assert_int_equal(p->difference_count, 2);
	assert_memory_equal(p->differences, differences, sizeof(differences));
}

static void assert_maps(const struct profile *p)
{
	assert_int_equal(p->arena_count, 2);
	assert_int_equal(p->arenas[0].address, 0x100001000);
	assert_int_equal(p->arenas[0].stack, 6);
	assert_int_equal(p->arenas[0].live_blocks, 3);
	assert_int_equal(p->arenas[1].live_bytes, 64 + 62 + 61 + 60 + 59 + 8);
	assert_int_equal(p->pool_count, 3);
	assert_int_equal(p->pools[0].address, 0x100004000);
	assert_int_equal(p->pools[0].class, 4);
	assert_int_equal(p->pools[1].live_blocks, 5);
	assert_int_equal(p->pools[2].class, 1);
	assert_pins(p);
	assert_audits(p);
	assert_int_equal(p->mapping_count, 3); /* one was cut in two */
	assert_int_equal(p->mappings[0].bytes, 4 * 4096);
	assert_int_equal(p->mappings[1].address, 0x20008000);
	assert_int_equal(p->mappings[1].anonymous, 1);
	assert_int_equal(p->mappings[2].anonymous, 0);
	assert_int_equal(p->window_count, 3);
	assert_int_equal(p->windows[1].rss_bytes, 9 << 20);
	assert_int_equal(p->windows[2].start_ms, 2000);
}

static int by_address(const void *left, const void *right)
{
	const struct hand_block *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static void assert_blocks(const struct profile *p, const struct hand *hand)
{
	struct hand_block sorted[HAND_BLOCKS];

	memcpy(sorted, hand->blocks, sizeof(sorted));
	qsort(sorted, hand->block_count, sizeof(*sorted), by_address);
	assert_int_equal(p->run.block_count, hand->block_count);
	assert_int_equal(p->block_count, hand->block_count);
	for (size_t i = 0; i < p->block_count; i++) {
		assert_int_equal(p->blocks[i].address, sorted[i].address);
		assert_int_equal(p->blocks[i].bytes, sorted[i].bytes);
		assert_int_equal(p->blocks[i].stack, sorted[i].stack);
		assert_int_equal(p->blocks[i].domain, sorted[i].domain);
		assert_int_equal(p->blocks[i].window, sorted[i].bytes == 8 ? 1 : 0);
	}
}

static void assert_says_all(const struct profile *p, const struct hand *hand)
{
	assert_run(p, &hand->heap);
	assert_definitions(p);
	assert_sites(p, &hand->heap);
	assert_marks(p);
	assert_maps(p);
	assert_blocks(p, hand);
}

static void test_round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct profile *profile;

	write_hand(fixture);
	profile = open_whole(fixture->path);
	assert_says_all(profile, &fixture->hand);
	profile_free(profile);
}

/* Node 3 stands at byte 6 of the second code, node 6 before the first byte of the third. */
static void test_frames_that_python_hides(void **state)
{
	struct fixture *fixture = *state;
	struct code *codes = fixture->hand.heap.stacks.codes;
	static const struct {
		uint32_t second, third;
		bool hidden[6]; /* by node */
	} cases[] = {
		{0, 2, {[5] = true}},
		{6, 0, {0}},
		{8, 0, {[2] = true}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct profile *profile;

		codes[1].first_traced = cases[i].second;
		codes[2].first_traced = cases[i].third;
		write_hand(fixture);
		profile = open_whole(fixture->path);
		assert_int_equal(profile->codes[1].first_traced, cases[i].second);
		for (size_t k = 0; k < 6; k++)
			assert_int_equal(profile_hidden(profile, &profile->nodes[k]),
					 cases[i].hidden[k]);
		profile_free(profile);
	}
}

static void test_same_bytes_again(void **state)
{
	struct fixture *fixture = *state;
	struct buf first, second;
	struct stat st;

	write_hand(fixture);
	first = read_file(fixture->path);
	write_hand(fixture);
	second = read_file(fixture->path);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buf_release(&first);
	buf_release(&second);
}

static void test_empty_heap(void **state)
{
	struct fixture *fixture = *state;
	struct profile *profile;
	struct err err = {""};
	struct heap heap;
	struct buf bytes;

	heap_init(&heap);
	if (profile_write(fixture->path, &heap, &hand_identity, &hand_result, &err))
		fail_msg("%s", err.text);
	heap_release(&heap);
	profile = open_whole(fixture->path);
	assert_int_equal(profile->node_count + profile->site_count + profile->block_count, 0);
	profile_free(profile);
	bytes = read_file(fixture->path);
	assert_int_equal(promises_kept("empty", bytes.data, bytes.len), 0);
	buf_release(&bytes);
}

/* Enough blocks for many compressed pieces, in no order, on both sides of arenas' addresses. */
static void test_many_blocks(void **state)
{
	enum { MANY = 300000 };
	struct fixture *fixture = *state;
	struct profile *profile;
	struct heap heap;
	uint64_t sum = 0;
	struct err err = {""};

	heap_init(&heap);
	assert_true(arena_map_add(&heap.arenas, 1ULL << 40, 1 << 20, 0, 0));
	for (uint64_t i = 1; i <= MANY; i++) {
		uint64_t address = 16 + i * 0x9e3779b97f4a7c15 % (1ULL << 47) / 16 * 16;

		block_table_put(&heap.blocks,
				(struct large_block){.address = address, .bytes = i}, NULL);
	}
	for (uint64_t i = 0; i < 1021; i++) {
		struct block old;

		arena_map_alloc(&heap.arenas, (1ULL << 40) + 48 + 16 * i, 1,
				(struct block){.bytes = 16}, &old);
	}
	for (size_t i = 0; i < heap.blocks.capacity; i++)
		sum += heap.blocks.slots[i].address + heap.blocks.slots[i].bytes;
	if (profile_write(fixture->path, &heap, &hand_identity, &hand_result, &err))
		fail_msg("%s", err.text);
	profile = open_whole(fixture->path);
	assert_int_equal(profile->block_count, heap.blocks.count + 1021);
	for (size_t i = 0; i < profile->block_count; i++) {
		const struct profile_block *block = &profile->blocks[i];

		assert_true(!i || block->address > block[-1].address);
		if (block->domain == DOMAIN_MALLOC)
			sum -= block->address + block->bytes;
		else
			assert_int_equal(block->bytes, 16);
	}
	assert_true(sum == 0);
	profile_free(profile);
	heap_release(&heap);
}

static void assert_fails(const struct fixture *fixture, const char *path, const char *tmp)
{
	struct err err = {""};

	assert_int_equal(
		profile_write(path, &fixture->hand.heap, &hand_identity, &hand_result, &err),
		-1);
	assert_non_null(strstr(err.text, path));
	assert_null(strchr(err.text, '\n'));
	if (tmp)
		assert_int_equal(access(tmp, F_OK), -1);
}

static void test_unwritable(void **state)
{
	struct fixture *fixture = *state;
	char path[160], tmp[170];

	snprintf(path, sizeof(path), "%s/missing/app.memtrace", fixture->folder);
	assert_fails(fixture, path, NULL);
	/* A folder where the profile should be: the rename fails. */
	snprintf(path, sizeof(path), "%s/folder", fixture->folder);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_fails(fixture, path, tmp);
	assert_int_equal(rmdir(path), 0);
	/* A link where the tmp should be is neither followed nor removed. */
	snprintf(tmp, sizeof(tmp), "%s.tmp", fixture->path);
	assert_int_equal(symlink("target", tmp), 0);
	assert_fails(fixture, fixture->path, NULL);
	assert_int_equal(unlink(tmp), 0);
	/* What a killed writer left is no obstacle. */
	close(open(tmp, O_CREAT | O_WRONLY, 0600));
	write_hand(fixture);
	assert_int_equal(access(tmp, F_OK), -1);
}

/* A limit on the file's size stands for the full disk: the old profile stays, the tmp goes. */
static void test_full_disk(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit before, small;
	struct profile *profile;
	char tmp[128];

	write_hand(fixture);
	snprintf(tmp, sizeof(tmp), "%s.tmp", fixture->path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t limit = 0; limit < 1700; limit += 100) {
		small = (struct rlimit){limit, before.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		assert_fails(fixture, fixture->path, tmp);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	profile = open_whole(fixture->path);
	assert_says_all(profile, &fixture->hand);
	profile_free(profile);
}

/* Written once by tests/data/make_v1.c and never again: what was written stays readable. */
static void test_golden(void **state)
{
	struct fixture *fixture = *state;
	struct profile *profile = open_whole(GOLDEN);

	assert_says_all(profile, &fixture->hand);
	profile_free(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_frames_that_python_hides),
		TEST(test_same_bytes_again),
		TEST(test_empty_heap),
		TEST(test_many_blocks),
		TEST(test_unwritable),
		TEST(test_full_disk),
		TEST(test_golden),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
