/*
 * The resident set by parts: areas as the kernel writes them, this process's own memory, and
 * that looks stay few.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../collector/resident.h"
#include "../../collector/smaps.h"

enum { PAGE = 4096, MIB = 1 << 20 };

static const char listing[] =
	"00400000-00500000 r-xp 00000000 fe:00 247741                     /usr/bin/a program\n"
	"Size:               1024 kB\nRss:                  12 kB\nPss:                   3 "
	"kB\nSwap:                  4 kB\n"
	"00500000-00501000 rw-p 00000000 00:00 0 \nRss:                   4 kB\n"
	"00600000-00700000 rw-p 00000000 00:00 0                          [heap]\n"
	"Rss:                 100 kB\nVmFlags: rd wr mr mw me ac \n"
	"nonsense\nRss:                 999 kB\n"
	"00500000-00700000 rw-p 00000000 00:00 0 \nRss:                 999 kB\n"
	"7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
	"7f0000001000-7f0000002000 rw-s 00000000 00:05 77                 /dev/zero (deleted)\n"
	"7f0000003000-7f0000004000 r--p 00000000 fe:00 9                  /x/libmemtrace.so\n"
	"7f0000005000-7f0000006000 rw-s 00000000 fe:00 9                  /o/a.memtrace.ring\n"
	"7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                  [stack]\n"
	"7ffc00100000-7ffc00102000 r-xp 00000000 00:00 0                  [vdso]\n";

static void test_areas_as_the_kernel_writes_them(void **state)
{
	static const enum area_kind kinds[] = {AREA_FILE,      AREA_ANONYMOUS, AREA_BRK,
					       AREA_ANONYMOUS, AREA_SHARED,    AREA_FILE,
					       AREA_FILE,      AREA_STACK,     AREA_KERNEL};
	FILE *file = fmemopen((char *)(uintptr_t)listing, sizeof(listing) - 1, "r");
	struct smaps smaps;

	(void)state;
	smaps_parse(file, "/o/a.memtrace.ring", &smaps);
	fclose(file);
	assert_int_equal(smaps.count, 9);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(smaps.items[i].kind, kinds[i]);
	assert_int_equal(smaps.items[0].resident_bytes, 12 << 10);
	assert_int_equal(smaps.items[0].swap_bytes, 4 << 10);
	assert_int_equal(smaps.items[0].pss_bytes, 3 << 10);
	/* Lines that can't be understood, or lie in an area before them, leave nothing. */
	assert_int_equal(smaps.items[2].resident_bytes, 100 << 10);
	assert_true(smaps.items[3].closed);
	assert_true(smaps.items[5].tracer && smaps.items[6].tracer);
	assert_false(smaps.items[0].tracer);
	smaps_release(&smaps);
}

static void touch(char *from, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		from[i * PAGE] = 1;
}

static void apply(struct heap *heap, enum record_kind kind, const void *at, uint64_t high)
{
	const struct record r = {record_head(kind, (uint64_t)(uintptr_t)at), high << 32};

	heap_apply(heap, &r, 1);
}

static uint64_t sum(const uint64_t *parts)
{
	uint64_t all = 0;

	for (size_t i = 0; i < RESIDENT_PARTS; i++)
		all += parts[i];
	return all;
}

static uint64_t area_of(const void *at, uint64_t pages)
{
	return (uint64_t)(uintptr_t)at / PAGE << RING_AREA_PAGES_BITS | pages;
}

/* One area for the kernel, four things for us. */
static void test_an_area_of_several_things(void **state)
{
	char *at = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	struct stream_resident before, after;
	struct mapped none = {0}, mapped = {0};
	struct program program;
	struct heap heap;
	struct ring_header *ring = calloc(1, sizeof(*ring));
	const struct resident_query query = {&program, "", ring, &heap};

	(void)state;
	assert_non_null(ring);
	/* The last of them is nonsense. */
	ring->memory_areas[1] = area_of(at, MIB / PAGE);
	ring->memory_areas[RING_MEMORY_AREAS - 1] = UINT64_MAX;
	madvise(at, 4 * MIB, MADV_NOHUGEPAGE);
	heap_init(&heap);
	program_init(&program, (uint32_t)getpid(), 0);
	apply(&heap, R_ARENA, at + MIB, MIB);
	apply(&heap, R_MAP_ANON, at + 2 * MIB, MIB / PAGE);
	assert_true(resident_look(&query, &before, &none));
	touch(at, 10);
	touch(at + MIB, 200);
	touch(at + 2 * MIB, 30);
	touch(at + 3 * MIB, 40);
	assert_true(resident_look(&query, &after, &mapped));
	assert_int_equal(after.parts[RESIDENT_TRACER] - before.parts[RESIDENT_TRACER],
			 10 * PAGE);
	assert_int_equal(after.parts[RESIDENT_ARENAS], 200 * PAGE);
	assert_int_equal(after.parts[RESIDENT_MAPPINGS], 30 * PAGE);
	assert_int_equal(none.count, 1);
	assert_int_equal(mapped.count, 1);
	assert_int_equal(none.items[0].resident_bytes, 0);
	assert_int_equal(mapped.items[0].part, RESIDENT_MAPPINGS);
	assert_int_equal(mapped.items[0].bytes, MIB);
	assert_int_equal(mapped.items[0].resident_bytes, 30 * PAGE);
	/* What is looked with takes memory itself, under a sanitizer more. */
	assert_in_range(sum(after.parts) - sum(before.parts), 280 * PAGE, 280 * PAGE + 4 * MIB);
	assert_in_range(sum(after.parts), sum(before.parts),
			program_rss_bytes(&program) + 8 * MIB);
	mapped_release(&none);
	mapped_release(&mapped);
	program_release(&program);
	heap_release(&heap);
	free(ring);
	munmap(at, 4 * MIB);
}

