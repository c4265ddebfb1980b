/*
 * The journal's reader on hostile bytes: a whole file, and columns behind the checksums that
 * would keep a fuzzer from them. What is decoded goes on through stream_check into a heap.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../collector/columns.h"
#include "../../collector/heap.h"
#include "../../collector/journal.h"
#include "../../collector/mem.h"
#include "replay_files.h"

struct target {
	struct stream_check check;
	struct heap heap;
};

static void target_init(struct target *target)
{
	stream_check_init(&target->check);
	heap_init(&target->heap);
}

static void target_release(struct target *target)
{
	stream_check_release(&target->check);
	heap_release(&target->heap);
}

static void apply(struct target *target, struct record *records, size_t count)
{
	struct err err;

	count = stream_check(&target->check, records, count);
	heap_apply(&target->heap, records, count);
	if (heap_check(&target->heap, &err) < 0)
		abort();
}

static void read_file(const uint8_t *bytes, size_t len)
{
	char path[] = "/tmp/fuzz_journal.XXXXXX";
	int fd = mkstemp(path);
	struct journal_reader *reader;
	struct journal_batch batch;
	struct target target;
	struct err err;

	target_init(&target);
	if (write(fd, bytes, len) == (ssize_t)len && journal_open(path, &reader, &err) == 0) {
		while (journal_next(reader, &batch, &err) > 0)
			apply(&target, batch.records, batch.count);
		journal_close(reader);
	}
	target_release(&target);
	close(fd);
	unlink(path);
}

static void read_columns(const uint8_t *bytes, size_t len)
{
	struct record *records;
	struct columns columns;
	struct target target;
	uint16_t count;

	if (len < sizeof(count))
		return;
	memcpy(&count, bytes, sizeof(count));
	count %= COLUMNS_MAX_RECORDS;
	records = mem_alloc(((size_t)count + 1) * sizeof(*records));
	columns_init(&columns);
	target_init(&target);
	if (columns_decode(&columns, bytes + 2, len - 2, count, records, NULL) == 0)
		apply(&target, records, count);
	target_release(&target);
	columns_release(&columns);
	mem_scope(&records);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	read_file(bytes, len);
	read_columns(bytes, len);
	return 0;
}
