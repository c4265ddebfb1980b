/* A section's frame is the same wherever its bytes lie meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../collector/mem.h"
#include "../../collector/section_write.h"
#include "xorshift.h"

enum { WORDS = 1 << 20 };

/* Nothing that compresses. */
static void fill(struct section_write *section)
{
	uint64_t word = 1;

	for (size_t i = 0; i < WORDS; i++) {
		xorshift(&word);
		section_write_add(section, &word, sizeof(word));
	}
	assert_int_equal(section_write_finish(section, NULL), 0);
}

static void same_frame(const struct section_write *a, const struct section_write *b)
{
	uint8_t *bytes = mem_alloc(a->entry.stored_bytes);

	assert_int_equal(a->entry.stored_bytes, b->entry.stored_bytes);
	assert_int_equal(a->spilled_bytes + a->stored.len, a->entry.stored_bytes);
	assert_int_equal(b->stored.len, b->entry.stored_bytes);
	if (a->spilled_bytes)
		assert_int_equal(pread(a->spill_fd, bytes, a->spilled_bytes, 0),
				 a->spilled_bytes);
	memcpy(bytes + a->spilled_bytes, a->stored.data, a->stored.len);
	assert_memory_equal(bytes, b->stored.data, b->stored.len);
	free(bytes);
}

static void compare(const char *path, uint64_t *ret_spilled)
{
	struct section_write a, b;

	section_write_init(&a, "BLKA", 1);
	section_write_init(&b, "BLKA", 1);
	section_write_spill(&a, path);
	fill(&a);
	fill(&b);
	same_frame(&a, &b);
	*ret_spilled = a.spilled_bytes;
	section_write_release(&a);
	section_write_release(&b);
}

static void test_a_large_frame_leaves_memory(void **state)
{
	uint64_t spilled;

	(void)state;
	compare("/tmp/profile", &spilled);
	/* A disk with little room gets nothing. */
	if (spilled == 0)
		skip();
	assert_in_range(spilled, (WORDS - (WORDS >> 2)) * sizeof(uint64_t), UINT64_MAX);
}

static void test_without_a_folder_it_stays(void **state)
{
	uint64_t spilled;

	(void)state;
	compare("/no such folder/profile", &spilled);
	assert_int_equal(spilled, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_large_frame_leaves_memory),
		cmocka_unit_test(test_without_a_folder_it_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
