/* Which pages of a mapping were touched, by both ways that the kernel tells it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "../../preload/touched.h"

/* More than two windows, the last of them cut. */
enum { PAGES = 2 * TOUCHED_WINDOW + 77 };

static bool is_chosen(uint64_t page)
{
	return page % 5 == 2 || page == PAGES - 1;
}

/* Every fifth page and the last one are written. */
static uint64_t make_pages(uint64_t page_bytes)
{
	char *memory = mmap(NULL, PAGES * page_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	assert_int_equal(madvise(memory, PAGES * page_bytes, MADV_NOHUGEPAGE), 0);
	for (uint64_t i = 0; i < PAGES; i++)
		if (is_chosen(i))
			memory[i * page_bytes + 99] = 1;
	return (uintptr_t)memory;
}

static void assert_chosen(struct touched *touched)
{
	uint64_t bytes = touched->page_bytes, memory = make_pages(bytes);

	touched_range(touched, memory, PAGES * bytes);
	/* Asking touches nothing: a second time the answers are the same. */
	for (unsigned turn = 0; turn < 2; turn++)
		for (uint64_t i = 0; i < PAGES; i++)
			assert_int_equal(touched_at(touched, memory + i * bytes + turn),
					 is_chosen(i));
	assert_false(touched->failed);
	munmap((void *)(uintptr_t)memory, PAGES * bytes);
}

static void pagemap_tells(void **state)
{
	struct touched touched;

	(void)state;
	assert_true(touched_open(&touched));
	if (touched.fd < 0)
		skip();
	assert_chosen(&touched);
	touched_close(&touched);
	assert_true(touched.fd < 0);
}

static void mincore_tells(void **state)
{
	struct touched touched;

	(void)state;
	assert_true(touched_open(&touched));
	touched_close(&touched);
	assert_chosen(&touched);
}

static void what_is_not_mapped_has_no_answer(void **state)
{
	struct touched touched;
	uint64_t memory;

	(void)state;
	assert_true(touched_open(&touched));
	touched_close(&touched);
	memory = make_pages(touched.page_bytes);
	munmap((void *)(uintptr_t)memory, PAGES * touched.page_bytes);
	touched_range(&touched, memory, PAGES * touched.page_bytes);
	assert_false(touched_at(&touched, memory + 2 * touched.page_bytes));
	assert_true(touched.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pagemap_tells),
		cmocka_unit_test(mincore_tells),
		cmocka_unit_test(what_is_not_mapped_has_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