static void test_a_process_that_is_gone(void **state)
{
	const struct program program = {.pid = INT32_MAX, .pidfd = -1, .statm_fd = -1};
	struct stream_resident resident;
	struct mapped mapped;
	struct heap heap;

	(void)state;
	heap_init(&heap);
	const struct resident_query query = {&program, "", NULL, &heap};

	assert_false(resident_look(&query, &resident, &mapped));
	heap_release(&heap);
}

static void test_few_are_kept_and_all_marks(void **state)
{
	struct residents residents = {0};
	size_t marks = 0;

	(void)state;
	for (uint64_t i = 1; i <= 10000; i++)
		residents_add(&residents, &(struct stream_resident){
						  .time_ns = i,
						  .mark_ns = i % 100 ? 0 : i,
					  });
	residents_add(&residents, &(struct stream_resident){.time_ns = 9999});
	assert_in_range(residents.count, RESIDENTS_MOST / 2, RESIDENTS_MOST);
	for (size_t i = 0; i < residents.count; i++) {
		assert_true(!i || residents.items[i - 1].time_ns < residents.items[i].time_ns);
		marks += residents.items[i].mark_ns != 0;
	}
	assert_int_equal(marks, 100);
	assert_int_equal(residents.items[residents.count - 1].time_ns, 10000);
	for (uint64_t i = 10001; i < 12000; i++)
		residents_add(&residents,
			      &(struct stream_resident){.time_ns = i, .mark_ns = i});
	assert_in_range(residents.count, RESIDENTS_MOST / 2, RESIDENTS_MOST);
	assert_int_equal(residents.items[residents.count - 1].time_ns, 11999);
	residents_release(&residents);
}

/* More stacks than are told apart, of two parts. */
static void test_stacks_with_least_are_put_together(void **state)
{
	enum { STACKS = 100 };
	struct mapped mapped = {0};
	uint64_t bytes = 0, resident_bytes = 0;

	(void)state;
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < STACKS; i++)
			mapped_note(&mapped, i % 2 ? RESIDENT_FILES : RESIDENT_SHARED, i / 2,
				    1000, i + 1);
	assert_int_equal(mapped.count, STACKS);
	mapped_finish(&mapped, 7);
	assert_int_equal(mapped.count, MAPPED_MOST + 2);
	for (size_t i = 0; i < mapped.count; i++) {
		const struct stream_mapped *item = &mapped.items[i];
		const bool together = i >= MAPPED_MOST;

		assert_int_equal(item->time_ns, 7);
		assert_int_equal(item->stack == STREAM_OTHER_STACKS, together);
		assert_true(together || item->resident_bytes == 2 * (STACKS - i));
		bytes += item->bytes;
		resident_bytes += item->resident_bytes;
	}
	assert_int_equal(bytes, 2 * 1000 * STACKS);
	assert_int_equal(resident_bytes, STACKS * (STACKS + 1));
	mapped_release(&mapped);
}

static void add_mapped(struct residents *residents, uint64_t time_ns)
{
	residents_add_mapped(
		residents, &(struct stream_mapped){.time_ns = time_ns, .part = RESIDENT_FILES});
}

static void test_what_was_mapped_goes_with_its_look(void **state)
{
	struct residents residents = {0};

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		residents_add(&residents, &(struct stream_resident){.time_ns = 2 * i});
		add_mapped(&residents, 2 * i);
		/* Of no look, and out of order. */
		add_mapped(&residents, 2 * i + 1);
		add_mapped(&residents, 2 * i - 2);
	}
	assert_int_equal(residents.mapped_count, residents.count);
	for (size_t i = 0; i < residents.count; i++)
		assert_int_equal(residents.mapped[i].time_ns, residents.items[i].time_ns);
	for (size_t i = 0; i < 1000; i++)
		add_mapped(&residents, 2000);
	assert_int_equal(residents.mapped_count, residents.count - 1 + MAPPED_ITEMS_MOST);
	residents_add_mapped(&residents,
			     &(struct stream_mapped){.time_ns = 2000, .part = RESIDENT_PARTS});
	assert_int_equal(residents.mapped_count, residents.count - 1 + MAPPED_ITEMS_MOST);
	residents_release(&residents);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_areas_as_the_kernel_writes_them),
		cmocka_unit_test(test_an_area_of_several_things),
		cmocka_unit_test(test_a_process_that_is_gone),
		cmocka_unit_test(test_few_are_kept_and_all_marks),
		cmocka_unit_test(test_stacks_with_least_are_put_together),
		cmocka_unit_test(test_what_was_mapped_goes_with_its_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
