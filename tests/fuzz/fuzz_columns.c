/*
 * Any bytes as the columns of a batch, behind the frame, its checksum and its compression. What
 * they decode to comes back when it is encoded and decoded again, and stream_check takes it.
 */
#include <stdlib.h>
#include <string.h>

#include "../../collector/columns.h"
#include "../../collector/mem.h"
#include "../../collector/stream_read.h"
#include "replay_files.h"

enum { MOST_RECORDS = 256 };

#define RECORDS __attribute__((cleanup(mem_scope))) struct record *

static void comes_back(struct columns *columns, const struct record *records, size_t count)
{
	static uint8_t bytes[MOST_RECORDS * 64];
	RECORDS again = mem_alloc(count * sizeof(*again));
	size_t len = columns_encode(columns, records, count, bytes);

	if (len > columns_bound(count) ||
	    columns_decode(columns, bytes, len, count, again, NULL) < 0 ||
	    memcmp(again, records, count * sizeof(*again)) != 0)
		abort();
}

/* The tables for a whole batch are large: made once, as a journal's reader does. */
static struct columns *shared_columns(void)
{
	static struct columns columns;

	if (!columns.storage)
		columns_init(&columns);
	return &columns;
}

/* The first byte says how many records there are, less one. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct columns *columns = shared_columns();
	struct stream_check check;
	RECORDS records = NULL;
	size_t count;

	if (len == 0)
		return 0;
	count = bytes[0] + 1u;
	records = mem_alloc(count * sizeof(*records));
	if (columns_decode(columns, bytes + 1, len - 1, count, records, NULL) < 0)
		return 0;
	comes_back(columns, records, count);
	stream_check_init(&check);
	stream_check(&check, records, count);
	stream_check_release(&check);
	return 0;
}
