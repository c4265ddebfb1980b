/* Blocks summed up by stack, against an array with an entry for every stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../collector/pins.h"

enum { STACKS = 5000 };

static uint32_t next(uint64_t *random, uint32_t limit)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*random >> 32) * limit >> 32);
}

static void model_add(struct pin *pin, uint32_t bytes, uint32_t window)
{
	if (!pin->blocks || window < pin->oldest)
		pin->oldest = window;
	if (window > pin->newest)
		pin->newest = window;
	pin->blocks++;
	pin->block_bytes += 512;
	pin->bytes += bytes;
}

/* Arenas of many stacks and of few in turn: what one leaves must not show in the next. */
static void adds_up_by_stack(void **state)
{
	static struct pin model[STACKS];
	struct pins pins;
	uint64_t random = 7;

	(void)state;
	pins_init(&pins);
	for (uint32_t round = 0; round < 60; round++) {
		uint32_t most = 1 + next(&random, round % 3 ? 40 : STACKS), stack = 0;
		size_t seen = 0;

		memset(model, 0, sizeof(model));
		for (uint32_t i = 0; i < 20000; i++) {
			uint32_t bytes = next(&random, 513), window = next(&random, 1 << 14);

			if (next(&random, 3))
				stack = next(&random, most);
			/* Far apart and close together. */
			pins_add(&pins, stack * 65536u + stack % 7, 512, bytes, window);
			model_add(&model[stack], bytes, window);
		}
		pins_sort_by_stack(&pins);
		for (uint32_t k = 0; k < STACKS; k++) {
			if (!model[k].blocks)
				continue;
			model[k].stack = k * 65536u + k % 7;
			assert_in_range(seen, 0, pins.count - 1);
			assert_memory_equal(&pins.items[seen++], &model[k], sizeof(*model));
		}
		assert_int_equal(seen, pins.count);
		pins_clear(&pins);
		assert_int_equal(pins.count, 0);
	}
	pins_release(&pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up_by_stack),
	};

	return cmocka_run_group_tests_name("pins", tests, NULL, NULL);
}
