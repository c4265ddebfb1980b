/*
 * Parts of a heap's state on hostile bytes, as a checkpoint holds them: whatever they say, the
 * heap goes on with the records that follow, can be written as a state again and as a profile,
 * and of that profile every section that has been written can be read.
 *
 * An input is a row of pieces: a byte that names the part (0: a row of records instead), two of
 * its length, its bytes. A few stacks are defined before. A profile takes long to write: it is
 * written where the highest bit of the first byte asks for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../collector/buf.h"
#include "../../collector/heap.h"
#include "../../collector/heap_state.h"
#include "../../collector/mem.h"
#include "../../collector/profile_read.h"
#include "../../collector/profile_write.h"
#include "../../collector/stream_read.h"
#include "replay_files.h"

enum { PIECE_HEAD_BYTES = 3, NODES = 8, WANTS_PROFILE = 0x80 };

static int pass_over(void *user, struct record *records, size_t count, struct err *err)
{
	(void)user, (void)records, (void)count, (void)err;
	return 0;
}

static void apply(struct heap *heap, struct stream_check *check, struct buf *bytes)
{
	struct record *records = (struct record *)(void *)bytes->data;
	size_t count = bytes->len / sizeof(*records);

	if (count)
		heap_apply(heap, records, stream_check(check, records, count));
	bytes->len = 0;
}

static void put_record(struct buf *bytes, uint64_t head, uint64_t body)
{
	const struct record r = {head, body};

	buf_append(bytes, &r, sizeof(r));
}

/* A thread's root, and frames on it. */
static void define_stacks(struct buf *bytes)
{
	for (uint32_t id = 1; id <= NODES; id++) {
		uint64_t code = id == 1 ? STREAM_CODE_THREAD : STREAM_CODE_TRUNCATED;

		put_record(bytes, record_head(R_NODE, id), (id - 1) | code << 32);
		put_record(bytes, record_head(R_DATA, 0), 0);
	}
}

static void write_profile(const struct heap *heap)
{
	static const struct run_identity identity = {.pid = 1};
	const struct run_result result = {.crash_safe_until_ms = UINT64_MAX};
	struct profile *profile;
	struct err err;
	char path[64];

	snprintf(path, sizeof(path), "/dev/shm/fuzz_state.%d", (int)getpid());
	if (profile_write(path, heap, &identity, &result, &err) < 0)
		return;
	if (profile_open(path, &profile, &err) < 0)
		abort();
	profile_free(profile);
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf records = {0};
	struct stream_check check;
	struct heap heap;
	struct err err;
	bool wants_profile = len && bytes[0] & WANTS_PROFILE;

	heap_init(&heap);
	stream_check_init(&check);
	define_stacks(&records);
	apply(&heap, &check, &records);
	while (len > PIECE_HEAD_BYTES) {
		size_t part = bytes[1] | (size_t)bytes[2] << 8, left = len - PIECE_HEAD_BYTES;
		const uint8_t *content = bytes + PIECE_HEAD_BYTES;
		uint32_t id = bytes[0] & (WANTS_PROFILE - 1);

		if (part > left)
			part = left;
		if (id)
			stream_put_text(&records, R_STATE, id, content, part);
		else
			buf_append(&records, content, part - part % sizeof(struct record));
		apply(&heap, &check, &records);
		bytes = content + part;
		len = left - part;
	}
	heap_check(&heap, &err);
	heap_state_write(&heap, &(const struct state_sink){.take = pass_over}, &err);
	if (wants_profile)
		write_profile(&heap);
	heap_release(&heap);
	stream_check_release(&check);
	buf_release(&records);
	return 0;
}
