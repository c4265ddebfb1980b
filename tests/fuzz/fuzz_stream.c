/*
 * stream_check on hostile records, as a ring and as a journal give them: what it lets through
 * doesn't depend on how the records were cut into batches, and is good when it is checked
 * again, which is what happens to a journal that is replayed.
 */
#include <stdlib.h>
#include <string.h>

#include "../../collector/mem.h"
#include "../../collector/stream_read.h"
#include "replay_files.h"

#define RECORDS __attribute__((cleanup(mem_scope))) struct record *

/* `most` records at a time; what doesn't form whole groups yet is given again with the next. */
static size_t check_in_parts(struct stream_check *check, struct record *records, size_t count,
			     size_t most)
{
	size_t at = 0, size = most;

	while (at < count) {
		size_t given = size < count - at ? size : count - at;
		size_t whole = stream_check(check, &records[at], given);

		if (whole == 0 && given == count - at)
			break;
		size = whole ? most : size + most;
		at += whole;
	}
	return at;
}

static void good_when_replayed(const struct record *records, size_t count)
{
	RECORDS again = mem_copy(records, count * sizeof(*again));
	struct stream_check check;

	stream_check_init(&check);
	if (stream_check(&check, again, count) != count || check.bad_records ||
	    memcmp(again, records, count * sizeof(*again)) != 0)
		abort();
	stream_check_release(&check);
}

static void check_batches(const uint8_t *bytes, size_t count, bool from_ring)
{
	RECORDS whole = mem_copy(bytes, count * sizeof(*whole));
	RECORDS parts = mem_copy(bytes, count * sizeof(*parts));
	struct stream_check one, many;
	size_t checked;

	stream_check_init(&one);
	stream_check_init(&many);
	one.from_ring = many.from_ring = from_ring;
	checked = stream_check(&one, whole, count);
	if (check_in_parts(&many, parts, count, 3) != checked ||
	    one.bad_records != many.bad_records || one.nodes != many.nodes ||
	    one.codes != many.codes || memcmp(whole, parts, checked * sizeof(*whole)) != 0)
		abort();
	good_when_replayed(whole, checked);
	stream_check_release(&one);
	stream_check_release(&many);
}

/*
 * The first byte chooses where the records come from, so that one input costs one of the two.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (len)
		check_batches(bytes + 1, (len - 1) / sizeof(struct record), bytes[0] & 1);
	return 0;
}
