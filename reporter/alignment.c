#include "alignment.h"

#include <stdlib.h>

#include "../collector/mem.h"

/*
 * Cells of the table of lengths. Where an edit is larger, what lies between the first and the
 * last difference counts as rewritten.
 */
enum { MOST_CELLS = 4 << 20 };

static void find_common(const struct function_line *a, size_t a_count,
			const struct function_line *b, size_t b_count, uint32_t start,
			uint32_t *of_a)
{
	const size_t width = b_count + 1;
	if ((a_count + 1) * width > MOST_CELLS)
		return;
	/* lengths[i * width + k]: of the longest one in a from i on and b from k on. */
	__attribute__((cleanup(mem_scope)))
	uint16_t *lengths = mem_alloc((a_count + 1) * width * sizeof lengths[0]);
	for (size_t i = a_count; i-- > 0;)
		for (size_t k = b_count; k-- > 0;) {
			const uint16_t below = lengths[(i + 1) * width + k];
			const uint16_t beside = lengths[i * width + k + 1];
			const uint16_t both = (uint16_t)(lengths[(i + 1) * width + k + 1] + 1);
			lengths[i * width + k] = a[i].print == b[k].print ? both
						 : below > beside         ? below
									  : beside;
		}
	for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
		if (a[i].print == b[k].print)
			of_a[i++] = start + (uint32_t)k++;
		else if (lengths[(i + 1) * width + k] >= lengths[i * width + k + 1])
			i++;
		else
			k++;
	}
}

static void pair_edited(size_t a_count, size_t b_count, uint32_t *of_a)
{
	size_t taken = 0; /* of b, up to the last line that was paired */
	for (size_t i = 0; i <= a_count;) {
		size_t end = i;
		while (end < a_count && of_a[end] == ALIGNMENT_NONE)
			end++;
		const size_t next = end < a_count ? of_a[end] : b_count;
		if (end - i == next - taken)
			for (size_t k = i; k < end; k++)
				of_a[k] = (uint32_t)(taken + k - i);
		i = end + 1;
		taken = next + 1;
	}
}

void alignment_find(const struct function_line *a, size_t a_count,
		    const struct function_line *b, size_t b_count, uint32_t *ret_of_a)
{
	const size_t shorter = a_count < b_count ? a_count : b_count;
	size_t head = 0, tail = 0;
	for (size_t i = 0; i < a_count; i++)
		ret_of_a[i] = ALIGNMENT_NONE;
	while (head < shorter && a[head].print == b[head].print) {
		ret_of_a[head] = (uint32_t)head;
		head++;
	}
	while (tail < shorter - head &&
	       a[a_count - 1 - tail].print == b[b_count - 1 - tail].print) {
		ret_of_a[a_count - 1 - tail] = (uint32_t)(b_count - 1 - tail);
		tail++;
	}
	find_common(a + head, a_count - head - tail, b + head, b_count - head - tail,
		    (uint32_t)head, ret_of_a + head);
	pair_edited(a_count, b_count, ret_of_a);
}
