/*
 * stream_check on hostile records, as a ring and as a journal give them, in one batch and in
 * many: whatever it lets through, a heap made of it balances, and is the same either way. A
 * journal's may begin with a state, which need not balance; what is made of it is written as a
 * state again.
 */
#include <stdlib.h>
#include <string.h>

#include "../../collector/heap.h"
#include "../../collector/heap_state.h"
#include "../../collector/mem.h"
#include "replay_files.h"

static int pass_over(void *user, struct record *records, size_t count, struct err *err)
{
	(void)user, (void)records, (void)count, (void)err;
	return 0;
}

struct outcome {
	uint64_t live_bytes, live_blocks, bad_records;
	size_t nodes, codes;
};

static bool holds_state(const uint8_t *bytes, size_t count)
{
	struct record r;

	for (size_t i = 0; i < count; i++) {
		memcpy(&r, bytes + i * sizeof(r), sizeof(r));
		if (record_kind(&r) == R_STATE)
			return true;
	}
	return false;
}

/* `most` records at a time; what doesn't form whole groups yet is given again with the next. */
static struct outcome apply(const uint8_t *bytes, size_t count, size_t most, bool from_ring)
{
	struct record *records = mem_copy(bytes, count * sizeof(*records));
	struct stream_check check;
	struct outcome outcome;
	struct heap heap;
	struct err err;

	stream_check_init(&check);
	heap_init(&heap);
	check.from_ring = from_ring;
	for (size_t at = 0, size = most; at < count;) {
		size_t given = size < count - at ? size : count - at;
		size_t whole = stream_check(&check, &records[at], given);

		heap_apply(&heap, &records[at], whole);
		if (whole == 0 && given == count - at)
			break;
		size = whole ? most : size + most;
		at += whole;
	}
	/* A state's books are what it says they are. */
	if (heap_check(&heap, &err) < 0 && !holds_state(bytes, count))
		abort();
	outcome = (struct outcome){heap.sites.live_bytes, heap.sites.live_blocks,
				   check.bad_records, heap.stacks.node_count,
				   heap.stacks.code_count};
	if (heap_state_write(&heap, &(const struct state_sink){.take = pass_over}, &err) < 0 &&
	    !holds_state(bytes, count))
		abort();
	heap_release(&heap);
	stream_check_release(&check);
	mem_scope(&records);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t count = len / sizeof(struct record);
	struct outcome ring = apply(bytes, count, SIZE_MAX, true);
	struct outcome journal = apply(bytes, count, SIZE_MAX, false);
	struct outcome parts = apply(bytes, count, 7, true);

	if (memcmp(&ring, &parts, sizeof(ring)) != 0)
		abort();
	/* Only a journal has states. */
	if (ring.live_bytes != journal.live_bytes && !holds_state(bytes, count))
		abort();
	return 0;
}
